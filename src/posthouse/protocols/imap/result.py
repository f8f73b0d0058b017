"""How a command ends when it does not end well (RFC 3501 §7.1)."""


class Bad(Exception):
    """The command cannot be understood: tagged BAD (§7.1.3)."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(f"[{code}] {text}" if code else text)
        self.text = text
        self.code = code


class No(Exception):
    """The command failed: tagged NO (§7.1.2), with a response code of RFC 5530 where one fits."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(f"[{code}] {text}" if code else text)
        self.text = text
        self.code = code


class Bye(Exception):
    """The connection cannot go on: untagged BYE (§7.1.5), and the end."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(f"[{code}] {text}" if code else text)
        self.text = text
        self.code = code


class Torn(Exception):
    """A literal cannot be sent to its end: what is sent now would be taken for its octets."""
