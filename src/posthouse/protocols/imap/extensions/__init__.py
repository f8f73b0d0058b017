"""The IMAP extensions, one file each, in the order of the CAPABILITY response."""

from ..extension import Extension

ALL: tuple[Extension, ...] = ()
