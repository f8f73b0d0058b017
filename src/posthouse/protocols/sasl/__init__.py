"""SASL (RFC 4422): one file per mechanism, known to no protocol and knowing none."""

from collections.abc import Mapping

from .login import LOGIN
from .mechanism import Mechanism
from .plain import PLAIN

#: In the order in which they are offered.
MECHANISMS: Mapping[str, Mechanism] = {mechanism.name: mechanism for mechanism in (PLAIN, LOGIN)}
