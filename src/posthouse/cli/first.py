"""What is done before anything is served: the schema, and something to try at the first start.

It runs in a process of its own, so that the parent of the workers never holds the database.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import apsw
import click

from ..accounts.accounts import add_account, any_account
from ..accounts.credentials import Hasher, Parameters, UnfitPassword, invent
from ..accounts.domains import add_domain, list_domains
from ..accounts.kept import make_kept
from ..config import Config
from ..mua.cli.house import printable
from ..runtime.listeners import Endpoint
from ..store.direct import DirectStore
from ..store.migrate import SchemaTooNew, migrate

DOMAIN = "localhost"
DEMO = f"demo@{DOMAIN}"


def prepare(data: Path, config: Config, places: Sequence[Endpoint]) -> int:
    """Bring the database up to date, make the demo account if there is none; an exit status."""
    try:
        migrate(data)
        with DirectStore(data) as store:
            if not store.read(any_account()) and not store.read(list_domains()):
                password = _make_demo(store, config)
                click.echo(_welcome(data, places, password))
    except (SchemaTooNew, UnfitPassword, apsw.Error, OSError) as error:
        click.echo(f"posthouse: {data}: {printable(str(error))}", err=True)
        return 1
    return 0


def _make_demo(store: DirectStore, config: Config) -> str:
    password = invent()
    cost = config.passwords
    hasher = Hasher(Parameters(cost.memory, cost.passes, cost.lanes))
    stored = make_kept(password, hasher, cost.scram_iterations)
    now = int(time.time())
    store.write(add_domain(DOMAIN, now))
    store.write(add_account(DEMO, stored, now))
    return password


def _welcome(data: Path, places: Sequence[Endpoint], password: str) -> str:
    at = {place.service: str(place) for place in places}
    lines = [
        "",
        f"A new Posthouse in {data}. To try it, there is one account; this is shown only now:",
        f"  address   {DEMO}",
        f"  password  {password}",
    ]
    if "smtp" in at:
        letter = f"From: {DEMO}\\nTo: {DEMO}\\nSubject: Hello\\n\\nIt works.\\n"
        curl = f"curl --crlf smtp://{at['smtp']} --mail-from {DEMO} --mail-rcpt {DEMO} -T -"
        lines += ["Send it a letter:", f"  printf '{letter}' | {curl}"]
    if "imaps" in at:
        curl = f"curl -k --user '{DEMO}:{password}' 'imaps://{at['imaps']}/INBOX;UID=1'"
        lines += ["and read it:", f"  {curl}"]
    return "\n".join([*lines, ""])
