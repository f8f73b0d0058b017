"""Parameters of MAIL and RCPT (RFC 5321 §4.1.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast

from .reply import Refused

T = TypeVar("T")

Parameters = Mapping[str, object]
NONE: Parameters = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One parameter. `parse` raises ValueError on a bad value."""

    keyword: str
    parse: Callable[[str], T]

    def of(self, parameters: Parameters) -> T | None:
        """Its value, if it was given."""
        return cast("T | None", parameters.get(self.keyword))


def read_parameters(text: str, known: Mapping[str, Parameter[Any]]) -> Parameters:
    """Mail-parameters = esmtp-param *(SP esmtp-param)"""
    values: dict[str, object] = {}
    for word in text.split():
        keyword, _, value = word.partition("=")
        parameter = known.get(keyword.upper())
        if parameter is None:
            raise Refused(555, "5.5.4", "unknown parameter")  # §4.1.1.11
        if parameter.keyword in values:
            raise Refused(501, "5.5.4", f"{parameter.keyword} given twice")
        try:
            values[parameter.keyword] = parameter.parse(value)
        except ValueError as error:
            raise Refused(501, "5.5.4", f"{parameter.keyword}: {error}") from None
    return values
