"""Postfix, set up in a folder of its own: to hold what it accepts, or to deliver into Maildirs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

from bench.peers import Missing, Spooling, free_ports, installed_version, user_id
from bench.peers.dovecot import DovecotMaildir
from bench.peers.sink import DOMAIN as RELAYED
from bench.peers.sink import Sink

USERS = 20
DOMAIN = "bench.example"

_MASTER = """\
127.0.0.1:{port} inet n - n - {processes} smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
virtual   unix - n n - - virtual
lmtp      unix - - n - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = bench.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
message_size_limit = 52428800
virtual_mailbox_limit = 0
smtpd_peername_lookup = no
"""

_SETTINGS = (
    "in_flow_delay = 0",
    "default_process_limit = 200",
    "smtpd_client_connection_count_limit = 0",
    "smtpd_client_connection_rate_limit = 0",
    "smtpd_client_message_rate_limit = 0",
)


class Postfix(Spooling):
    """A Postfix instance; needs root, as its master does."""

    version = installed_version("postfix")
    more: tuple[str, ...] = ()  # settings that are known when it starts

    def prepare(self) -> list[str]:
        if not self.version or not Path("/usr/sbin/postfix").exists():
            raise Missing("Debian package postfix is not installed")
        if os.geteuid() != 0:
            raise Missing("Postfix starts as root only")
        owner, _ = user_id("postfix")
        uid, gid = user_id("nobody")
        for name in ("etc", "spool", "data", "log", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        os.chown(self.folder / "data", owner, -1)
        os.chown(self.folder / "mail", uid, gid)
        self.ports = {"smtp": free_ports(1)[0]}
        self.users = [f"user{number}@{DOMAIN}" for number in range(USERS)]
        self._write(uid, gid)
        return ["/usr/sbin/postfix", "-c", str(self.folder / "etc"), "start-fg"]

    def _write(self, uid: int, gid: int) -> None:
        etc = self.folder / "etc"
        main = _MAIN.format(folder=self.folder, uid=uid, gid=gid)
        (etc / "main.cf").write_text(
            main + "\n".join((*_SETTINGS, *self.settings, *self.more)) + "\n"
        )
        (etc / "master.cf").write_text(_MASTER.format(port=self.ports["smtp"], processes=200))
        (etc / "mailboxes").write_text("".join(f"{user} {user}/\n" for user in self.users))
        for name in ("postfix-files", "dynamicmaps.cf"):
            found = Path("/etc/postfix") / name
            if found.exists():
                shutil.copy(found, etc / name)
        subprocess.run(
            ["/usr/sbin/postconf", "-c", str(etc), "-n"], check=True, capture_output=True
        )

    def undelivered(self) -> int:
        spool = self.folder / "spool"
        return sum(
            len(files)
            for name in ("maildrop", "incoming", "active", "deferred")
            for _, _, files in os.walk(spool / name)
        )

    def delivered(self) -> int:
        return sum(1 for _ in (self.folder / "mail").glob("*/new/*"))


class PostfixHold(Postfix):
    """Accepts and keeps: what comes is put on hold, nothing is delivered."""

    name = "postfix-hold"
    settings = ("smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit",)


class PostfixMaildir(Postfix):
    """Accepts and delivers into a Maildir for each user, by virtual(8)."""

    name = "postfix-maildir"
    settings = ("virtual_transport = virtual",)


class PostfixLmtp(Postfix):
    """Accepts and delivers over LMTP into the Maildirs of a Dovecot, which is counted with it."""

    name = "postfix-lmtp"
    version = f"{Postfix.version}, LMTP to Dovecot {DovecotMaildir.version} with Maildirs"
    settings = ("lmtp_connection_cache_on_demand = yes",)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._boxes = DovecotMaildir(folder / "dovecot")

    def prepare(self) -> list[str]:
        self._boxes.folder.mkdir()
        self._boxes.folder.chmod(0o755)
        dovecot = self._boxes.prepare()
        self.more = (f"virtual_transport = lmtp:inet:127.0.0.1:{self._boxes.ports['lmtp']}",)
        postfix = super().prepare()
        self.ports |= {"lmtp": self._boxes.ports["lmtp"]}
        return ["sh", "-c", f"{shlex.join(dovecot)} & exec {shlex.join(postfix)}"]

    def delivered(self) -> int:
        return sum(1 for _ in (self._boxes.folder / "home").glob("*/Maildir/new/*"))


class PostfixRelay(Postfix):
    """Accepts and hands on to one other host, over connections that are kept."""

    name = "postfix-relay"

    settings = (f"relay_domains = {RELAYED}", "smtp_connection_cache_on_demand = yes")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sink: Sink | None = None

    def prepare(self) -> list[str]:
        self.sink = Sink()
        self.more = (f"relayhost = [127.0.0.1]:{self.sink.port}",)
        command = super().prepare()
        self.users = [f"user{number}@{RELAYED}" for number in range(USERS)]
        return command

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        if self.sink is not None:
            self.sink.close()
