"""The catalogues of the words in responses (RFC 6856 §3)."""

from __future__ import annotations

import re

import pytest

from posthouse.protocols.pop3.language import ENGLISH, Language, find_language, read_catalogue
from posthouse.store.serve.pop3_languages import languages
from tests.protocols.pop3.texts import texts

ALL = languages()
each = pytest.mark.parametrize("language", [pytest.param(x, id=x.tag) for x in ALL if x.texts])


def test_the_languages() -> None:
    assert [language.tag for language in ALL] == ["en", "de", "es", "fr", "ja", "ru", "zh"]
    assert len({language.name for language in ALL}) == len(ALL)


@each
def test_every_text_is_translated(language: Language) -> None:
    assert set(language.texts) == texts()


@each
def test_fields_are_the_same(language: Language) -> None:
    for text, said in language.texts.items():
        assert sorted(re.findall(r"{\w*}", said)) == sorted(re.findall(r"{\w*}", text))
        assert said.strip() == said
        assert said.isprintable()
        assert not said.startswith("[")  # it would be taken for a response code (RFC 2449 §8)


@each
def test_the_tag_comes_first(language: Language) -> None:
    """§3.2: +OK, a space, the tag, a space, and words."""
    assert language.texts["{tag} the language has changed"].startswith("{tag} ")


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        ("de", "de"),
        ("DE-at-1996", "de"),
        ("zh-Hant-TW", "zh"),
        ("en-GB", "en"),
        ("d", ""),
        ("deu", ""),
        ("mul", ""),
        ("", ""),
        ("-", ""),
        ("de_AT", ""),
        ("д", ""),
        ("*", ""),
        ("-".join(["a"] * 200), ""),
    ],
)
def test_ranges(wanted: str, tag: str) -> None:
    found = find_language(ALL, wanted)
    assert (found.tag if found else "") == tag


def test_a_longer_tag_is_found_by_its_beginning() -> None:
    hans = Language("zh-Hans", "简体中文")
    assert find_language([ENGLISH, hans], "zh") is hans
    assert find_language([ENGLISH, hans], "zh-CN") is hans


def test_catalogues_are_read_as_gettext_does() -> None:
    source = (
        'msgid ""\nmsgstr ""\n"X-Language-Name: Klingon\\n"\n"Other: x\\n"\n'
        '# remark\n#, fuzzy\nmsgid "a \\"b\\""\nmsgstr ""\n"one "\n"\\\\two"\n\n'
        'msgid "not yet"\nmsgstr ""\n'
    )
    language = read_catalogue("tlh", source)
    assert language == Language("tlh", "Klingon", {'a "b"': "one \\two"})
    assert language.say("not yet", {}) == "not yet"
    assert ENGLISH.say("{n} left", {"n": 3}) == "3 left"
