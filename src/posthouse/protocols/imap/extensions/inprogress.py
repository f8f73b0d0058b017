"""INPROGRESS: a search that takes long tells how far it is (RFC 9585); see `progress`."""

from ..extension import Extension

INPROGRESS = Extension(rfc=9585, capability="INPROGRESS")
