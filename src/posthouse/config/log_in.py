"""Settings for how people and programs say who they are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from ..protocols.sasl import MECHANISMS
from .part import MINUTES, Part, about, count, file, seconds


class Passwords(Part, frozen=True):
    """How passwords are hashed (Argon2id, RFC 9106)."""

    memory: Annotated[int, Meta(description="Memory of one hash.", ge=8, extra={"unit": "KiB"})] = (
        64 * 1024
    )
    passes: Annotated[int, count("Passes over the memory.")] = 3
    lanes: Annotated[int, count("Lanes of a hash.")] = 1
    remember: Annotated[
        float, seconds("How long a good log-in is remembered, so that it is not hashed again.")
    ] = 10 * MINUTES
    scram_iterations: Annotated[
        int,
        count(
            "Iterations of new keys for SCRAM, which every client has to make; many clients"
            " (those with Cyrus SASL) refuse more than 65,536.",
            10_000,
        ),
    ] = 50_000


class LogIn(Part, frozen=True):
    """How people and their programs may say who they are (SASL, RFC 4422)."""

    mechanisms: Annotated[
        list[str],
        about(
            "Those offered, where the accounts and the connection have what they need. The -PLUS"
            " ones are not among the defaults: clients with GNU SASL choose them, and cannot."
        ),
    ] = field(default_factory=lambda: [each for each in MECHANISMS if not each.endswith("-PLUS")])
    anonymous: Annotated[
        str,
        about("The account that anybody may read by IMAP and POP3 with ANONYMOUS; empty: none."),
    ] = ""


class Tokens(Part, frozen=True):
    """The authorization server whose tokens let one in by OAUTHBEARER and XOAUTH2."""

    issuer: Annotated[str, about("What tokens must say in `iss`; empty: none are taken.")] = ""
    audience: Annotated[str, about("What tokens must have among their `aud`.")] = ""
    keys: Annotated[
        str, file("File with the issuer's keys (JWK set, RFC 7517), in the data directory.")
    ] = ""
    claim: Annotated[str, about("The claim that has the account's address.")] = "email"
    algorithms: Annotated[
        list[str], about("Algorithms of signatures: RS256, PS256, ES256, EdDSA.")
    ] = field(default_factory=lambda: ["RS256", "ES256", "EdDSA"])
