"""The languages of the words behind +OK and -ERR (RFC 6856 §3).

Texts are written in English where they are said, with {fields} in braces, and are the keys of the
catalogues of the other languages: gettext's .po files, in languages/, named by language tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: RFC 4647 §2.1: language-range = (1*8ALPHA *("-" 1*8alphanum))
_range = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}").fullmatch
_entry = re.compile(
    r'^msgid ((?:"(?:[^"\\\n]|\\.)*"\s*)+)^msgstr ((?:"(?:[^"\\\n]|\\.)*"\s*)+)', re.MULTILINE
).finditer
_string = re.compile(r'"((?:[^"\\\n]|\\.)*)"').findall
_escape = re.compile(r"\\(.)")
_NAME = re.compile(r"^X-Language-Name: *(.*)$", re.MULTILINE).search


@dataclass(frozen=True, slots=True)
class Language:
    tag: str  # RFC 5646
    name: str  # in the language itself
    texts: Mapping[str, str] = field(default_factory=dict)

    def say(self, text: str, values: Mapping[str, object]) -> str:
        """The text in this language; one that the catalogue lacks stays English."""
        return self.texts.get(text, text).format_map(values)


ENGLISH = Language("en", "English")


def read_catalogue(tag: str, source: str) -> Language:
    """A language from its .po file; the entry of the empty text is about the file itself."""
    texts = {_joined(entry[1]): _joined(entry[2]) for entry in _entry(source)}
    about = texts.pop("", "")
    name = _NAME(about)
    return Language(tag, name[1] if name else tag, {k: v for k, v in texts.items() if v})


def find_language(languages: Sequence[Language], wanted: str) -> Language | None:
    """The language of a range (RFC 4647 §3.4): `de-AT` finds `de`, `zh` also `zh-Hans`."""
    if _range(wanted) is None:
        return None
    subtags = wanted.lower().split("-")
    while subtags:
        prefix = "-".join(subtags)
        for language in languages:
            if f"{language.tag.lower()}-".startswith(f"{prefix}-"):
                return language
        subtags.pop()
    return None


def _joined(strings: str) -> str:
    joined = "".join(_string(strings))
    return _escape.sub(lambda mark: {"n": "\n", "t": "\t"}.get(mark[1], mark[1]), joined)
