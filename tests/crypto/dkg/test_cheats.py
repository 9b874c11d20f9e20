# SPDX-License-Identifier: Apache-2.0
"""Whatever one dealer deals, nobody ends with a bad key, and all name it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.crypto.dkg.cheats import (
    ANEW,
    CHEAT,
    NEW,
    OLD,
    OLDER,
    agreed_by_all,
    check_named,
    check_nobody_opens_the_honest,
    honest_of,
    polynomial_of,
    table_of,
)
from tests.crypto.dkg.rounds import (
    Forgery,
    Table,
    complaints_of,
    decoded,
    saying,
)

from fedsafe_crypto.dkg.joint import outcome
from fedsafe_crypto.dkg.messages import (
    Deal,
    Reason,
    write,
)
from fedsafe_crypto.oprf.shares import draw_polynomial, lagrange_at_zero
from fedsafe_crypto.primitives.ristretto import (
    multiply_base,
    random_scalar,
    scalar_from_int,
    scalar_invert,
    scalar_multiply,
    scalar_negate,
)

ONE = scalar_from_int(1)


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


BAD_DEALS: dict[str, tuple[Callable[[Deal], Deal], Reason]] = {
    "another second commitment": (
        lambda d: replace(d, commitments=(*d.commitments[:-1], d.commitments[0])),
        Reason.NO_POSSESSION,
    ),
    "a broken proof": (
        lambda d: replace(d, possession=flipped(d.possession)),
        Reason.NO_POSSESSION,
    ),
    "an empty proof": (
        lambda d: replace(d, possession=bytes(64)),
        Reason.NO_POSSESSION,
    ),
    "a short proof": (lambda d: replace(d, possession=b""), Reason.MALFORMED),
    "a higher degree": (
        lambda d: replace(d, commitments=(*d.commitments, d.commitments[0])),
        Reason.MALFORMED,
    ),
    "a lower degree": (
        lambda d: replace(d, commitments=d.commitments[:1]),
        Reason.MALFORMED,
    ),
    "a short commitment": (
        lambda d: replace(d, commitments=(*d.commitments[:-1], bytes(31))),
        Reason.MALFORMED,
    ),
    "a broken sub-share": (
        lambda d: replace(d, sealed=tuple(flipped(each) for each in d.sealed)),
        Reason.UNREADABLE,
    ),
    "a broken sub-share for one": (
        lambda d: replace(d, sealed=(*d.sealed[:-1], flipped(d.sealed[-1]))),
        Reason.UNREADABLE,
    ),
    "swapped sub-shares": (
        lambda d: replace(d, sealed=d.sealed[::-1]),
        Reason.UNREADABLE,
    ),
    "a missing sub-share": (
        lambda d: replace(d, sealed=d.sealed[1:]),
        Reason.MALFORMED,
    ),
    "a sub-share too many": (
        lambda d: replace(d, sealed=(*d.sealed, d.sealed[0])),
        Reason.MALFORMED,
    ),
    "an announcement too few": (
        lambda d: replace(d, announcements=d.announcements[1:]),
        Reason.MALFORMED,
    ),
    "another contribution": (
        lambda d: replace(d, contribution=bytes(32)),
        Reason.NO_POSSESSION,
    ),
    "another sender": (lambda d: replace(d, sender=2), Reason.OTHER_SENDER),
    "a stranger as sender": (lambda d: replace(d, sender=99), Reason.OTHER_SENDER),
}


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize("name", BAD_DEALS)
def test_a_bad_deal_is_named_by_all(kind: str, name: str) -> None:
    cheat, reason = BAD_DEALS[name]
    table = table_of(kind)

    def say(_: int, message: bytes) -> bytes:
        return write(table.run, cheat(decoded(Deal, message)))

    table.tamper = saying(2, CHEAT, say)
    table.play()

    check_named(table, reason)
    check_nobody_opens_the_honest(table)


BAD_TOKENS: dict[str, tuple[Callable[[Deal], Deal], Reason]] = {
    "broken for one": (
        lambda d: replace(d, tokens=(d.tokens[0], flipped(d.tokens[1]))),
        Reason.UNREADABLE_TOKEN_KEY,
    ),
    "swapped": (
        lambda d: replace(d, tokens=d.tokens[::-1]),
        Reason.UNREADABLE_TOKEN_KEY,
    ),
    "missing": (lambda d: replace(d, tokens=d.tokens[:1]), Reason.MALFORMED),
    "too many": (
        lambda d: replace(d, tokens=(*d.tokens, d.tokens[0])),
        Reason.MALFORMED,
    ),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_key_is_named_by_all(name: str) -> None:
    cheat, reason = BAD_TOKENS[name]
    table = table_of(ANEW)

    def say(_: int, message: bytes) -> bytes:
        return write(table.run, cheat(decoded(Deal, message)))

    table.tamper = saying(2, CHEAT, say)
    table.play()

    check_named(table, reason)
    check_nobody_opens_the_honest(table)


Forge = Callable[[list[bytes]], Forgery]
FORGERIES: dict[str, tuple[Forge, Reason]] = {
    "sub-shares off the polynomial": (
        lambda p: Forgery(polynomial=p, shares=dict.fromkeys(range(9), p[1])),
        Reason.WRONG_SHARE,
    ),
    "one victim's sub-share off the polynomial": (
        lambda p: Forgery(polynomial=p, shares={2: random_scalar()}),
        Reason.WRONG_SHARE,
    ),
    "zero for one victim": (
        lambda p: Forgery(polynomial=p, shares={2: bytes(32)}),
        Reason.WRONG_SHARE,
    ),
    "an unreduced sub-share": (
        lambda p: Forgery(polynomial=p, shares={2: b"\xff" * 32}),
        Reason.WRONG_SHARE,
    ),
    "two contributions": (
        lambda p: Forgery(polynomial=p, contributions={2: b"\1" * 32}),
        Reason.WRONG_CONTRIBUTION,
    ),
    "the identity as a coefficient": (
        lambda p: Forgery(polynomial=p, commitments=[*_honest(p)[:-1], bytes(32)]),
        Reason.WRONG_SHARE,
    ),
    "junk as a coefficient": (
        lambda p: Forgery(polynomial=p, commitments=[*_honest(p)[:-1], b"\xff" * 32]),
        Reason.WRONG_SHARE,
    ),
}


def _honest(polynomial: list[bytes]) -> list[bytes]:

    return [multiply_base(each) for each in polynomial]


def forge(table: Table, forgery: Forgery) -> Table:
    """Play, the cheat sending one forged deal to all."""
    sent: list[bytes] = []

    def say(_: int, message: bytes) -> bytes:
        del message
        if not sent:
            sent.append(write(table.run, forgery.deal(table, CHEAT)))
        return sent[0]

    table.tamper = saying(2, CHEAT, say)
    return table.play()


@pytest.mark.parametrize("kind", [NEW, ANEW])
def test_an_honest_forger_is_believed(kind: str) -> None:
    table = table_of(kind)
    forge(table, Forgery(polynomial=polynomial_of(table)))

    for index in honest_of(table):
        if index in table.third:
            assert complaints_of(table.third[index]) == ()


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_deal_is_named_by_all(kind: str, name: str) -> None:
    make, reason = FORGERIES[name]
    table = table_of(kind)
    forge(table, make(polynomial_of(table)))

    check_named(table, reason)
    check_nobody_opens_the_honest(table)


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize(
    "constant", [bytes(32), b"\xff" * 32], ids=["identity", "junk"]
)
def test_no_element_as_the_constant_is_named_by_all(kind: str, constant: bytes) -> None:
    table = table_of(kind)
    polynomial = polynomial_of(table)
    commitments = [constant, *_honest(polynomial)[1:]]
    forge(table, Forgery(polynomial=polynomial, commitments=commitments))

    anew = kind == ANEW
    check_named(table, Reason.WRONG_CONSTANT if anew else Reason.NO_POSSESSION)


@pytest.mark.parametrize(
    "secret", [None, OLDER[CHEAT].share.secret], ids=["any", "of an older generation"]
)
def test_another_constant_than_the_pinned_share_is_named_by_all(
    secret: bytes | None,
) -> None:
    table = table_of(ANEW)
    forge(table, Forgery(polynomial=draw_polynomial(3, secret=secret)))

    check_named(table, Reason.WRONG_CONSTANT)


def test_another_token_key_is_named_by_all() -> None:
    table = table_of(ANEW)
    polynomial = polynomial_of(table)
    forge(table, Forgery(polynomial=polynomial, token_key=b"\5" * 32))

    check_named(table, Reason.WRONG_TOKEN_KEY)


@pytest.mark.parametrize("kind", [NEW, ANEW])
def test_a_deal_for_announcements_that_nobody_made_is_named_by_all(kind: str) -> None:
    table = table_of(kind)
    count = len(table.run.roster)
    made_up = [bytes((number,)) * 32 for number in range(count)]
    polynomial = polynomial_of(table)
    forge(table, Forgery(polynomial=polynomial, announcements=made_up))

    found = table.found(honest_of(table))
    assert {each.guilty for each in found} == {CHEAT}
    complained = [each for each in found if each.by]
    assert {each.reason for each in complained} == {Reason.OTHER_ANNOUNCEMENTS}
    assert {each.cites for each in complained} == {made_up[0]}


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize(("one", "two", "honest"), [(1, 2, 3), (2, 3, 1), (1, 3, 2)])
def test_dealers_whose_commitments_cancel_out_block_nobody(
    kind: str, one: int, two: int, honest: int
) -> None:
    # But for the constants, what two of the dealers deal adds up to nothing: a sum
    # that begins with them must not stop at the identity.
    table = table_of(kind)
    dealers = table.run.dealers
    weights = lagrange_at_zero(dealers) if kind == ANEW else dict.fromkeys(dealers, ONE)
    ratio = scalar_multiply(weights[one], scalar_invert(weights[two]))
    drawn = draw_polynomial(table.run.threshold)
    against = [scalar_multiply(scalar_negate(ratio), each) for each in drawn[1:]]
    first, second = (OLD[each].share.secret for each in (one, two))
    polynomials = {one: [first, *drawn[1:]], two: [second, *against]}
    sent: dict[int, bytes] = {}

    def tamper(round_: int, sender: int, to: int, message: bytes) -> bytes:
        del to
        if round_ != 2 or sender not in polynomials:
            return message
        if sender not in sent:
            forgery = Forgery(polynomial=polynomials[sender])
            sent[sender] = write(table.run, forgery.deal(table, sender))
        return sent[sender]

    table.tamper = tamper
    table.announce()
    table.deal()
    table.judge()
    seen = table.views[honest]

    for index in table.run.indices:
        if index not in polynomials:
            assert complaints_of(table.third[index]) == ()
    verdicts = agreed_by_all(table, seen.deals)
    outcome(table.run, replace(seen, verdicts=verdicts)).pins.check()
