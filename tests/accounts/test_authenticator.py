"""Who logs in: the right ones, fast; nobody else, ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from posthouse.accounts.accounts import add_account, set_password
from posthouse.accounts.authenticator import Authenticator, Settings
from posthouse.accounts.credentials import Hasher, Parameters, UnfitPassword, prepare
from posthouse.accounts.presence import Login
from posthouse.protocols.sasl.mechanism import Denial, Denied, Password
from posthouse.runtime.clock import SetClock
from posthouse.store.direct import DirectStore

from .conftest import CHEAP, HASHER

T = TypeVar("T")
ANN = "ann@example.org"
BOB = "bob@example.org"


@pytest.fixture
def accounts(store: DirectStore) -> dict[str, int]:
    hashes = {ANN: HASHER.hash("one"), BOB: HASHER.hash("two")}
    return {name: store.write(add_account(name, hashes[name], 0)) for name in hashes}


class Counting(Hasher):
    """Counts what is really compared."""

    compared = 0

    def verify(self, stored: str, password: bytes) -> bool:
        self.compared += 1
        return super().verify(stored, password)


def authenticator(
    store: DirectStore, clock: SetClock | None = None, **changes: Any
) -> tuple[Authenticator, Counting]:
    settings = Settings(**{"parameters": CHEAP, **changes})
    made = Authenticator(store, settings, (clock or SetClock()).monotonic)
    counting = made._hasher = Counting(CHEAP)
    return made, counting


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_the_right_password_and_no_other(store: DirectStore, accounts: dict[str, int]) -> None:
    who, _ = authenticator(store)

    async def work() -> None:
        assert await who.check(Password(ANN, "one")) == Login(accounts[ANN], ANN)
        assert await who.check(Password("ANN@Example.org", "one")) == Login(accounts[ANN], ANN)
        wrong = ["two", "", "One", "one ", "one\0", "\0", "o" * 5000, "one\n"]
        for password in wrong:
            assert await who.check(Password(ANN, password)) == Denied()
        for name in ["", "x", "nobody@example.org", "ann@example.net", "\0", "a" * 10_000]:
            assert await who.check(Password(name, "one")) == Denied()

    run(work())


def test_attack_25_a_remembered_log_in_opens_no_other_account(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    who, counting = authenticator(store)

    async def work() -> None:
        for _ in range(3):
            assert isinstance(await who.check(Password(ANN, "one")), Login)
        assert counting.compared == 1
        assert await who.check(Password(BOB, "one")) == Denied()
        assert await who.check(Password(ANN, "two")) == Denied()
        assert isinstance(await who.check(Password(BOB, "two")), Login)

    run(work())


def test_attack_25_equal_hashes_open_no_other_account(store: DirectStore) -> None:
    """An import gives many accounts one hash; a changed one must not be opened by another's."""
    stored = HASHER.hash("same")
    for name in (ANN, BOB):
        store.write(add_account(name, stored, 0))
    who, _ = authenticator(store)

    async def work() -> None:
        assert isinstance(await who.check(Password(ANN, "same")), Login)
        store.write(set_password(BOB, HASHER.hash("other")))
        assert await who.check(Password(BOB, "same")) == Denied()

    run(work())


def test_a_changed_password_is_changed_at_once(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    who, _ = authenticator(store)

    async def work() -> None:
        assert isinstance(await who.check(Password(ANN, "one")), Login)
        store.write(set_password(ANN, HASHER.hash("new")))
        assert await who.check(Password(ANN, "one")) == Denied()
        assert isinstance(await who.check(Password(ANN, "new")), Login)

    run(work())


def test_what_is_remembered_ends(store: DirectStore, accounts: dict[str, int]) -> None:
    clock = SetClock()
    who, counting = authenticator(store, clock, remember=60.0, remembered=1)

    async def work() -> None:
        await who.check(Password(ANN, "one"))
        clock.move(61)
        await who.check(Password(ANN, "one"))
        assert counting.compared == 2
        await who.check(Password(BOB, "two"))  # which takes the only place
        await who.check(Password(ANN, "one"))
        assert counting.compared == 4

    run(work())


def test_wrong_passwords_are_not_remembered(store: DirectStore, accounts: dict[str, int]) -> None:
    who, counting = authenticator(store)

    async def work() -> None:
        for _ in range(3):
            await who.check(Password(ANN, "wrong"))
        assert counting.compared == 3
        assert not who._good

    run(work())


def test_attack_11_an_unknown_name_costs_the_same(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    who, counting = authenticator(store)

    async def work() -> None:
        await who.check(Password("nobody@example.org", "one"))
        assert counting.compared == 1
        await who.check(Password("no address", "one"))
        assert counting.compared == 2

    run(work())


def test_nobody_acts_as_another(store: DirectStore, accounts: dict[str, int]) -> None:
    who, _ = authenticator(store)

    async def work() -> None:
        assert isinstance(await who.check(Password(ANN, "one", "Ann@example.org")), Login)
        as_bob = await who.check(Password(ANN, "one", BOB))
        assert as_bob == Denied(Denial.AUTHORIZATION)
        assert await who.check(Password(ANN, "wrong", BOB)) == Denied()

    run(work())


def test_many_at_once_are_one_question(store: DirectStore, accounts: dict[str, int]) -> None:
    who, counting = authenticator(store)

    async def work() -> None:
        answers = await asyncio.gather(*(who.check(Password(ANN, "one")) for _ in range(50)))
        assert all(isinstance(answer, Login) for answer in answers)
        assert counting.compared == 1

    run(work())


def test_attack_29_a_flood_is_put_off_and_harms_nobody(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    who, _ = authenticator(store, checks=1, waiting=3)

    async def work() -> None:
        wrong = (who.check(Password(ANN, f"wrong {n}")) for n in range(20))
        answers = await asyncio.gather(*wrong)
        assert Denied(Denial.UNAVAILABLE) in answers
        assert not any(isinstance(answer, Login) for answer in answers)
        assert isinstance(await who.check(Password(ANN, "one")), Login)

    run(work())


def test_a_peer_that_goes_does_not_take_the_others_along(
    store: DirectStore, accounts: dict[str, int]
) -> None:
    who, _ = authenticator(store)

    async def work() -> None:
        first = asyncio.create_task(who.check(Password(ANN, "one")))
        second = asyncio.create_task(who.check(Password(ANN, "one")))
        await asyncio.sleep(0)
        first.cancel()
        assert isinstance(await second, Login)

    run(work())


def test_passwords_are_compared_in_one_form() -> None:
    assert prepare("jo\u0308rg") == prepare("jörg")  # NFC (RFC 8265 §4.2.2)
    assert prepare("a\u00a0b") == b"a b"
    assert prepare("") is None
    assert prepare("a\x07") is None
    with pytest.raises(UnfitPassword):
        HASHER.hash("")


def test_what_cannot_be_hashed_is_refused_in_words() -> None:
    with pytest.raises(UnfitPassword, match=r"see passwords\.memory"):
        Hasher(Parameters(memory=8, passes=1, lanes=4)).hash("secret")


def test_a_broken_hash_opens_nothing() -> None:
    for stored in ["", "x", "$argon2id$", "!", "\0"]:
        assert not HASHER.verify(stored, b"x")
