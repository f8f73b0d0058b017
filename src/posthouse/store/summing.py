"""What is made, for its readers, of a content that lies in a file."""

from __future__ import annotations

import asyncio

from posthouse.message.summary import Summary, summarise

from .blobs.files import BlobFiles

AT_ONCE = 256 * 1024  # octets that are summed up on the loop; more are a thread's


async def sum_up(file: str, size: int, blobs: BlobFiles) -> Summary:
    """The summary of a content, which mostly was written a moment ago. Raises OSError.

    To hand a small one to a thread, and wait for it, takes longer than to look at it.
    """
    octets = blobs.read_at_hand(file, 0, size) if size <= AT_ONCE else None
    if octets is not None:
        return summarise(octets)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: summarise(blobs.read_all(file)))
