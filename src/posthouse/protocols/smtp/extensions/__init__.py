"""The SMTP service extensions, one file each, in the order of the EHLO reply."""

from .auth import AUTH
from .eightbitmime import EIGHTBITMIME
from .enhancedstatuscodes import ENHANCEDSTATUSCODES
from .expn import EXPN
from .help import HELP
from .pipelining import PIPELINING
from .size import SIZE
from .starttls import STARTTLS

EXTENSIONS = (PIPELINING, SIZE, EIGHTBITMIME, ENHANCEDSTATUSCODES, STARTTLS, AUTH, EXPN, HELP)
