"""The certificate and what TLS is done with (RFC 9325).

The context is made before the workers are forked, so that they share the keys of session tickets:
a client resumes on any worker.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthouse.protocols.dialogue import TLS

if TYPE_CHECKING:  # loaded only by those who make a certificate
    from cryptography import x509

CERTIFICATE = "certificate.pem"
KEY = "certificate.key"
LIFETIME = timedelta(days=3650)


class NoCertificate(Exception):
    """The certificate cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    certificate: Path
    key: Path


def certificate_files(
    directory: Path, certificate: str, key: str, names: Sequence[str]
) -> CertificateFiles:
    """The files to use: those that are set, else a self-signed pair, made if there is none."""
    if certificate:
        return CertificateFiles(directory / certificate, directory / key)
    files = CertificateFiles(directory / CERTIFICATE, directory / KEY)
    if not (files.certificate.exists() and files.key.exists()):
        make_self_signed(files, names)
    return files


class ServerContext(ssl.SSLContext):
    """What a server shakes hands with, and what it must know of its own certificate."""

    end_point: bytes = b""  # the channel binding tls-server-end-point (RFC 5929 §4.1)
    #: The same, but it asks clients for certificates; for services where accounts log in. Others'
    #: mail servers show certificates of any kind, which nobody asked them for.
    for_accounts: ServerContext | None = None


def server_context(
    files: CertificateFiles, client_authorities: Path | None = None
) -> ServerContext:
    """TLS 1.2 and later, the ciphers of RFC 9325 §4.2. Raises NoCertificate.

    `client_authorities`: those who may sign clients' certificates.
    """
    context = _context()
    if client_authorities is not None:
        context.for_accounts = asking = _context()
        asking.verify_mode = ssl.CERT_OPTIONAL
        try:
            asking.load_verify_locations(client_authorities)
        except ssl.SSLError as error:
            raise NoCertificate(
                f"{client_authorities}: {error.reason or 'no certificates'}"
            ) from None
        except OSError as error:
            raise NoCertificate(f"{client_authorities}: {error.strerror}") from None
    load(context, files)
    return context


def _context() -> ServerContext:
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= (
        ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    return context


def load(context: ServerContext, files: CertificateFiles) -> None:
    """Take the certificate, also anew into a context in use. Raises NoCertificate."""
    try:
        # A file that cannot be used must not leave half of a pair in the context.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)
        end_point = end_point_of(files.certificate.read_bytes())
        for each in (context, context.for_accounts):
            if each is not None:
                each.load_cert_chain(files.certificate, files.key)
                each.end_point = end_point
    except ssl.SSLError as error:
        raise NoCertificate(
            f"{files.certificate}, {files.key}: {error.reason or 'not a certificate and its key'}"
        ) from None
    except OSError as error:
        raise NoCertificate(f"{files.certificate}, {files.key}: {error.strerror}") from None


def end_point_of(certificates: bytes) -> bytes:
    """The digest of the first certificate by its signature's hash (RFC 5929 §4.1)."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes

    try:
        certificate = x509.load_pem_x509_certificate(certificates)
        used = certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):  # TLS may know what is not known here
        return b""
    if used is None:  # a signature without a hash of its own: nothing is defined
        return b""
    weak = isinstance(used, hashes.MD5 | hashes.SHA1)
    return certificate.fingerprint(hashes.SHA256() if weak else used)


def client_addresses(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses in a verified certificate, as `getpeercert` gives it.

    Those of the alternative names (RFC 5280 §4.2.1.6), or without any, of the subject (§4.1.2.6).
    """
    named = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "email"]
    subject = [pair for names in certificate.get("subject", ()) for pair in names]
    return tuple(named or [value for kind, value in subject if kind == "emailAddress"])


def make_self_signed(files: CertificateFiles, names: Sequence[str]) -> None:
    """Write a new key and a certificate of these names (RFC 5280), signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(n) for n in dict.fromkeys(names)]), False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(
        files.key,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        0o600,
    )
    _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, octets: bytes, mode: int) -> None:
    """The whole file or none, never readable by others even for a moment."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def describe_tls(transport: asyncio.BaseTransport) -> TLS | None:
    """What was agreed on, if the transport is encrypted."""
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if tls is None:
        return None
    cipher = tls.cipher()
    return TLS(
        tls.version() or "",
        cipher[0] if cipher else "",
        client_addresses=client_addresses((tls.server_side and tls.getpeercert()) or {}),
        end_point=getattr(tls.context, "end_point", b""),
    )
