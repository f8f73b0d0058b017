"""Logging in to the running server by every mechanism, on every protocol."""

from __future__ import annotations

import datetime as dt
import imaplib
import json
import poplib
import smtplib
import socket
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from posthouse.protocols.sasl import MECHANISMS
from tests.accounts.tokens import AUDIENCE, ISSUER, jwk_set, token
from tests.protocols.sasl.client import ScramClient
from tests.system.server import Server
from tests.system.user import PATIENCE

ANN, OLD = "ann@site.example", "old@site.example"
PASSWORD = "a = b, or not"

Respond = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("house") / "data"
    data.mkdir()
    make_certificates(data)
    cheap = "[passwords]\nmemory = 64\npasses = 1\nscram_iterations = 10_000\n"
    (data / "posthouse.toml").write_text(cheap)
    (data / "keys.json").write_text(json.dumps(jwk_set()))
    settings = {
        "log_in.mechanisms": ",".join(MECHANISMS),
        "limits.log_ins": 20,
        "tls.client_authorities": "authority.pem",
        "tokens.issuer": ISSUER,
        "tokens.audience": AUDIENCE,
        "tokens.keys": "keys.json",
        "log_in.anonymous": ANN,
    }
    with Server(workers=2, settings=settings, data=data) as running:
        running.run("account", "password", "demo@localhost", "--password-stdin", given="x\n")
        running.add_account(ANN, PASSWORD)
        running.run(
            "account", "add", OLD, "--legacy-auth", "--password-stdin", given=f"{PASSWORD}\n"
        )
        yield running


def make_certificates(data: Path) -> None:
    """An authority, a certificate of Ann's signed by it, and one signed by itself."""
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    now = dt.datetime.now(dt.UTC)

    def issue(
        key: ec.EllipticCurvePrivateKey, address: str, signer: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a person")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject if address else name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not address, path_length=None), critical=True)
        )
        if address:
            names = x509.SubjectAlternativeName([x509.RFC822Name(address)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(signer, hashes.SHA256())

    def write(file: str, *parts: bytes) -> None:
        (data / file).write_bytes(b"".join(parts))

    def private(key: ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    pem = serialization.Encoding.PEM
    write("authority.pem", issue(authority, "", authority).public_bytes(pem))
    ann = ec.generate_private_key(ec.SECP256R1())
    write("ann.pem", private(ann), issue(ann, ANN, authority).public_bytes(pem))
    forged = ec.generate_private_key(ec.SECP256R1())
    write("forged.pem", private(forged), issue(forged, ANN, forged).public_bytes(pem))


# One log-in for each protocol; each says whether it came about.


def by_imap(house: Server, name: str, respond: Respond, tls: ssl.SSLContext) -> bool:
    host, port = house.address("imaps")
    with imaplib.IMAP4_SSL(host, port, ssl_context=tls, timeout=PATIENCE) as client:
        assert f"AUTH={name}" in client.capabilities
        try:
            client.authenticate(name, respond)
        except imaplib.IMAP4.error:
            return False
        return client.select()[0] == "OK"


def by_pop3(house: Server, name: str, respond: Respond, tls: ssl.SSLContext) -> bool:
    host, port = house.address("pop3s")
    client = poplib.POP3_SSL(host, port, context=tls, timeout=PATIENCE)
    try:
        assert name in client.capa()["SASL"]
        reply = client._shortcmd(f"AUTH {name}")  # type: ignore[attr-defined]
        while reply.startswith(b"+ "):
            challenge = b64decode(reply[2:])
            reply = client._shortcmd(  # type: ignore[attr-defined]
                b64encode(respond(challenge)).decode()
            )
        return bool(client.stat()[0] >= 0)
    except poplib.error_proto:
        return False
    finally:
        client.close()


def by_smtp(house: Server, name: str, respond: Respond, tls: ssl.SSLContext) -> bool:
    host, port = house.address("submissions")
    with smtplib.SMTP_SSL(host, port, context=tls, timeout=PATIENCE) as client:
        client.ehlo()
        assert name in client.esmtp_features["auth"].split()
        code, challenge = client.docmd("AUTH", name)
        while code == 334:
            answer = respond(b64decode(challenge))
            code, challenge = client.docmd(b64encode(answer).decode())
        return code == 235


WAYS = pytest.mark.parametrize("log_in", [by_imap, by_pop3, by_smtp])
LogIn = Callable[[Server, str, Respond, ssl.SSLContext], bool]


def end_point(house: Server) -> bytes:
    certificate = ssl.PEM_cert_to_DER_cert((house.data / "certificate.pem").read_text())
    return sha256(certificate).digest()


@WAYS
@pytest.mark.parametrize("hash_", ["SHA-256", "SHA-1"])
def test_scram(house: Server, log_in: LogIn, hash_: str) -> None:
    user = ANN if hash_ == "SHA-256" else OLD
    name = f"SCRAM-{hash_}"
    client = ScramClient(hash_, user, PASSWORD)
    assert log_in(house, name, client.respond, house.tls())
    assert client.verified
    assert client.iterations == 10_000
    assert not log_in(house, name, ScramClient(hash_, user, "no").respond, house.tls())
    stranger = ScramClient(hash_, "eve@site.example", PASSWORD)
    assert not log_in(house, name, stranger.respond, house.tls())


@WAYS
@pytest.mark.parametrize("hash_", ["SHA-256", "SHA-1"])
def test_scram_bound_to_the_channel(house: Server, log_in: LogIn, hash_: str) -> None:
    user, name, flag = OLD, f"SCRAM-{hash_}-PLUS", "p=tls-server-end-point"
    client = ScramClient(hash_, user, PASSWORD, flag=flag, binding=end_point(house))
    assert log_in(house, name, client.respond, house.tls())
    assert client.verified


@WAYS
def test_attack_30_a_channel_that_is_another(house: Server, log_in: LogIn) -> None:
    flag = "p=tls-server-end-point"
    between = ScramClient("SHA-256", ANN, PASSWORD, flag=flag, binding=b"x" * 32)
    assert not log_in(house, "SCRAM-SHA-256-PLUS", between.respond, house.tls())
    unbound = ScramClient("SHA-256", ANN, PASSWORD)
    assert not log_in(house, "SCRAM-SHA-256-PLUS", unbound.respond, house.tls())
    told_there_is_none = ScramClient("SHA-256", ANN, PASSWORD, flag="y")
    assert not log_in(house, "SCRAM-SHA-256", told_there_is_none.respond, house.tls())


@WAYS
def test_a_certificate(house: Server, log_in: LogIn) -> None:
    tls = house.tls()
    tls.load_cert_chain(house.data / "ann.pem")
    assert log_in(house, "EXTERNAL", lambda _: b"", tls)
    assert log_in(house, "EXTERNAL", lambda _: ANN.encode(), tls)
    assert not log_in(house, "EXTERNAL", lambda _: OLD.encode(), tls)


@WAYS
def test_without_a_certificate_that_was_verified(house: Server, log_in: LogIn) -> None:
    with pytest.raises(AssertionError):  # it is not offered
        log_in(house, "EXTERNAL", lambda _: b"", house.tls())


@pytest.mark.parametrize("service", ["imaps", "pop3s", "submissions"])
def test_a_certificate_of_nobody_we_know_ends_the_handshake(house: Server, service: str) -> None:
    tls = house.tls()
    tls.load_cert_chain(house.data / "forged.pem")
    greeting = b""
    with (
        socket.create_connection(house.address(service), PATIENCE) as wire,
        suppress(OSError),
        tls.wrap_socket(wire) as wrapped,
    ):
        greeting = wrapped.recv(100)
    assert greeting == b""


def test_other_sites_may_show_what_they_like(house: Server) -> None:
    tls = house.tls()
    tls.load_cert_chain(house.data / "forged.pem")
    with smtplib.SMTP(*house.address("smtp"), timeout=PATIENCE) as client:
        client.starttls(context=tls)
        assert client.ehlo()[0] == 250


@WAYS
def test_tokens(house: Server, log_in: LogIn) -> None:
    now = int(time.time())
    good, late = (token(exp=now + s, email=ANN) for s in (600, -600))

    def bearer(text: str) -> Respond:
        responses = iter([f"n,a={ANN},\x01auth=Bearer {text}\x01\x01".encode(), b"\x01"])
        return lambda _: next(responses)

    def xoauth2(text: str) -> Respond:
        responses = iter([f"user={ANN}\x01auth=Bearer {text}\x01\x01".encode(), b""])
        return lambda _: next(responses)

    for name, way in (("OAUTHBEARER", bearer), ("XOAUTH2", xoauth2)):
        assert log_in(house, name, way(good), house.tls())
        assert not log_in(house, name, way(late), house.tls())


def test_anonymous_reads_and_does_not_send(house: Server) -> None:
    assert by_imap(house, "ANONYMOUS", lambda _: b"guest", house.tls())
    assert by_pop3(house, "ANONYMOUS", lambda _: b"guest", house.tls())
    with pytest.raises(AssertionError):
        by_smtp(house, "ANONYMOUS", lambda _: b"guest", house.tls())


# What Python's own clients know, in the clear and not


def test_cram_md5_by_imaplib(house: Server) -> None:
    with imaplib.IMAP4(*house.address("imap"), timeout=PATIENCE) as client:
        with pytest.raises(imaplib.IMAP4.error):
            client.login_cram_md5(ANN, PASSWORD)  # who has not asked for old ways
        client.login_cram_md5(OLD, PASSWORD)
        assert client.select()[0] == "OK"


def test_cram_md5_by_smtplib(house: Server) -> None:
    with smtplib.SMTP(*house.address("submission"), timeout=PATIENCE) as client:
        client.ehlo()
        client.user, client.password = OLD, PASSWORD
        assert client.auth("CRAM-MD5", client.auth_cram_md5)[0] == 235
    with smtplib.SMTP(*house.address("submission"), timeout=PATIENCE) as client:
        assert client.login(ANN, PASSWORD)[0] == 235  # CRAM-MD5 first, then PLAIN


def test_apop_by_poplib(house: Server) -> None:
    client = poplib.POP3(*house.address("pop3"), timeout=PATIENCE)
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client.apop(ANN, PASSWORD)
    assert client.apop(OLD, PASSWORD).startswith(b"+OK")
    client.quit()


def test_app_passwords(house: Server) -> None:
    made = house.run("account", "app-password", "add", ANN, "phone", "--scope", "imap")
    password = made.rpartition("password ")[2].strip()
    with imaplib.IMAP4(*house.address("imap"), timeout=PATIENCE) as client:
        client.login(ANN, password)
    with (
        smtplib.SMTP(*house.address("submission"), timeout=PATIENCE) as sender,
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        sender.login(ANN, password)
    (listed,) = json.loads(house.run("account", "app-password", "list", ANN, "--json"))
    assert (listed["name"], listed["scopes"]) == ("phone", "imap")
    assert listed["used"] != "never"
    assert password not in json.dumps(listed)
    house.run("account", "app-password", "revoke", ANN, "phone")
    with (
        imaplib.IMAP4(*house.address("imap"), timeout=PATIENCE) as client,
        pytest.raises(imaplib.IMAP4.error),
    ):
        client.login(ANN, password)


def test_disabled_and_removed(house: Server) -> None:
    name = house.add_account("gone@site.example", PASSWORD)

    def log_in() -> bool:
        with imaplib.IMAP4(*house.address("imap"), timeout=PATIENCE) as client:
            try:
                client.login(name, PASSWORD)
            except imaplib.IMAP4.error:
                return False
            client.append("INBOX", "\\Seen", "", b"Subject: to be kept\r\n\r\ntext\r\n")
            return True

    assert log_in()
    house.run("account", "disable", name)
    assert not log_in()
    house.run("account", "enable", name)
    assert log_in()
    said = house.run("account", "remove", name, "--yes")
    folder = Path(said.rpartition(" in ")[2].strip())
    kept = json.loads((folder / "mailboxes.json").read_text())
    assert [(each["mailbox"], each["flags"]) for each in kept["messages"]] == [
        ("INBOX", ["\\Seen"]),
        ("INBOX", ["\\Seen"]),
    ]
    file = folder / kept["messages"][0]["file"]
    assert file.read_bytes() == b"Subject: to be kept\r\n\r\ntext\r\n"
    assert not log_in()
    house.add_account(name, "another")
    assert not log_in()


def test_no_secret_is_in_the_log(house: Server) -> None:
    assert PASSWORD not in house.log()
    assert "login denied" in house.log()
