"""One line per event on standard error: key=value, or a JSON object.

What a peer sent may stand in a value: control characters, line ends, terminal escapes and the
invisible marks that turn text around are escaped, values are cut, secrets are never written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from select import PIPE_BUF
from typing import Any

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger as Log

__all__ = ["Gathered", "Log", "escape", "open_log"]

VALUE_LIMIT = 1000  # characters
SECRETS = frozenset({"password", "secret", "token", "credentials", "content", "initial_response"})

_PLAIN = re.compile(r"[\w.:/@+<>\[\]$*,;~^!?&%(){}|#-]+")
_Event = MutableMapping[str, Any]


def open_log(
    layout: str = "text", level: str = "info", write: Callable[[bytes], object] | None = None
) -> Log:
    """A log; `bind(session=...)` gives one that says so on each line."""
    render = _as_json if layout == "json" else _as_text
    log: Log = structlog.wrap_logger(
        _Lines(write or _to_standard_error),
        processors=[render],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return log.bind()  # what it stands for is looked up once


def escape(text: str) -> str:
    """The text with everything unprintable as \\xNN, \\uNNNN or \\UNNNNNNNN."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


class _Lines:
    """What structlog calls with a finished line, whatever its level."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def msg(self, line: str) -> None:
        self._write(line.encode("utf-8", "backslashreplace") + b"\n")

    debug = info = warning = error = critical = exception = msg


class Gathered:
    """Writes the lines of one turn of the event loop at once; those of other threads, as they come.

    A process that is killed takes with it at most what it has logged in that turn.
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            _to_standard_error(line)
            return
        self._lines.append(line)
        if len(self._lines) == 1:
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what has been gathered."""
        if self._lines:
            lines, self._lines = self._lines, []
            _to_standard_error(b"".join(lines))


def _to_standard_error(lines: bytes) -> None:
    """Whole lines, no more at once than a pipe keeps together: those of others would get between.

    A line that is longer than that may be torn.
    """
    start = 0
    try:
        while start < len(lines):
            end = lines.rfind(b"\n", start, start + PIPE_BUF)
            if end < 0:
                end = lines.index(b"\n", start)
            os.write(2, lines[start : end + 1])
            start = end + 1
    except OSError:  # nobody reads it: a server does not end for that
        return


def _stamp(level: str, event: _Event) -> _Event:
    """Time and level first; an exception's kind, words and place in one value."""
    fields: _Event = {"time": _time(), "level": level, "event": event.pop("event", "")}
    error = event.pop("exc_info", None)
    for key, value in event.items():
        fields[key] = "[hidden]" if key in SECRETS else _fit(value)
    if error is True:  # the one that is being handled
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        fields["error"] = _fit(f"{type(error).__name__}: {error}")
        fields["at"] = _place(error)
    return fields


@lru_cache(4)
def _second(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _time() -> str:
    """Now, in UTC, to the millisecond (RFC 3339)."""
    now = time.time()
    second = int(now)
    return f"{_second(second)}.{int((now - second) * 1000):03}Z"


def _fit(value: object) -> object:
    """A value as it is written: a number, or text without what does not print."""
    if type(value) is str and len(value) <= VALUE_LIMIT and value.isprintable():
        return value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        value = value[: 4 * VALUE_LIMIT].decode("utf-8", "backslashreplace")
    text = str(value)
    if len(text) > VALUE_LIMIT:
        text = text[:VALUE_LIMIT] + "..."
    return escape(text)


def _place(error: BaseException) -> str:
    """The last places of a traceback, innermost first."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} {code.co_name}")  # noqa: PTH119
        trace = trace.tb_next
    return " < ".join(reversed(places[-6:]))


def _as_text(_logger: object, level: str, event: _Event) -> str:
    if "exc_info" in event:
        return " ".join([f"{key}={_quoted(value)}" for key, value in _stamp(level, event).items()])
    # What nearly all lines are: names, numbers and addresses that are written as they are.
    line = f"time={_time()} level={level} event={_event(event.pop('event', ''))}"
    for key, value in event.items():
        if key in SECRETS:
            value = "[hidden]"
        elif type(value) is int:
            pass
        elif type(value) is not str or len(value) > VALUE_LIMIT or not _PLAIN.fullmatch(value):
            value = _quoted(_fit(value))
        line += f" {key}={value}"
    return line


@lru_cache(1024)  # a name out of this program, as a rule
def _event(name: object) -> str:
    return _quoted(_fit(name))


def _quoted(value: object) -> str:
    if type(value) is str and _PLAIN.fullmatch(value):
        return value
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _as_json(_logger: object, level: str, event: _Event) -> str:
    return msgspec.json.encode(_stamp(level, event)).decode("utf-8", "backslashreplace")
