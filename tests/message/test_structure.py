"""The part tree with its offsets, and the sections of it (RFC 2046, RFC 9051 §6.4.5.1)."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.structure import DEPTH_LIMIT, PART_LIMIT, Part, parse, section, walk


def lines(text: str) -> bytes:
    return text.encode().replace(b"\n", b"\r\n")


# The example of RFC 9051 §6.4.5.1, written out.
COMPLEX = lines(
    """Subject: complex
Content-Type: multipart/mixed; boundary=a

preamble
--a

one
--a
Content-Type: application/octet-stream

two
--a
Content-Type: message/rfc822

Subject: three
Content-Type: multipart/mixed; boundary=aa

--aa
Content-Type: text/plain

three one
--aa
Content-Type: application/octet-stream

three two
--aa--
--a
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: image/gif

four one
--b
Content-Type: message/rfc822

Subject: four two
Content-Type: multipart/mixed; boundary=c

--c

four two one
--c
Content-Type: multipart/alternative; boundary=d

--d
Content-Type: text/plain

four two two one
--d
Content-Type: text/richtext

four two two two
--d--
--c--
--b--
--a--
epilogue
"""
)

SECTIONS = [
    ((), "HEADER", "Subject: complex\nContent-Type: multipart/mixed; boundary=a\n\n"),
    ((1,), "", "one"),
    ((1,), "MIME", "\n"),
    ((2,), "", "two"),
    ((2,), "MIME", "Content-Type: application/octet-stream\n\n"),
    ((3,), "MIME", "Content-Type: message/rfc822\n\n"),
    ((3,), "HEADER", "Subject: three\nContent-Type: multipart/mixed; boundary=aa\n\n"),
    (
        (3,),
        "TEXT",
        (
            "--aa\nContent-Type: text/plain\n\nthree one\n"
            "--aa\nContent-Type: application/octet-stream\n\nthree two\n--aa--"
        ),
    ),
    ((3, 1), "", "three one"),
    ((3, 2), "", "three two"),
    ((4, 1), "", "four one"),
    ((4, 1), "MIME", "Content-Type: image/gif\n\n"),
    ((4, 2), "HEADER", "Subject: four two\nContent-Type: multipart/mixed; boundary=c\n\n"),
    ((4, 2, 1), "", "four two one"),
    ((4, 2, 2, 1), "", "four two two one"),
    ((4, 2, 2, 2), "", "four two two two"),
    ((4, 2, 2, 2), "MIME", "Content-Type: text/richtext\n\n"),
]


@pytest.mark.parametrize(("path", "text", "expected"), SECTIONS)
def test_sections(path: tuple[int, ...], text: str, expected: str) -> None:
    found = section(parse(COMPLEX), path, text)
    assert found is not None
    assert COMPLEX[found[0] : found[1]] == lines(expected)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((5,), ""),
        ((0,), ""),
        ((1, 1), ""),
        ((2,), "HEADER"),
        ((2,), "TEXT"),
        ((3, 3), ""),
        ((3, 1, 1), ""),
        ((4, 3), ""),
        ((), "MIME"),
        ((1,), "OTHER"),
    ],
)
def test_sections_that_are_not(path: tuple[int, ...], text: str) -> None:
    assert section(parse(COMPLEX), path, text) is None


def test_whole_message() -> None:
    root = parse(COMPLEX)
    assert section(root, ()) == (0, len(COMPLEX))
    assert section(root, (), "TEXT") == (root.body_start, len(COMPLEX))


def test_a_message_that_is_no_multipart_has_part_one() -> None:
    content = b"Subject: x\r\n\r\nbody\r\n"
    root = parse(content)
    assert section(root, (1,)) == (14, 20)
    assert section(root, (1,), "MIME") == (0, 14)
    assert section(root, (1, 1)) is None
    assert section(root, (2,)) is None
    inner = b"Content-Type: message/rfc822\r\n\r\n" + content
    root = parse(inner)
    assert section(root, (1,)) == (32, len(inner))
    assert section(root, (1,), "HEADER") == (32, 46)
    assert section(root, (1, 1)) == (46, len(inner))
    assert section(root, (1, 1, 1)) is None


def bodies(content: bytes) -> list[bytes]:
    return [content[part.body_start : part.end] for part in parse(content).children]


def multipart(body: str, boundary: str = "b") -> bytes:
    return lines(f"Content-Type: multipart/mixed; boundary={boundary}\n\n{body}")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("--b\n\nx\n--b--\n", ["x"]),
        ("--b\n\nx\n--b--", ["x"]),
        ("--b\n\nx\n--b", ["x", ""]),
        ("--b\n\nx\n", ["x\n"]),  # no end
        ("--b\n\nx\n--b  \t\n\ny\n--b-- \n", ["x", "y"]),  # transport padding
        ("--b\n\nx\n--bb\nz\n--b--\n", ["x\n--bb\nz"]),  # begins with the boundary only
        ("--b\n\n--b\n\n--b--\n", ["", ""]),
        ("--b\n--b\n--b--\n", ["", ""]),
        ("--b\nX: y\n--b\nX: z\n--b--\n", ["", ""]),  # no empty line
        ("--b\nX: y\n\n--b--\n", [""]),
        ("--b--\n--b\n\nx\n", [""]),  # nothing after the end counts
        ("nothing\n", [""]),
        ("", [""]),
        ("--\n---\n--b\n\n--\n--c\n--b--", ["--\n--c"]),
    ],
)
def test_boundaries(body: str, expected: list[str]) -> None:
    assert bodies(multipart(body)) == [lines(text) for text in expected]


@pytest.mark.parametrize("first", ["-", "x"])
@pytest.mark.parametrize("length", [*range(1018, 1032), 3000])
def test_a_boundary_is_found_however_far_it_is_from_a_dash(first: str, length: int) -> None:
    text = first + "x" * length
    assert bodies(multipart(f"--b\n\n{text}\n--b\n\n{text}\n--b--")) == [text.encode()] * 2


def test_outer_boundary_ends_inner_parts() -> None:
    content = multipart(
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--b\n\ny\n--c\nz\n--b--\n"
    )
    root = parse(content)
    inner, second = root.children
    assert [content[part.body_start : part.end] for part in inner.children] == [b"x"]
    assert content[second.body_start : second.end] == b"y\r\n--c\r\nz"


def test_the_same_boundary_inside() -> None:
    content = multipart(
        "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n\n--b\n\ny\n--b--\n"
    )
    root = parse(content)
    assert len(root.children) == 2
    assert len(root.children[0].children) == 1


def test_message_whose_body_is_cut_by_a_boundary() -> None:
    for body in ("", "\n", "X: y\n", "X: y\n\n"):
        content = multipart(f"--b\nContent-Type: message/rfc822\n\n{body}--b\n\nz\n--b--\n")
        root = parse(content)
        assert len(root.children) == 2
        check(root, len(content))


def test_fields() -> None:
    content = lines(
        """Content-Type: TEXT/HTML; charset="utf-8"; format=flowed
content-transfer-encoding: Quoted-Printable (really)
Content-ID: <a@b>
Content-Description: a
 description
Content-Disposition: attachment; filename="x y"
Content-Language: en, de
Content-Location: http://example.org/
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Type: image/gif

a
b
c"""
    )
    part = parse(content)
    assert (part.type, part.subtype) == (b"TEXT", b"HTML")
    assert part.parameters == ((b"charset", b"utf-8"), (b"format", b"flowed"))
    assert part.encoding == b"Quoted-Printable"
    assert part.id == b"<a@b>"
    assert part.description == b"a description"
    assert part.disposition == (b"attachment", ((b"filename", b"x y"),))
    assert part.language == (b"en", b"de")
    assert part.location == b"http://example.org/"
    assert part.md5 == b"Q2hlY2sgSW50ZWdyaXR5IQ=="
    assert (part.lines, part.size) == (2, 7)


def test_digest() -> None:
    content = lines(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n"
        "--b\nContent-Type: text/plain\n\nz\n--b--\n"
    )
    first, second = parse(content).children
    assert first.is_message
    assert first.children[0].type == b"TEXT"
    assert not second.is_message


def test_invalid_content_type_is_plain_text() -> None:
    for value in ("", "text", "multipart/mixed", "multipart/mixed; boundary=", "/;;", "a/b/"):
        part = parse(lines(f"Content-Type: {value}\n\nx"))
        assert (part.type, part.is_multipart) in ((b"TEXT", False), (b"a", False))


def test_number_of_parts_is_limited() -> None:
    content = multipart("--b\n\nx\n" * (3 * PART_LIMIT) + "--b--\n")
    assert len(walk(parse(content))) == PART_LIMIT


def test_depth_is_limited() -> None:
    deep = "".join(
        f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n"
        for number in range(10**4)
    )
    found = walk(parse(lines(deep)))
    assert len(found) == DEPTH_LIMIT + 1
    assert (found[-1].type, found[-1].children) == (b"APPLICATION", [])


def check(root: Part, size: int) -> None:
    """Every part lies within its parent, and after the one before it."""
    assert (root.header_start, root.end) == (0, size)
    for part in walk(root):
        assert part.header_start <= part.body_start <= part.end
        assert part.lines >= 0
        position = part.body_start
        for child in part.children:
            assert position <= child.header_start
            position = child.end
        if not part.is_message:
            assert position <= max(part.end, part.body_start) or not part.children
        assert all(child.end <= part.end for child in part.children)


piece = st.sampled_from(
    [
        "--a",
        "--b",
        "--a--",
        "--b--",
        "--ab",
        "",
        "",
        "x",
        "Content-Type: multipart/mixed; boundary=a",
        "Content-Type: multipart/digest; boundary=b",
        "Content-Type: message/rfc822",
        "--",
    ]
)


@given(st.lists(piece, max_size=30))
def test_parts_lie_within_each_other(pieces: list[str]) -> None:
    content = "\r\n".join(pieces).encode()
    check(parse(content), len(content))


@given(st.binary(max_size=300))
def test_any_octets(content: bytes) -> None:
    check(parse(content), len(content))


def test_file_in_place_of_octets(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(COMPLEX)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        found = [(part.body_start, part.end, part.lines) for part in walk(parse(mapped))]
    assert found == [(part.body_start, part.end, part.lines) for part in walk(parse(COMPLEX))]
