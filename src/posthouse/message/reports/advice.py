"""What a sender can do about a failure, by its enhanced status code (RFC 3463)."""

from __future__ import annotations

_UNREACHED = (
    "The other server could not be reached for all that time. Nothing is wrong with your message:"
    " send it again later, or reach the recipient in another way."
)
_TOO_LARGE = (
    "The message is too large for the other server: send it in parts, or send a link instead of"
    " the attachment."
)
_NO_ADDRESS = (
    "There is no such address: look whether it is written correctly, or ask the recipient in"
    " another way."
)

#: By subject and detail, then by subject alone.
_ADVICE = {
    "1.0": _NO_ADDRESS,
    "1.1": _NO_ADDRESS,
    "1.2": "There is no such domain: look whether what stands after the @ is written correctly.",
    "1.3": "The address is not written as an address is.",
    "1.6": "The recipient has moved, and the old address is not served any more.",
    "1.10": "The domain takes no mail: look whether what stands after the @ is written correctly.",
    "2.1": "The mailbox takes no mail at present: reach the recipient in another way.",
    "2.2": "The mailbox is full: tell the recipient, and send the message again later.",
    "2.3": _TOO_LARGE,
    "3.4": _TOO_LARGE,
    "4.6": "The message went in a circle between servers: tell the postmaster of the recipient.",
    "1": "Look whether the address is written correctly.",
    "2": "Something is wrong with the mailbox: reach the recipient in another way.",
    "3": "The other server cannot take it: tell the postmaster of the recipient.",
    "4": _UNREACHED,
    "5": "The two servers did not understand each other: tell your postmaster.",
    "6": "The other server cannot take a message of this form: send it as plain text.",
    "7": (
        "The other server refuses it by its own rules. If you do not see why, send this report to"
        " your postmaster."
    ),
}
_OTHERWISE = "If the words above do not explain it, send this report to your postmaster."


def advice(status: str) -> str:
    """One or two sentences for the sender of what failed."""
    _, _, rest = status.partition(".")
    subject, _, _ = rest.partition(".")
    return _ADVICE.get(rest) or _ADVICE.get(subject) or _OTHERWISE
