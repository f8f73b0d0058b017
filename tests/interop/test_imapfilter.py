"""imapfilter: rules over mailboxes, by searches, flags, copies and moves; TLS is verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.letters import rich
from tests.interop.program import certificate, home, run
from tests.system.user import User

RULES = """\
options.timeout = 20
options.create = true
options.subscribe = true
options.expunge = true
here = IMAP {{
  server = 'localhost', port = {port}, username = '{user}', password = '{password}'{more}
}}
mailboxes = here:list_all()
found = here.INBOX:contain_subject('no. 2') + here.INBOX:contain_body('Boxk')
found:mark_flagged()
found:copy_messages(here['Copied/Räume'])
seen = here.INBOX:is_unseen() * here.INBOX:contain_from('somebody') - found
seen:mark_seen()
seen:add_flags({{'work'}})
larger = here.INBOX:is_larger(1000) + here.INBOX:match_subject('no. [67]')
larger:move_messages(here.Archive)
here.INBOX:match_subject('no. 1'):delete_messages()
exist, unread, recent, uidnext = here.INBOX:check_status()
print(#mailboxes, exist, unread, uidnext)
for _, message in ipairs(here.INBOX:select_all()) do
  box, uid = table.unpack(message)
  print(box[uid]:fetch_field('Subject'), box[uid]:fetch_size() == #box[uid]:fetch_message())
end
"""


@pytest.mark.parametrize(("service", "more"), [("imaps", ", ssl = 'auto'"), ("imap", "")])
def test_rules(anna: User, tmp_path: Path, service: str, more: str) -> None:
    anna.fill(8)
    with anna.imap() as wire:
        wire.append("INBOX", "", "", rich("b@there.example", anna.address).as_bytes())
    rules = tmp_path / "config.lua"
    rules.write_text(
        RULES.format(
            port=anna.server.port(service), user=anna.address, password=anna.password, more=more
        )
    )
    command = ("imapfilter", "-c", str(rules), "-t", str(certificate(anna.server, tmp_path)))
    debug = tmp_path / "debug"
    told = run(
        *command, "-d", str(debug), environment=home(tmp_path, IMAPFILTER_HOME=str(tmp_path))
    )
    assert "Subject: no. 8\ttrue" in told.replace("\r", "").replace("\n\t", "\t"), told
    assert " BAD " not in debug.read_text(errors="replace")
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"5"])
        assert wire.uid("SEARCH", "FLAGGED") == ("OK", [b"2"])
        assert wire.uid("SEARCH", "SEEN", "KEYWORD", "work") == ("OK", [b"3 4 5 8"])
        assert wire.select("Archive") == ("OK", [b"3"])
        assert wire.select('"Copied/R&AOQ-ume"') == ("OK", [b"2"])
        assert wire.search(None, "FLAGGED") == ("OK", [b"1 2"])
