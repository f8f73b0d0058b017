"""PIPELINING: several commands may be sent at once (RFC 2449 §6.6)."""

from __future__ import annotations

from ..capability import Capability

PIPELINING = Capability(tag="PIPELINING", affected=frozenset({"all"}), reference="RFC 2449")
