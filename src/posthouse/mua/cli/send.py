"""posthouse send: write a message and hand it to a server (RFC 6409)."""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ...message.encodings import decode_charset
from ...runtime import endpoints
from ..writing import address_of, write
from .house import Refused, data_option, house, printable, read_password

PATIENCE = 60.0  # seconds for each step of the server

_host_and_port = re.compile(r"([^:]*|\[[^]]*\]):([0-9]{1,9})").fullmatch  # [::1]:587; ::1 is a host


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to hand the message to."""

    host: str
    port: int
    context: ssl.SSLContext | None  # None: in the clear
    tls_at_once: bool = False


@click.command()
@click.option("--from", "sender", metavar="ADDRESS", help="The author  [default: --user, or you].")
@click.option("--to", "recipients", metavar="ADDRESS", multiple=True, help="May be repeated.")
@click.option("--cc", metavar="ADDRESS", multiple=True, help="May be repeated.")
@click.option("--bcc", metavar="ADDRESS", multiple=True, help="Not in the header; repeatable.")
@click.option("--subject", default="", help="The subject.")
@click.option("--text", help="The text  [default: standard input].")
@click.option(
    "--attach",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file to send along; may be repeated.",
)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Send this message (header and text) as it is.",
)
@click.option("--user", metavar="ADDRESS", help="Log in, to send to other sites too.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, a line."
)
@click.option("--host", help="Another server than that of the data directory: HOST[:PORT].")
@click.option("--insecure", is_flag=True, help="With --host: take any certificate.")
@data_option
def send(
    sender: str | None,
    recipients: tuple[str, ...],
    cc: tuple[str, ...],
    bcc: tuple[str, ...],
    subject: str,
    text: str | None,
    attach: tuple[Path, ...],
    file: Path | None,
    user: str | None,
    password_stdin: bool,
    host: str | None,
    insecure: bool,
) -> None:
    """Write a message and send it through the running server.

    Recipients of this site are reached without a log-in. With --user it is submitted as that
    account's; the password is asked for, or taken from $POSTHOUSE_PASSWORD.

    \b
    posthouse send --to demo@localhost --subject Hello --text "It works."
    posthouse send --user ann@example.org --to bob@example.net --attach plan.pdf < letter.txt
    """
    envelope = [_address(text) for text in (*recipients, *cc, *bcc)]
    if not envelope:
        raise click.UsageError("nobody to send to: give --to ADDRESS")
    if file is not None and (subject or attach or text is not None):
        raise click.UsageError(
            "--file is a whole message: no --subject, --text or --attach with it"
        )
    author = sender or user or f"{os.environ.get('USER', 'postmaster')}@localhost"
    reverse_path = _address(author)
    password = _password(password_stdin) if user else ""
    if file is not None:
        content = _as_it_is(file)
    else:
        body = text if text is not None else decode_charset(sys.stdin.buffer.read(), "utf-8")
        try:
            content = write(author, recipients, cc, subject, body, attach)
        except ValueError as error:
            raise Refused(str(error)) from None
    server = _other_server(host, insecure) if host else _own_server(bool(user))
    _hand_over(server, user, password, reverse_path, envelope, content)
    click.echo(f"sent to {', '.join(envelope)}")


def _address(text: str) -> str:
    try:
        return address_of(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r}: {error}") from None


def _password(from_stdin: bool) -> str:
    return os.environ.get("POSTHOUSE_PASSWORD") or read_password(from_stdin, confirm=False)


def _as_it_is(file: Path) -> bytes:
    octets = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    return re.sub(rb"\r\n|\r|\n", b"\r\n", octets)


def _own_server(log_in: bool) -> Server:
    data = house().data
    found = endpoints.read(data)
    if found is None:
        raise Refused(
            f"no server runs on {data}: start it with posthouse serve, or name another by --host"
        )
    places, certificate = found
    order = ("submission", "submissions") if log_in else ("smtp",)
    service = next((name for name in order if name in places), None)
    if service is None:
        raise Refused(f"the server has no {order[0]} service; see listen.{order[0]}")
    place = places[service]
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    host = loopback.get(place.host, place.host)
    if not log_in:
        return Server(host, place.port, None)
    # Our own certificate and no other; its names do not matter then.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return Server(host, place.port, context, tls_at_once=service == "submissions")


def _other_server(text: str, insecure: bool) -> Server:
    host, port = found.groups() if (found := _host_and_port(text)) else (text, "587")
    if not 0 < int(port) < 65536:
        raise click.UsageError(f"{text!r} has no port from 1 to 65535")
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return Server(host.strip("[]"), int(port), context, tls_at_once=port == "465")


def _hand_over(
    server: Server,
    user: str | None,
    password: str,
    sender: str,
    recipients: list[str],
    content: bytes,
) -> None:
    place = f"{server.host}:{server.port}"
    try:
        with _connect(server) as smtp:
            if server.context is not None and not server.tls_at_once:
                smtp.ehlo_or_helo_if_needed()
                if user or smtp.has_extn("starttls"):
                    smtp.starttls(context=server.context)
            if user:
                smtp.login(user, password)
            refused = smtp.sendmail(sender, recipients, content, _parameters(sender, recipients))
    except smtplib.SMTPAuthenticationError:
        raise Refused(f"{place}: wrong user or password for {user}") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise Refused(_refusals(error.recipients, user)) from None
    except smtplib.SMTPResponseException as error:
        reply = error.smtp_error
        words = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
        raise Refused(f"{place}: {error.smtp_code} {words}") from None
    except (OSError, UnicodeError, smtplib.SMTPException) as error:  # no name of a host
        raise Refused(f"{place}: {error}") from None
    if refused:
        raise Refused("sent to the others, but " + _refusals(refused, user))


def _connect(server: Server) -> smtplib.SMTP:
    name = socket.gethostname() or "localhost"
    if server.tls_at_once:
        return smtplib.SMTP_SSL(
            server.host, server.port, name, timeout=PATIENCE, context=server.context
        )
    return smtplib.SMTP(server.host, server.port, name, timeout=PATIENCE)


def _parameters(sender: str, recipients: list[str]) -> list[str]:
    """SMTPUTF8 where an address needs it (RFC 6531)."""
    ascii_only = sender.isascii() and all(text.isascii() for text in recipients)
    return [] if ascii_only else ["SMTPUTF8", "BODY=8BITMIME"]


def _refusals(refused: dict[str, tuple[int, bytes]], user: str | None) -> str:
    lines = [
        f"{address}: {code} {reply.decode('utf-8', 'replace')}"
        for address, (code, reply) in refused.items()
    ]
    if user is None and any(reply.startswith(b"5.7.1 ") for _, reply in refused.values()):
        lines.append("to send to other sites, log in: --user ADDRESS")
    return printable("\n".join(lines))
