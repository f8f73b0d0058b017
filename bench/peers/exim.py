"""Exim, set up in a folder of its own: to queue what it accepts, or to deliver into Maildirs.

Debian's packages of Exim and Postfix exclude each other. Where Postfix is installed, Exim is
unpacked beside it: `python -m bench.install`.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from bench.peers import Missing, Spooling, free_ports, user_id

USER = "Debian-exim"  # built into Debian's program
USERS = 20
DOMAIN = "bench.example"

_PLACES = (Path("/usr/sbin/exim4"), Path("/opt/exim4/usr/sbin/exim4"))

_CONFIGURATION = """\
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
exim_user = {user}
exim_group = {user}
deliver_drop_privilege = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
primary_hostname = bench.example
qualify_domain = bench.example
domainlist local_domains = bench.example
tls_advertise_hosts =
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = accept
message_size_limit = 50M
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 1024
queue_only = {queue_only}

begin routers

mailboxes:
  driver = accept
  domains = +local_domains
  transport = maildir

begin transports

maildir:
  driver = appendfile
  directory = {folder}/mail/$local_part
  maildir_format = true
  delivery_date_add
  envelope_to_add
  return_path_add
"""


PROGRAM = next((place for place in _PLACES if place.exists()), None)


def _version() -> str:
    """What the program says of itself, wherever it came from."""
    if PROGRAM is None:
        return ""
    command = [str(PROGRAM), "-C", "/dev/null", "-bV"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^Exim version (\S+)", done.stdout, re.MULTILINE)
    return found[1] if found else ""


class Exim(Spooling):
    """An Exim daemon; starts as root, works as its own user."""

    version = _version()
    queue_only = True

    def prepare(self) -> list[str]:
        if PROGRAM is None:
            raise Missing("Exim is not there: python -m bench.install")
        if os.geteuid() != 0:
            raise Missing("Exim is started as root")
        uid, gid = user_id(USER)
        for name in ("spool", "log", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
            os.chown(self.folder / name, uid, gid)
        self.ports = {"smtp": free_ports(1)[0]}
        self.users = [f"user{number}@{DOMAIN}" for number in range(USERS)]
        path = self.folder / "exim.conf"
        path.write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                user=USER,
                port=self.ports["smtp"],
                queue_only="true" if self.queue_only else "false",
            )
        )
        return [str(PROGRAM), "-C", str(path), "-bdf"]

    def undelivered(self) -> int:
        return sum(1 for _ in (self.folder / "spool/input").rglob("*-H"))

    def delivered(self) -> int:
        return sum(1 for _ in (self.folder / "mail").glob("*/new/*"))


class EximQueue(Exim):
    """Accepts and keeps in the queue."""

    name = "exim-queue"
    settings = ("queue_only = true",)


class EximMaildir(Exim):
    """Accepts and delivers at once into a Maildir for each user."""

    name = "exim-maildir"
    queue_only = False
    settings = ("queue_only = false", "appendfile, maildir_format", "deliver_drop_privilege = true")
