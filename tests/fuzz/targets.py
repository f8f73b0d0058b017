"""All targets by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz.engines import ENGINES
from tests.fuzz.parsers import PARSERS
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {target.name: target for target in (*ENGINES, *PARSERS)}
