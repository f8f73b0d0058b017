"""Cyrus IMAP, set up in a folder of its own.

Debian's packages of Cyrus and Dovecot exclude each other. Where Dovecot is installed, take
cyrus-common and sasl2-bin from the packages and unpack the rest beside them:

    apt-get download cyrus-imapd cyrus-pop3d
    for each in cyrus-*.deb; do dpkg -x $each /opt/cyrus; done
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bench.peers import PASSWORD, Missing, Peer, free_ports, installed_version, user_id
from bench.peers.readers import READERS

_PLACES = (Path("/usr/lib/cyrus/bin"), Path("/opt/cyrus/usr/lib/cyrus/bin"))
_MASTER = Path("/usr/lib/cyrus/bin/master")
_LMTPD = Path("/usr/lib/cyrus/bin/lmtpd")

_SERVICES = """\
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {folder}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="{place}/imapd -C {folder}/imapd.conf" listen="127.0.0.1:{imap}" prefork=2 maxchild=200
  pop3 cmd="{place}/pop3d -C {folder}/imapd.conf" listen="127.0.0.1:{pop3}" prefork=2 maxchild=200
  lmtp cmd="{lmtpd} -C {folder}/imapd.conf -a" listen="127.0.0.1:{lmtp}" prefork=2 maxchild=200
}}
EVENTS {{
  checkpoint cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C {folder}/imapd.conf -c" period=30
}}
"""
_SETTINGS = """\
configdirectory: {folder}/config
defaultpartition: default
partition-default: {folder}/spool
hashimapspool: yes
altnamespace: yes
unixhierarchysep: yes
virtdomains: userid
defaultdomain: bench.example
autocreate_quota: 0
autocreate_post: yes
duplicatesuppression: no
allowplaintext: yes
allowanonymouslogin: no
plaintextloginpause: 0
popminpoll: 0
conversations: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {folder}/sasldb2
sasl_mech_list: PLAIN
sasl_auto_transition: no
maxmessagesize: 0
servername: bench.example
proc_path: {folder}/config/proc
mboxname_lockpath: {folder}/config/lock
idlesocket: {folder}/config/socket/idle
notifysocket: {folder}/config/socket/notify
lmtpsocket: {folder}/config/socket/lmtp
"""


class Cyrus(Peer):
    """A Cyrus instance; needs root to become its user."""

    name = "cyrus"
    version = installed_version("cyrus-common")
    settings = ("sasldb", "duplicatesuppression = no", "two processes of each service wait")

    def prepare(self) -> list[str]:
        place = next((each for each in _PLACES if (each / "imapd").exists()), None)
        if not _MASTER.exists() or place is None:
            raise Missing("Debian's cyrus-common and cyrus-imapd are not there")
        if os.geteuid() != 0:
            raise Missing("Cyrus is started as root")
        uid, gid = user_id("cyrus")
        self.users = [f"user{number}@bench.example" for number in range(20)]
        imap, pop3, lmtp = free_ports(3)
        self.ports = {"imap": imap, "pop3": pop3, "lmtp": lmtp}
        for name in ("config", "config/socket", "config/db", "config/proc", "config/lock", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
            os.chown(self.folder / name, uid, gid)
        self._add_users(uid, gid)
        (self.folder / "imapd.conf").write_text(_SETTINGS.format(folder=self.folder))
        (self.folder / "cyrus.conf").write_text(
            _SERVICES.format(folder=self.folder, place=place, lmtpd=_LMTPD, **self.ports)
        )
        return [
            str(_MASTER),
            *("-C", str(self.folder / "imapd.conf")),
            *("-M", str(self.folder / "cyrus.conf")),
            *("-p", str(self.folder / "config/master.pid")),
        ]

    def _add_users(self, uid: int, gid: int) -> None:
        database = self.folder / "sasldb2"
        for address in [*self.users, *READERS]:
            user, _, domain = address.partition("@")
            command = ["saslpasswd2", "-p", "-c", "-f", str(database), "-u", domain, user]
            try:
                subprocess.run(command, input=PASSWORD, text=True, check=True, capture_output=True)
            except FileNotFoundError:
                raise Missing("Debian's sasl2-bin is not there") from None
        os.chown(database, uid, gid)
