"""SEARCH (RFC 3501 §6.4.4), with return options where extensions offer them (RFC 4466 §2.6)."""

from __future__ import annotations

from ...dialogue import Dialogue, Failed, send
from ..extension import Command, Tells
from ..grammar import Reader
from ..progress import Progress
from ..result import No
from ..search.answers import keep_answer, kept_answer
from ..search.begin import begin, highest
from ..search.grammar import search_program
from ..search.returns import ALL, Found, Options, Save, extended, search_return_opts, spoken_of
from ..search.scan import find
from ..sequence import runs
from ..session import IN_MAILBOX, Session


def search(session: Session, reader: Reader, by_uid: bool = False) -> Dialogue[str]:
    """search = "SEARCH" [search-return-opts] SP search-program"""
    options = search_return_opts(session, reader)
    if options is None and "IMAP4REV2" in session.enabled:  # RFC 9051 §6.4.4
        options = {"ALL": ALL}
    saves = options is not None and any(isinstance(each, Save) for each in options.values())
    try:
        yield from _search(session, reader, by_uid, options, saves)
    except (No, Failed):  # RFC 5182 §2.1
        if saves and session.selected is not None:
            session.selected.saved = ()
        raise
    return "searched"


def _search(
    session: Session, reader: Reader, by_uid: bool, options: Options | None, saves: bool
) -> Dialogue[None]:
    key = search_program(session, reader)
    selected, changed = yield from begin(session, key)
    positions = yield from find(selected, key, Progress(session))
    found = Found(selected, positions, by_uid)
    if options is not None:
        if saves:
            ranges = [(first, last + 1) for first, last in runs(spoken_of(options, positions))]
            if len(ranges) > session.limits.saved:
                raise No("what was found is too much to be saved", "NOTSAVED")
            selected.saved = selected.view.uid_ranges(ranges)
        yield from send(extended(session, found, options, changed))
        return
    said = kept_answer(selected.view, positions, ("SEARCH", by_uid))
    if said is None:
        said = " ".join(["* SEARCH", *map(str, found.numbers(positions))]).encode("ascii")
        keep_answer(selected.view, positions, ("SEARCH", by_uid), said)
    if changed and positions:
        said += b" (MODSEQ %d)" % highest(selected, positions)
    yield from send(said + b"\r\n")


SEARCH = Command(search, IN_MAILBOX, Tells.NO_EXPUNGE, by_number=True)
