"""INPROGRESS: a command that takes long tells how far it is (RFC 9585).

Of SEARCH, SORT and THREAD the messages looked at are told (`progress`); of what the agent does in
one step (STORE, COPY, MOVE, EXPUNGE, DELETE, RENAME), that it goes on (`events.decide`). FETCH has
responses that speak for themselves.
"""

from ..extension import Extension

INPROGRESS = Extension(rfc=9585, capability="INPROGRESS")
