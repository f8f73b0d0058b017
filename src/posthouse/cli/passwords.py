"""What commands make of a password that is to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..accounts.credentials import Hasher, Parameters
from ..accounts.kept import Kept, make_kept
from ..accounts.legacy import Vault
from .config import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def hasher() -> Hasher:
    """As the settings have it."""
    cost = load_settings().passwords
    return Hasher(Parameters(cost.memory, cost.passes, cost.lanes))


def kept(password: str, address: str = "", legacy_in: Path | None = None) -> Kept:
    """With keys for SCRAM; with a data directory also what old programs need."""
    vault = None if legacy_in is None else Vault(legacy_in)
    return make_kept(password, hasher(), load_settings().passwords.scram_iterations, address, vault)
