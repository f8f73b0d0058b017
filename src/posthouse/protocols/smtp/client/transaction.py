"""One letter: MAIL, RCPT, DATA and the content (RFC 5321 §3.3), pipelined where the peer lets it
(RFC 2920).
"""

from __future__ import annotations

from dataclasses import replace

from ...dialogue import Dialogue, Failed, allow, ask, send, show
from ..extensions import EXTENSIONS
from .content import Transparency
from .events import Convert, Fate, Letter, NextBlock, Result, Unconvertible, Unfit
from .reply import GARBLED, Over, PeerReply, ours
from .session import Session, Transaction, verdict

UNREADABLE = ours("4.3.0", "the content cannot be read")
NOT_ASCII = "the address is not ASCII, and the peer takes no other (RFC 6531)"


def transact(session: Session, letter: Letter) -> Dialogue[None]:
    """Send a letter and show its outcome. Raises Over when the session ends with it."""
    transaction = Transaction(letter)
    session.transaction = transaction
    session.letters += 1
    session.command = "MAIL"
    yield from allow(session.settings.times.letter)
    try:
        refuse_unspeakable(transaction)
        if transaction.open:
            fit = yield from fitted(session, letter)
            yield from reset(session)
            yield from send_envelope(session, transaction, mail_line(session, fit))
    except Unfit as unfit:
        transaction.settle(verdict("MAIL", ours(unfit.status, unfit.text)))
    session.transaction = None
    yield from show(transaction.outcome(reusable=not session.closing))
    yield from allow(None)


def refuse_unspeakable(transaction: Transaction) -> None:
    """What cannot stand in a command, in ASCII, is not sent."""
    letter = transaction.letter
    if not speakable(letter.reverse_path):
        raise Unfit("5.6.7", NOT_ASCII)
    places = [i for i, path in enumerate(letter.recipients) if not speakable(path)]
    transaction.settle(Result(Fate.REFUSED, "RCPT", ours("5.6.7", NOT_ASCII)), places)


def speakable(path: str) -> bool:
    """Whether it can stand in a command without SMTPUTF8."""
    return path.isascii() and path.isprintable()


def fitted(session: Session, letter: Letter) -> Dialogue[Letter]:
    """The letter in a form that the peer takes (RFC 6152 §3). Raises Unfit."""
    if not letter.eight_bit or "8BITMIME" in session.offers:
        return letter
    try:
        converted = yield from ask(Convert(letter), object)
    except Failed:
        raise Unfit("4.6.3", "the content could not be converted to ASCII") from None
    if isinstance(converted, Unconvertible):
        raise Unfit(converted.status, converted.text)
    assert isinstance(converted, Letter), f"Convert was answered with {converted!r}"
    return replace(converted, eight_bit=False)


def reset(session: Session) -> Dialogue[None]:
    """Only where the last transaction did not end by itself (§4.1.1.5)."""
    if session.reset_needed:
        reply = yield from session.say("RSET", session.settings.times.mail)
        if not reply.positive:
            raise Over(ours("4.5.0", f"RSET was answered with {reply}"), polite=True)
        session.reset_needed = False


def mail_line(session: Session, letter: Letter) -> str:
    """§4.1.1.2, with what the extensions add that the peer offers."""
    words = [f"MAIL FROM:<{letter.reverse_path}>"]
    for extension in EXTENSIONS:
        if extension.use_in_mail is not None and extension.keyword in session.offers:
            used = extension.use_in_mail(session.offers[extension.keyword], letter)
            words += [f"{keyword}={value}" for keyword, value in used.items()]
    return " ".join(words)


def send_envelope(session: Session, transaction: Transaction, mail: str) -> Dialogue[None]:
    """MAIL, a RCPT for each, DATA: in one write where the peer offers PIPELINING."""
    letter, times = transaction.letter, session.settings.times
    places = transaction.open
    rcpts = [f"RCPT TO:<{letter.recipients[place]}>" for place in places]
    pipelined = "PIPELINING" in session.offers
    if pipelined:
        yield from send("\r\n".join([mail, *rcpts, "DATA", ""]).encode("ascii"))

    def turn(line: str, within: float) -> Dialogue[PeerReply]:
        if pipelined:
            return session.listen(line.partition(" ")[0], within)
        return session.say(line, within)

    reply = checked((yield from turn(mail, times.mail)))
    accepted: list[int] = []
    if reply.positive:
        session.reset_needed = True
    else:
        transaction.settle(verdict("MAIL", reply))
    if reply.positive or pipelined:
        for place, rcpt in zip(places, rcpts, strict=True):
            reply = checked((yield from turn(rcpt, times.rcpt)))
            if place in transaction.results:
                continue  # MAIL was refused already
            if reply.positive:
                accepted.append(place)
            else:
                transaction.settle(judge_recipient(reply), [place])
    if accepted or pipelined:
        reply = yield from turn("DATA", times.data)
        yield from take_data_reply(session, transaction, accepted, reply)


def checked(reply: PeerReply) -> PeerReply:
    """3yz is no reply to MAIL or RCPT (§4.3.2)."""
    if reply.code // 100 == 3:
        raise Over(GARBLED)
    return reply


def judge_recipient(reply: PeerReply) -> Result:
    """§4.5.3.1.10: 552 was once the code for too many recipients, which is no lasting refusal."""
    if reply.code == 552 and (not reply.stated or reply.status == "5.5.3"):
        return Result(Fate.TEMPORARY, "RCPT", replace(reply, status="4.5.3"))
    return verdict("RCPT", reply)


def take_data_reply(
    session: Session, transaction: Transaction, accepted: list[int], reply: PeerReply
) -> Dialogue[None]:
    """§4.3.2: after 354 the content, and one reply to it, or one for each (RFC 2033 §4.2)."""
    times = session.settings.times
    if reply.positive:
        raise Over(GARBLED)
    if reply.code >= 400:
        transaction.settle(verdict("DATA", reply), accepted)
        return
    if not accepted:  # RFC 2920 §3.1: the peer waits for a message for nobody
        yield from session.say(".", times.end)
        session.reset_needed = False
        return
    yield from send_content(transaction)
    replies = len(accepted) if session.settings.lmtp else 1
    for place in range(replies):
        end = yield from session.hear(".", times.end)
        if end.code // 100 == 3:
            raise Over(GARBLED)
        transaction.settle(verdict(".", end), accepted[place : place + 1 if replies > 1 else None])
    session.reset_needed = False


def send_content(transaction: Transaction) -> Dialogue[None]:
    """§4.1.1.4, block by block. A content that cannot be had whole is never ended with a dot."""
    transparency = Transparency()
    try:
        while block := (yield from ask(NextBlock(), bytes)):
            yield from send(transparency.take(block))
        last = transparency.end()
    except Failed:
        transaction.unsendable = True
        raise Over(UNREADABLE) from None
    except Unfit as unfit:
        transaction.unsendable = True
        raise Over(ours(unfit.status, unfit.text)) from None
    transaction.ended = True
    yield from send(last)
