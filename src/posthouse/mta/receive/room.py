"""What is said where no mail can be taken."""

from __future__ import annotations

import errno

from posthouse.protocols.smtp.reply import Reply
from posthouse.store.space import Lack, Space

NOT_NOW = Reply(451, "4.3.0", "no mail is taken at the moment, try again later")
NO_SPACE = Reply(452, "4.3.1", "no space left, try again later")
FULL_NOW = Reply(452, "4.2.2", "the mailbox is full, try again later")
FULL = Reply(552, "5.2.2", "the mailbox is full")

REPLIES = {Lack.WRITING: NOT_NOW, Lack.SPACE: NO_SPACE}

WITHOUT_ROOM = (errno.ENOSPC, errno.EDQUOT)


def reply_to(error: OSError) -> Reply:
    """To a letter that the disk has not taken, for want of room or as it fails."""
    return NO_SPACE if error.errno in WITHOUT_ROOM else NOT_NOW


class Room:
    """Room for letters."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def refusal(self) -> Reply | None:
        """Why no mail is taken now, if it is not."""
        lack = self._space.lack()
        return REPLIES[lack] if lack else None
