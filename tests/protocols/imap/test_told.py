"""Responses that are kept with what the agent gave, and given again."""

from __future__ import annotations

from posthouse.protocols.imap.commands import select, status
from posthouse.protocols.imap.events import Counts, Opened, Status
from posthouse.protocols.imap.session import Session
from posthouse.protocols.imap.view import Selected, View


def test_few_responses_are_kept_with_the_same_counts() -> None:
    counts = Counts(3, 2, 4, 1)
    for number in range(20):
        question = Status(f"box{number}", ("MESSAGES", "UNSEEN"))
        line = b"* STATUS box%d (MESSAGES 3 UNSEEN 2)\r\n" % number
        for _ in range(2):
            assert status.told(Session(), False, question, counts) == line
    assert len(counts.told) == status.RESPONSES


def test_a_name_is_told_in_the_form_that_the_client_knows() -> None:
    counts, question = Counts(3, 2, 4, 1), Status("ä", ("MESSAGES",))
    for _ in range(2):
        assert b'"\xc3\xa4"' in status.told(Session(enabled={"IMAP4REV2"}), True, question, counts)
        assert b"&AOQ-" in status.told(Session(), False, question, counts)


def test_what_is_told_of_a_mailbox_that_is_selected_is_of_this_session() -> None:
    kept: dict[object, bytes] = {}
    view = View.of(7, [(uid, b"", 1) for uid in range(1, 4)])
    session = Session()

    def told(read_only: bool, recent: int, revision2: bool = False) -> bytes:
        selected = Selected("INBOX", 1, read_only, view, [(1, recent)] if recent else [])
        selected.enabled = {"IMAP4REV2"} if revision2 else set()
        return select.told(session, Opened(selected, 4, 1, told=kept))

    for _ in range(2):
        assert b"[PERMANENTFLAGS ()]" in told(True, 0)
        assert b"[PERMANENTFLAGS (\\Answered" in told(False, 0)
        assert b"* LIST" in told(False, 0, True)
        for recent in range(4):
            assert b"* %d RECENT" % recent in told(False, recent)
            assert b"RECENT" not in told(False, recent, True)
    for number in range(20):
        select.told(session, Opened(Selected(f"box{number}", 1, False, view), 4, told=kept))
    assert len(kept) <= select.RESPONSES
