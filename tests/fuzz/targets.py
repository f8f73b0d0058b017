"""All targets by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz.engines import ENGINES
from tests.fuzz.outside import OUTSIDE
from tests.fuzz.parsers import PARSERS
from tests.fuzz.target import Target
from tests.fuzz.transformations import TRANSFORMATIONS

TARGETS: Mapping[str, Target] = {
    target.name: target for target in (*ENGINES, *PARSERS, *TRANSFORMATIONS, *OUTSIDE)
}
