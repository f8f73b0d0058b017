"""UIDONLY: messages are named by their UIDs alone, both ways (RFC 9586).

`fetch/item.py` begins the responses, `news.py` tells what has vanished, `server.py` refuses the
commands that name numbers.
"""

from ..extension import Extension

UIDONLY = Extension(rfc=9586, capability="UIDONLY", enable=True)
