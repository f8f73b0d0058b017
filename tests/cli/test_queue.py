"""posthouse queue, on a database that holds letters."""

from __future__ import annotations

import email
import email.policy
import json
import time
from pathlib import Path

import pytest

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.relaying import lease_next_hop
from posthouse.mta.queue.units import accept
from posthouse.store.contents import prepare, read_content
from posthouse.store.direct import DirectStore
from posthouse.store.unit import Work, one_of
from posthouse.store.unit import run as change

from .conftest import Run

HOUR = 3600


@pytest.fixture
def letters(run: Run, data: Path) -> DirectStore:
    """Ann's letter to two sites, Bob's to one, and a report; what they met is in the rows."""
    run("domain", "add", "a.example")
    run("account", "add", "ann@a.example", "--password-stdin", given="x\n")
    now = int(time.time())
    store = DirectStore(data)
    content = prepare(b"From: ann@a.example\r\nSubject: Hello\r\n\r\nHello\r\n")
    for name, sender, age, targets in (
        ("AA01", "ann@a.example", 5 * HOUR, ["x@b.example", "y@c.example"]),
        ("AA02", "bob@z.example", HOUR, ["z@b.example"]),
        ("AA03", "", 0, ["evil\x1b[31m@d.example"]),
    ):
        recipients = [Recipient(target, target.rpartition("@")[2]) for target in targets]
        letter = Letter(sender, content, "192.0.2.1 (there)")
        store.write(accept(name, letter, recipients, now - age, "", 0))

    def defer() -> Work[int]:
        return (
            yield from change(
                "UPDATE queue_recipient SET state = 'deferred', due = ?1, tries = 3,"
                " reason = 'Greylisted', status = '4.7.1', remote = 'mx.b.example',"
                " reply = '450 4.7.1 later' WHERE domain = 'b.example'",
                now + HOUR,
            )
        )

    assert store.write(defer) == 2
    return store


def listed(run: Run, *filters: str) -> list[str]:
    rows = json.loads(run("queue", "list", "--json", *filters).stdout)
    return [row["recipient"] for row in rows]


def states(run: Run) -> list[str]:
    return [row["state"] for row in json.loads(run("queue", "list", "--json").stdout)]


def test_filters(run: Run, letters: DirectStore) -> None:
    assert len(listed(run)) == 4
    assert listed(run, "--sender", "ann@a.example") == ["x@b.example", "y@c.example"]
    assert listed(run, "--sender", "*@Z.example") == ["z@b.example"]
    assert listed(run, "--sender", "<>") == ["evil\x1b[31m@d.example"]
    assert listed(run, "--recipient", "y@*") == ["y@c.example"]
    assert listed(run, "--recipient", "_@c.example") == []
    assert listed(run, "--next-hop", "b.example", "--older", "4h") == ["x@b.example"]
    assert listed(run, "--state", "deferred") == ["x@b.example", "z@b.example"]
    assert listed(run, "--reason", "greylist") == ["x@b.example", "z@b.example"]
    assert listed(run, "--reason", "450") == ["x@b.example", "z@b.example"]
    assert listed(run, "aa02", "AA03") == ["z@b.example", "evil\x1b[31m@d.example"]
    assert listed(run, "--next-hop", "local") == []


def test_show_and_summary(run: Run, letters: DirectStore) -> None:
    shown = run("queue", "show", "AA01").stdout
    assert "ann@a.example" in shown
    assert "450 4.7.1 later" in shown
    both = json.loads(run("queue", "show", "AA01", "--json").stdout)
    assert [each["tries"] for each in both["recipients"]] == [3, 0]
    first, *_ = json.loads(run("queue", "summary", "--json").stdout)
    assert first["next_hop"] == "b.example"
    assert (first["recipients"], first["deferred"], first["ready"]) == (2, 2, 0)
    assert "Greylisted" in run("queue", "summary").stdout
    assert "there is no letter" in run("queue", "show", "nothing", status=1).stderr


def test_attack_71_what_is_foreign_is_shown_without_controls(
    run: Run, letters: DirectStore
) -> None:
    for arguments in (("list",), ("show", "AA03"), ("summary",)):
        out = run("queue", *arguments).stdout
        assert all(line.isprintable() for line in out.splitlines())
    assert "evil\\u{1b}[31m" in run("queue", "list").stdout


def test_hold_release_and_retry(run: Run, letters: DirectStore) -> None:
    assert run("queue", "hold", "--next-hop", "b.example").stdout == "held 2 recipients\n"
    assert states(run) == ["held", "ready", "held", "ready"]
    assert run("queue", "release", "--sender", "ann@*").stdout == "released 1 recipient\n"
    assert states(run) == ["ready", "ready", "held", "ready"]
    assert "nothing was made ready" in run("queue", "retry", "--all", status=1).stderr
    letters.write(lambda: change("UPDATE queue_recipient SET due = due + 99999"))
    assert json.loads(run("queue", "retry", "--all", "--json").stdout) == {"made ready": 3}
    assert states(run) == ["ready", "ready", "held", "ready"]


def test_all_is_to_be_said(run: Run, letters: DirectStore) -> None:
    for command in ("hold", "release", "retry", "remove", "bounce"):
        assert "--all" in run("queue", command, status=2).stderr


def test_what_is_being_tried_is_let_alone(run: Run, letters: DirectStore) -> None:
    now = int(time.time())
    assert letters.write(lease_next_hop("c.example", "w0-1", now, now + 60))
    assert run("queue", "remove", "--all").stdout == "removed 3 recipients\n"
    assert listed(run) == ["y@c.example"]
    assert "nothing was bounced" in run("queue", "bounce", "--all", status=1).stderr


def test_bounce_reports_to_the_sender(run: Run, letters: DirectStore) -> None:
    assert run("queue", "bounce", "AA01", "--text", "Wrong domain.").stdout.startswith("bounced 2")
    left = json.loads(run("queue", "list", "--json").stdout)
    (report,) = [row for row in left if row["recipient"] == "ann@a.example"]
    assert report["sender"] == "<>"
    assert report["next_hop"] == "local"

    def content() -> Work[bytes]:
        row = yield from one_of("SELECT content FROM queue_message WHERE name = ?1", report["id"])
        assert row is not None
        stored = yield from read_content(row[0])
        assert stored is not None
        assert stored.octets is not None
        return stored.octets

    message = email.message_from_bytes(letters.read(content), policy=email.policy.default)
    text = " ".join(message.as_string().split())
    assert "Wrong domain." in text
    assert "Final-Recipient: rfc822; y@c.example" in text
    assert "Status: 5.7.1" in text  # what the last try met


def test_no_report_about_a_report(run: Run, letters: DirectStore) -> None:
    run("queue", "bounce", "AA03")
    assert len(listed(run)) == 3
