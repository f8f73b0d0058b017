"""The certificate: made at first, kept, loaded anew, refused when it is wrong."""

from __future__ import annotations

import ssl
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from posthouse.runtime import tls

NAMES = ["mx.example.org", "localhost", "127.0.0.1", "localhost"]


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """A handshake in memory; the client's side."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(to_server, to_client, server_side=True)
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert here.version() is not None
    return here


def _trusting(files: tls.CertificateFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files.certificate))


def test_a_self_signed_certificate_is_made_once(tmp_path: Path) -> None:
    files = tls.certificate_files(tmp_path, "", "", NAMES)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    before = files.key.read_bytes()
    assert tls.certificate_files(tmp_path, "", "", NAMES) == files
    assert files.key.read_bytes() == before


@pytest.mark.parametrize("name", ["mx.example.org", "localhost", "127.0.0.1"])
def test_its_names_are_those_of_the_server(tmp_path: Path, name: str) -> None:
    files = tls.certificate_files(tmp_path, "", "", NAMES)
    client = _trusting(files)
    assert _shake_hands(tls.server_context(files), client, name).version() == "TLSv1.3"


def test_old_versions_are_refused(tmp_path: Path) -> None:
    files = tls.certificate_files(tmp_path, "", "", NAMES)
    server = tls.server_context(files)
    client = _trusting(files)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _shake_hands(server, client, "localhost").version() == "TLSv1.2"
    assert server.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_new_certificate_is_taken_into_a_context_in_use(tmp_path: Path) -> None:
    files = tls.certificate_files(tmp_path, "", "", NAMES)
    server = tls.server_context(files)
    files.certificate.unlink()
    tls.certificate_files(tmp_path, "", "", ["new.example.org"])
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(server, _trusting(files), "new.example.org")
    tls.load(server, files)
    _shake_hands(server, _trusting(files), "new.example.org")


def test_the_channel_is_bound_to_the_certificate(tmp_path: Path) -> None:
    """RFC 5929 §4.1"""
    files = tls.certificate_files(tmp_path, "", "", NAMES)
    server = tls.server_context(files)
    before = server.end_point
    assert before == sha256(ssl.PEM_cert_to_DER_cert(files.certificate.read_text())).digest()
    files.certificate.unlink()
    tls.certificate_files(tmp_path, "", "", NAMES)
    tls.load(server, files)
    assert server.end_point not in (before, b"")
    assert tls.end_point_of(b"no certificate") == b""


def test_only_those_who_log_in_are_asked_for_certificates(tmp_path: Path) -> None:
    files = tls.certificate_files(tmp_path, "", "", NAMES)
    assert tls.server_context(files).for_accounts is None
    server = tls.server_context(files, files.certificate)
    assert server.verify_mode is ssl.CERT_NONE
    assert server.for_accounts is not None
    assert server.for_accounts.verify_mode is ssl.CERT_OPTIONAL
    assert server.for_accounts.end_point == server.end_point
    for wrong in ("missing.pem", "wrong.pem"):
        (tmp_path / "wrong.pem").write_text("no certificate")
        with pytest.raises(tls.NoCertificate, match=wrong):
            tls.server_context(files, tmp_path / wrong)


@pytest.mark.parametrize(
    ("certificate", "addresses"),
    [
        ({}, ()),
        ({"subject": ((("commonName", "ann@a.example"),),)}, ()),
        (
            {"subject": ((("commonName", "Ann"), ("emailAddress", "ann@a.example")),)},
            ("ann@a.example",),
        ),
        (
            {
                "subject": ((("emailAddress", "old@a.example"),),),
                "subjectAltName": (("DNS", "a.example"), ("email", "ann@a.example")),
            },
            ("ann@a.example",),
        ),
    ],
)
def test_addresses_in_a_certificate(
    certificate: dict[str, object], addresses: tuple[str, ...]
) -> None:
    assert tls.client_addresses(certificate) == addresses


def test_a_wrong_file_leaves_the_context_as_it_was(tmp_path: Path) -> None:
    files = tls.certificate_files(tmp_path, "", "", NAMES)
    server = tls.server_context(files)
    client = _trusting(files)
    files.certificate.write_text("no certificate")
    with pytest.raises(tls.NoCertificate, match=r"certificate\.pem"):
        tls.load(server, files)
    _shake_hands(server, client, "localhost")
    with pytest.raises(tls.NoCertificate, match="No such file"):
        tls.server_context(tls.certificate_files(tmp_path, "a.pem", "a.key", NAMES))
