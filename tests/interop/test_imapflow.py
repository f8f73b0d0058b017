"""imapflow and nodemailer, libraries for Node.js, with TLS that is verified.

imapflow turns on IMAP4rev2, UTF8=ACCEPT, QRESYNC and COMPRESS=DEFLATE wherever it finds them.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.interop.letters import ATTACHED, FILE, NAME, TEXT, check_rich, rich
from tests.interop.program import certificate, node
from tests.system.user import User

SECURITY = [("imaps", True), ("imap", False)]
SENT = [("submissions", True), ("submission", False)]


def session(script: str, user: User, folder: Path, service: str, secure: bool, **more: Any) -> Any:
    return node(
        script,
        port=user.server.port(service),
        secure=secure,
        user=user.address,
        password=user.password,
        certificate=str(certificate(user.server, folder)),
        **more,
    )


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize(("service", "secure"), SECURITY)
def test_a_session(
    anna: User, tmp_path: Path, service: str, secure: bool, compressed: bool
) -> None:
    letters = [rich(anna.address, "b@there.example", f"Köln {n}").as_bytes() for n in range(5)]
    given = [base64.b64encode(octets).decode() for octets in letters]
    told = session(
        "imapflow-session",
        anna,
        tmp_path,
        service,
        secure,
        letters=given,
        compressed=compressed,
    )
    assert told["bad"] == []
    assert told["server"]["name"] == "Posthouse"
    assert {"QRESYNC", "IMAP4REV2", "UTF8=ACCEPT"} <= set(told["enabled"])
    folders = {each["path"]: each for each in told["folders"]}
    assert folders["Später"]["status"]["messages"] == 0
    for name in ("Sent", "Drafts", "Trash", "Junk", "Archive"):
        assert folders[name]["specialUse"] == f"\\{name}"
    assert [each["uid"] for each in told["appended"]] == [1, 2, 3, 4, 5]
    _check_fetched(told, letters)
    assert told["bySubject"] == told["byBody"] == told["notFlagged"] == [1, 2, 3, 4, 5]
    assert told["counted"] == {"count": 5, "min": 1, "max": 5}
    assert told["copied"]["uidMap"] == [[1, 1], [2, 2]]
    assert told["moved"]["uidMap"] == [[4, 1]]
    assert told["left"] == [1, 2, 3]
    assert (told["status"]["messages"], told["status"]["uidNext"]) == (3, 6)
    _check_state(anna, letters)


def _check_fetched(told: Any, letters: list[bytes]) -> None:
    first = told["fetched"][0]
    assert first["flags"] == ["$Later"]
    assert first["size"] == len(letters[0])
    assert first["envelope"]["subject"] == "Köln 0"
    assert first["envelope"]["from"][0]["name"] == NAME
    assert first["internalDate"] == "1970-01-01T00:00:00.000Z"
    assert first["bodyStructure"]["childNodes"][1]["dispositionParameters"] == {"filename": FILE}
    assert len({each["emailId"] for each in told["fetched"]}) == 5
    assert base64.b64decode(told["attached"]) == ATTACHED
    assert base64.b64decode(told["source"]) == letters[0]


def _check_state(anna: User, letters: list[bytes]) -> None:
    """As another client sees it."""
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"3"])
        assert wire.uid("SEARCH", "FLAGGED") == ("OK", [b"1"])
        assert wire.uid("SEARCH", "KEYWORD", "work") == ("OK", [b"1 2"])
        assert wire.uid("SEARCH", "ANSWERED", "UNKEYWORD", "$Later") == ("OK", [b"3"])
        assert wire.select("Archive") == ("OK", [b"2"])
        assert wire.select("Trash") == ("OK", [b"1"])
        names = str(wire.list())
        assert "Entw&APw-rfe &- &BB8EQAQ4BDIENQRC-" in names
        assert "Sp&AOQ-ter" not in names
    assert anna.messages(3) == letters[:3]


@pytest.mark.parametrize(("service", "secure"), SECURITY)
def test_resynchronised_and_idle(anna: User, tmp_path: Path, service: str, secure: bool) -> None:
    anna.fill(8)
    told = session("imapflow-resync", anna, tmp_path, service, secure)
    assert told["bad"] == []
    assert told["qresync"] is True
    earlier = [each["uid"] for each in told["resynced"] if each["kind"] == "expunge"]
    changed = {each["uid"]: each["flags"] for each in told["resynced"] if each["kind"] == "flags"}
    assert earlier == [5, 6, 7]
    assert all(each.get("earlier") for each in told["resynced"] if each["kind"] == "expunge")
    assert changed[2] == changed[3] == ["\\Flagged"]
    assert not changed.keys() & {1, 4, 8}
    assert told["exists"] == 6
    gone = [each for each in told["told"] if each["kind"] == "expunge"]
    assert [(each["uid"], each["vanished"]) for each in gone] == [(4, True)]
    (marked,) = [each for each in told["told"] if each["kind"] == "flags" and each["uid"] == 1]
    assert marked["flags"] == ["work"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("service", "secure"), SENT)
def test_nodemailer(
    anna: User, boris: User, tmp_path: Path, service: str, secure: bool, mechanism: str
) -> None:
    attached = {"filename": FILE, "content": base64.b64encode(ATTACHED).decode()}
    message = {
        "from": {"name": NAME, "address": anna.address},
        "to": boris.address,
        "text": TEXT,
        "html": "<p>Zwölf <b>Boxkämpfer</b></p>",
        "attachments": [attached],
    }
    nobody = message | {"to": "nobody-here@localhost"}
    some = message | {"to": [boris.address, "nobody-here@localhost"]}
    subjects = [f"{word} aus Köln, 你好" for word in ("Grüße", "Mehr Grüße", "Привет")]
    messages = [message | {"subject": subject} for subject in subjects]
    more = {"messages": [*messages, nobody, some], "mechanism": mechanism}
    told = session("nodemailer", anna, tmp_path, service, secure, **more)
    assert [each.get("accepted") for each in told[:3]] == [[boris.address]] * 3
    assert told[3]["status"] == 550
    assert told[4]["rejected"] == ["nobody-here@localhost"]
    for octets, subject in zip(boris.messages(4), subjects, strict=False):
        check_rich(octets, subject)


def test_nodemailer_with_a_wrong_password(anna: User, tmp_path: Path) -> None:
    wrong = User(anna.server, anna.address, "not this one")
    told = session("nodemailer", wrong, tmp_path, "submissions", True, messages=[])
    assert [(each["error"], each["status"]) for each in told] == [("EAUTH", 535)]
