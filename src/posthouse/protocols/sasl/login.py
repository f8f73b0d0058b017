"""LOGIN, never standardised (draft-murchison-sasl-login-00), still asked for."""

from .mechanism import (
    Challenge,
    Credentials,
    Exchange,
    Malformed,
    Mechanism,
    Offer,
    Outcome,
    Password,
    Responses,
)


def serve(offer: Offer) -> Exchange:
    """The server's side: it asks for both, one after the other."""
    # Quirk: several clients show what they are asked for, so it is the words they know.
    user: bytes = yield Challenge(b"Username:")
    password: bytes = yield Challenge(b"Password:")
    try:
        question = Password(user.decode(), password.decode())
    except ValueError:
        raise Malformed("expected UTF-8") from None
    if not user or not password or b"\0" in user + password:
        raise Malformed("user and password have an octet at least, and no NUL")
    outcome: Outcome = yield question
    return outcome


def respond(credentials: Credentials) -> Responses:
    """The client's side: the server speaks first."""
    yield None
    yield credentials.user.encode()
    yield credentials.password.encode()


# Quirk: smtplib and others send the user name as an initial response.
LOGIN = Mechanism("LOGIN", None, serve, client_first=True, plaintext=True, respond=respond)
