"""SASL (RFC 4422): one file per mechanism, known to no protocol and knowing none."""

from collections.abc import Mapping, Sequence

from .anonymous import ANONYMOUS
from .cram_md5 import CRAM_MD5
from .external import EXTERNAL
from .login import LOGIN
from .mechanism import Mechanism
from .oauthbearer import OAUTHBEARER
from .plain import PLAIN
from .scram_sha_1 import SCRAM_SHA_1
from .scram_sha_1_plus import SCRAM_SHA_1_PLUS
from .scram_sha_256 import SCRAM_SHA_256
from .scram_sha_256_plus import SCRAM_SHA_256_PLUS
from .xoauth2 import XOAUTH2

#: In the order in which they are offered.
MECHANISMS: Mapping[str, Mechanism] = {
    mechanism.name: mechanism
    for mechanism in (
        SCRAM_SHA_256_PLUS,
        SCRAM_SHA_256,
        SCRAM_SHA_1_PLUS,
        SCRAM_SHA_1,
        CRAM_MD5,
        PLAIN,
        LOGIN,
        EXTERNAL,
        OAUTHBEARER,
        XOAUTH2,
        ANONYMOUS,
    )
}

#: Those that need no more than a password, and nothing kept but its hash.
BY_PASSWORD: Mapping[str, Mechanism] = {each.name: each for each in (PLAIN, LOGIN)}

#: What a client of ours uses, the first that a server offers. CRAM-MD5 comes last: its server has
#: to keep the password itself, and what is heard of it can be tried by whoever listens.
BY_CLIENTS: Sequence[Mechanism] = (SCRAM_SHA_256, SCRAM_SHA_1, PLAIN, LOGIN, CRAM_MD5)
