"""Settings for mail of the accounts' own programs, and for what any message may consist of."""

from __future__ import annotations

from typing import Annotated, Literal

from .part import Part, about


class Submission(Part, frozen=True):
    """What is done to mail of the accounts' own programs (RFC 6409)."""

    strip_bcc: Annotated[bool, about("Remove the Bcc field before the message goes out.")] = True
    copy_to_sent: Annotated[
        bool,
        about(
            "File a copy of each message in the Sent mailbox of its account. Most mail programs"
            " do so themselves; then there would be two."
        ),
    ] = False
    sent_when_full: Annotated[
        Literal["skip", "refuse"],
        about(
            "With copy_to_sent, what an account can do that has a mailbox for what it sends, and"
            " keeps as much as it may: send without a copy, which the reply and the log say, or"
            " not send (452 4.2.2)."
        ),
    ] = "skip"
    check_sender: Annotated[
        bool, about("Refuse a sender that is not the account's own address or an alias of it.")
    ] = True


class Content(Part, frozen=True):
    """What a message may consist of."""

    bare_newlines: Annotated[
        Literal["refuse", "normalise"],
        about(
            "A CR or LF that stands alone in a message: refuse the message with 554 5.6.0,"
            " or make it a CRLF (RFC 5321 §2.3.8)."
        ),
    ] = "refuse"
