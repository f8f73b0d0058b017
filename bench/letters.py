"""The letters of the benches: 4 kB, each with its own Message-ID, subject and place in a thread."""

from __future__ import annotations

SIZE = 4096
NAMES = ("Anna", "Boris", "Carla", "David", "Emilia", "Farid", "Greta", "Hiro", "Ines", "Jonas")
WORDS = (
    "harbour",
    "letter",
    "window",
    "copper",
    "evening",
    "garden",
    "signal",
    "river",
    "paper",
    "candle",
    "meadow",
    "station",
    "bridge",
    "winter",
    "lantern",
    "orchard",
    "market",
    "morning",
    "thunder",
    "compass",
    "violin",
    "island",
    "kettle",
    "mirror",
)


def head(number: int) -> bytes:
    """The header fields of letter `number`, with the empty line."""
    name = NAMES[number % 10]
    other = NAMES[number // 10 % 10]
    fields = [
        f"From: {name} Archer <{name.lower()}@sender.example>",
        f"To: {other} Baker <{other.lower()}@bench.example>",
        f"Subject: About the {WORDS[number % 24]} and the {WORDS[number // 24 % 24]}, no. {number}",
        f"Date: Tue, {number % 28 + 1} Sep 2026 {number % 24:02}:{number % 60:02}:00 +0200",
        f"Message-ID: <letter.{number}@sender.example>",
    ]
    if number % 10 >= 5:
        parent = number - number % 5
        fields += [
            f"In-Reply-To: <letter.{parent}@sender.example>",
            f"References: <letter.{parent - 5}@sender.example> <letter.{parent}@sender.example>",
        ]
    fields += [
        "User-Agent: Bench 1.0",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    return ("\r\n".join(fields) + "\r\n\r\n").encode()


def _text() -> bytes:
    lines = []
    for line in range(80):
        words = (WORDS[(line * 7 + word * word * 5 + word) % 24] for word in range(9))
        lines.append(" ".join(words)[:72])
    return "\r\n".join(lines).encode()


_TEXT = _text()


def letter(number: int) -> bytes:
    """Letter `number`, SIZE octets, ending in CRLF, with no line that begins with a dot."""
    start = head(number)
    text = _TEXT[: SIZE - 2 - len(start)]
    if text.endswith(b"\r"):  # no CR may stand alone
        text = text[:-1] + b"."
    return start + text + b"\r\n"
