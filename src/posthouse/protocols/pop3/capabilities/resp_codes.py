"""RESP-CODES: a bracket at the head of a text begins a response code (RFC 2449 §6.4, §8)."""

from __future__ import annotations

from ..capability import Capability

RESP_CODES = Capability(tag="RESP-CODES", reference="RFC 2449")
