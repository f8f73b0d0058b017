"""What commands make of a password that is to be kept."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..accounts.credentials import Hasher, Parameters
from ..accounts.kept import Kept, make_kept
from ..accounts.legacy import Vault
from ..accounts.scram import SHA_256, ScramKey, make_key
from .config import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def hasher() -> Hasher:
    """As the settings have it."""
    cost = load_settings().passwords
    return Hasher(Parameters(cost.memory, cost.passes, cost.lanes))


def own_keys(password: str, addresses: Sequence[str]) -> dict[str, ScramKey]:
    """A key for SCRAM for each address, of one password, on all processors."""
    iterations = load_settings().passwords.scram_iterations
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each is C's work alone
        keys = pool.map(lambda _: make_key(password, SHA_256, iterations), addresses)
        return dict(zip(addresses, keys, strict=True))


def kept(password: str, address: str = "", legacy_in: Path | None = None) -> Kept:
    """With keys for SCRAM; with a data directory also what old programs need."""
    vault = None if legacy_in is None else Vault(legacy_in)
    return make_kept(password, hasher(), load_settings().passwords.scram_iterations, address, vault)
