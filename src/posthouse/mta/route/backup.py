"""Domains of others whose letters we take from anybody, to pass them on (RFC 5321 §2.3.10, §7.9).

Such a letter goes by a route of the settings, or to those mail exchangers that the domain prefers
to us (§5.1). For no other domain is anything taken from strangers.
"""

from __future__ import annotations

from collections.abc import Iterable

from .patterns import ALL, DomainMap


class BackupDomains:
    """The patterns of `relay.backup_for`."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Raises ValueError."""
        named = dict.fromkeys(patterns, True)
        if ALL in named:
            raise ValueError("* would be an open relay")
        self._named = DomainMap(named)

    def __contains__(self, domain: str) -> bool:
        """Whether letters for a domain, as a path has it (lower-case A-labels), are taken."""
        return self._named.get(domain) is not None


NONE = BackupDomains()
