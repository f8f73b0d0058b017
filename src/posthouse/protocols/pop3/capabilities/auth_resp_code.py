"""AUTH-RESP-CODE: only what is wrong with the credentials is refused with AUTH (RFC 3206 §6)."""

from __future__ import annotations

from ..capability import Capability

AUTH_RESP_CODE = Capability(tag="AUTH-RESP-CODE", reference="RFC 3206")
