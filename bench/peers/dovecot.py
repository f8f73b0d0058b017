"""Dovecot, set up in a folder of its own: IMAP, POP3 and LMTP on Maildir or mdbox."""

from __future__ import annotations

import os
from pathlib import Path

from bench.peers import PASSWORD, Missing, Peer, free_ports, installed_version, user_id
from bench.peers.readers import READERS

USERS = 20
_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
mail_location = {location}
mail_max_userip_connections = 10000
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
  chroot =
  service_count = 0
  process_min_avail = 2
  client_limit = 2000
  vsz_limit = 512M
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
  chroot =
  service_count = 0
  process_min_avail = 2
  client_limit = 2000
  vsz_limit = 512M
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
  process_limit = 200
}}
protocol lmtp {{
  postmaster_address = postmaster@bench.example
}}
service imap {{
  process_limit = 2000
  vsz_limit = 2G
}}
namespace inbox {{
  inbox = yes
}}
"""


class Dovecot(Peer):
    """A Dovecot instance; needs root to change users."""

    version = installed_version("dovecot-imapd")
    location = ""

    def prepare(self) -> list[str]:
        if not self.version or not Path("/usr/sbin/dovecot").exists():
            raise Missing("Debian package dovecot-imapd is not installed")
        if os.geteuid() != 0:
            raise Missing("Dovecot is started as root")
        user_id("dovenull")
        uid, gid = user_id("nobody")
        (self.folder / "home").mkdir(exist_ok=True)
        os.chown(self.folder / "home", uid, gid)
        imap, pop3, lmtp = free_ports(3)
        self.ports = {"imap": imap, "pop3": pop3, "lmtp": lmtp}
        self.users = [f"user{number}@bench.example" for number in range(USERS)]
        known = "".join(f"{user}:{PASSWORD}\n" for user in (*self.users, *READERS))
        (self.folder / "users").write_text(known)
        text = _CONFIGURATION.format(
            folder=self.folder,
            location=self.location,
            port=imap,
            pop3=pop3,
            lmtp=lmtp,
            uid=uid,
            gid=gid,
        )
        path = self.folder / "dovecot.conf"
        path.write_text(text)
        return ["/usr/sbin/dovecot", "-F", "-c", str(path)]


class DovecotMaildir(Dovecot):
    """A file for each message."""

    name = "dovecot-maildir"
    location = "maildir:~/Maildir"
    settings = ("mail_location = maildir:~/Maildir", "imap-login, pop3-login: service_count = 0")


class DovecotMdbox(Dovecot):
    """Many messages in each file."""

    name = "dovecot-mdbox"
    location = "mdbox:~/mdbox"
    settings = ("mail_location = mdbox:~/mdbox", "imap-login, pop3-login: service_count = 0")
