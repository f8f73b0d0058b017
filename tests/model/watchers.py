"""Clients that watch all mailboxes and have none selected (RFC 5465): in the end they know them."""

from __future__ import annotations

import re
from typing import cast

from .mailboxes import Account
from .wire import Gone, Line, Wire

WATCH = (
    "NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName"
    " SubscriptionChange))"
)
_OLD_NAME = re.compile(r' \("OLDNAME" \((?:"([^"]*)"|([^ ()]+))\)\)$')


class Watcher:
    """What one of them takes the mailboxes of the account to be, by what it was told."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.counters: dict[str, dict[str, int]] = {}
        self.subscribed: set[str] = set()
        self.attributes: dict[str, set[str]] = {}  # told since it knew everything last

    def begin(self) -> None:
        """From here on it asks for nothing more."""
        for command in (WATCH, 'LSUB "" "*"'):
            self.wire.send(command)
            answer = self.wire.answer()
            if not answer.status:
                raise Gone("the connection was closed")
            assert answer.ok, answer.text
            for line in answer.lines:
                self.take(line)

    def take(self, line: Line) -> None:
        words = line.text.split(" ", 2)
        if words[1] == "STATUS":
            name, counters = line.values(2)
            assert isinstance(counters, list)
            told = dict(
                zip(map(str, counters[::2]), map(int, map(str, counters[1::2])), strict=True)
            )
            told.pop("HIGHESTMODSEQ", None)
            assert told.keys() == {"MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"}, line.text
            self.counters[_text(name)] = told
        elif words[1] == "LSUB":
            self.subscribed.add(_text(line.values(2)[2]))
        else:
            assert words[1] == "LIST", f"{self.wire.name}, watching: {line.text}"
            self._listed(line)

    def _listed(self, line: Line) -> None:
        found = _OLD_NAME.search(line.text)
        text = line.text[: found.start()] if found else line.text
        attributes, _, its_name = Line((text.encode(),)).values(2)
        name, told = _text(its_name), set(map(str, cast("list[object]", attributes)))
        if found:
            self._renamed(found[1] or found[2], name)
        elif "\\NonExistent" in told:
            self.counters.pop(name, None)
        else:
            self.counters.setdefault(name, {"MESSAGES": 0, "UIDNEXT": 1, "UNSEEN": 0})
        self.attributes[name] = told
        (self.subscribed.add if "\\Subscribed" in told else self.subscribed.discard)(name)

    def _renamed(self, old: str, new: str) -> None:
        """With all that is below it, of which nothing is said (§5.4); but not INBOX."""
        if old == "INBOX":
            self.counters[new] = {"MESSAGES": 0, "UIDNEXT": 1, "UNSEEN": 0}
            return
        for name in [each for each in self.attributes if (each + "/").startswith(old + "/")]:
            del self.attributes[name]  # nothing more will be told of it
        for name in [each for each in self.counters if each == old or each.startswith(old + "/")]:
            self.counters[new + name[len(old) :]] = self.counters.pop(name)

    # What must be true

    def difference(self, account: Account) -> str:
        """What it does not know yet; nothing, when it knows all."""
        if self.counters.keys() != account.mailboxes.keys():
            return f"names: {sorted(self.counters)}, not {sorted(account.mailboxes)}"
        if self.subscribed != account.subscribed:
            return f"subscribed: {self.subscribed}, not {account.subscribed}"
        for name, mailbox in account.mailboxes.items():
            right = mailbox.counters()
            told = {item: value for item, value in self.counters[name].items() if item in right}
            if told != {item: right[item] for item in told}:
                return f"{name}: {told}, not {right}"
            validity = self.counters[name].get("UIDVALIDITY", 0)
            if mailbox.uid_validity not in (None, validity):
                return f"{name}: UIDVALIDITY {validity}, not {mailbox.uid_validity}"
            if mailbox.uid_validity is None and validity <= account.validities.get(name, 0):
                return f"{name}: UIDVALIDITY {validity}, which it had before"
        return self._misnamed(account)

    def _misnamed(self, account: Account) -> str:
        """What was told of a name, if it is not true; the truth may be on its way."""
        listed = account.listed()
        nowhere = {"\\NonExistent", "\\Noselect", "\\HasNoChildren"}
        for name, told in self.attributes.items():
            right = listed.get(name, nowhere)
            right = right | ({"\\Subscribed"} if name in account.subscribed else set())
            if told != right:
                return f"{name} as {right}, but as {told}"
        return ""

    def settle(self, account: Account) -> None:
        """Read on until it knows all that has happened."""
        while difference := self.difference(account):
            try:
                self.take(self.wire.read())
            except Gone as gone:
                raise AssertionError(f"{self.wire.name} was not told of {difference}") from gone
        self.attributes.clear()


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
