"""Which code an input has run, so that the inputs that run more of it are gone on from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import posthouse

SOURCE = str(Path(posthouse.__file__).parent)

Step = tuple[int, int, int]  # a code object, and two of its lines, the second after the first

_ours: dict[CodeType, bool] = {}


def steps(run: Callable[[], object]) -> frozenset[Step]:
    """From line to line, in the functions of the project alone."""
    found: set[Step] = set()
    add = found.add

    def enter(frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        ours = _ours.get(code)
        if ours is None:
            ours = _ours[code] = code.co_filename.startswith(SOURCE)
        if not ours:
            return None
        number, last = id(code), 0

        def step(frame: FrameType, event: str, _argument: Any) -> Callable[..., Any] | None:
            nonlocal last
            if event == "line":
                add((number, last, frame.f_lineno))
                last = frame.f_lineno
            return step

        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        run()
    finally:
        sys.settrace(before)
    return frozenset(found)
