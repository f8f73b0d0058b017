"""WITHIN: messages that are older or younger than so many seconds (RFC 5032)."""

from __future__ import annotations

from ..extension import Extension
from ..grammar import Reader
from ..mail_events import Need
from ..search.criteria import Aged, Key, Moment


def _older(reader: Reader) -> Key:
    reader.space()
    seconds, moment = reader.nz_number(), Moment()
    return Aged(Need.DATE, lambda each: (each.row[1] or 0) <= moment.now - seconds, moment)


def _younger(reader: Reader) -> Key:
    reader.space()
    seconds, moment = reader.nz_number(), Moment()
    return Aged(Need.DATE, lambda each: (each.row[1] or 0) >= moment.now - seconds, moment)


WITHIN = Extension(
    rfc=5032, capability="WITHIN", search_keys={"OLDER": _older, "YOUNGER": _younger}
)
