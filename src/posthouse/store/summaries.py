"""What readers ask for often, made when the letter is filed: octets ready to send.

Each row bears the version of its maker; an older one is made anew when it is read.
"""

from __future__ import annotations

from posthouse.message.summary import Summary

from .unit import Unit, Work, one_of, run


def insert_summary(content: int, summary: Summary) -> Work[None]:
    """Keep a summary with its content."""
    yield from run(
        "INSERT OR REPLACE INTO summary (content, version, header_size, sent, sent_day, envelope,"
        " body, bodystructure, preview, listed)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        content,
        summary.version,
        summary.header_size,
        summary.sent,
        summary.sent_day,
        summary.envelope,
        summary.body,
        summary.body_structure,
        summary.preview,
        summary.listed,
    )


def keep_summary(content: int, summary: Summary) -> Unit[None]:
    """Put a summary in the place of an older maker's, if the content is still there."""

    def unit() -> Work[None]:
        if (yield from one_of("SELECT 1 FROM content WHERE id = ?1", content)) is not None:
            yield from insert_summary(content, summary)

    return unit
