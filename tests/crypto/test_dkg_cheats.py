# SPDX-License-Identifier: Apache-2.0
"""Whatever one participant sends, nobody ends with a bad key, and all name it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.crypto.rounds import (
    Forgery,
    Table,
    changed,
    complaints_of,
    decoded,
    finished,
    held_of,
    reshared,
    resharing_of,
    run_of,
    saying,
)

from fedsafe_crypto.blame import Seen, findings
from fedsafe_crypto.dkg import announce
from fedsafe_crypto.dkg_messages import (
    Announcement,
    Complaint,
    Deal,
    Reason,
    Verdict,
    digest_of,
    transcript_of,
    write,
)
from fedsafe_crypto.errors import DkgAbortError, DkgError
from fedsafe_crypto.group import (
    multiply_base,
    random_scalar,
    scalar_from_int,
    scalar_invert,
    scalar_multiply,
    scalar_negate,
)
from fedsafe_crypto.joint import outcome
from fedsafe_crypto.seal import PUBLIC_KEY_BYTES
from fedsafe_crypto.shares import draw_polynomial, lagrange_at_zero

NEW = "a new key"
ANEW = "a key shared anew"
CHEAT = 3
ONE = scalar_from_int(1)

OLDER = finished(run_of(2, (1, 2, 3)))
OLD = reshared(OLDER, 2, (1, 2, 3))


def table_of(kind: str) -> Table:
    """One leaves, two stay (the cheat among them), two join, t becomes 3."""
    if kind == NEW:
        return Table(run_of(2, (1, 2, 3)))
    return Table(resharing_of(OLD, 3, (2, 3, 5, 7)), held_of(OLD))


def honest_of(table: Table) -> list[int]:
    return [index for index in table.run.participants if index != CHEAT]


def polynomial_of(table: Table) -> list[bytes]:
    """Draw what the cheat would have to deal."""
    secret = OLD[CHEAT].share.secret if table.run.source else None
    return draw_polynomial(table.run.threshold, secret=secret)


def check_named(table: Table, reason: Reason) -> None:
    found = table.found(honest_of(table))
    settled = {(each.about, each.reason) for each in found if not each.cites}
    assert settled == {(CHEAT, reason)}
    assert {each.guilty for each in found} == {CHEAT}


def check_nobody_opens_the_honest(table: Table) -> None:
    for index in honest_of(table):
        if index in table.third:
            for complaint in complaints_of(table.third[index]):
                assert complaint.about == CHEAT


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


BAD_ANNOUNCEMENTS: dict[str, tuple[dict[str, object], Reason]] = {
    "no keys": ({"keys": ()}, Reason.MALFORMED),
    "a short key": ({"keys": (b"x",)}, Reason.MALFORMED),
    "a token key unasked": ({"token_keys": (b"x",)}, Reason.MALFORMED),
    "another sender": ({"sender": 2}, Reason.OTHER_SENDER),
    "unusable keys": (
        {"keys": (b"\xff" * PUBLIC_KEY_BYTES,) * 2},
        Reason.UNUSABLE_KEY,
    ),
    "keys of low order": (
        {"keys": (bytes(PUBLIC_KEY_BYTES),) * 2},
        Reason.UNUSABLE_KEY,
    ),
}


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize("name", BAD_ANNOUNCEMENTS)
def test_a_bad_announcement_is_named_by_all(kind: str, name: str) -> None:
    changes, reason = BAD_ANNOUNCEMENTS[name]
    table = table_of(kind)

    def say(_: int, message: bytes) -> bytes:
        return changed(table.run, Announcement, message, **changes)

    table.tamper = saying(1, CHEAT, say)
    table.play()

    check_named(table, reason)


def test_a_newcomers_unusable_token_key_is_named_by_all() -> None:
    table = table_of(ANEW)

    def say(_: int, message: bytes) -> bytes:
        keys = decoded(Announcement, message).token_keys
        bad = (keys[0], bytes(PUBLIC_KEY_BYTES), keys[2])
        return changed(table.run, Announcement, message, token_keys=bad)

    table.tamper = saying(1, 5, say)
    table.play()

    honest = [index for index in table.run.participants if index != 5]
    [finding] = table.found(honest)
    assert (finding.by, finding.guilty) == (2, 5)
    assert finding.reason == Reason.UNUSABLE_KEY


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize("round_", [1, 2, 3])
@pytest.mark.parametrize(
    "junk", [b"", b"\xc1", b"\x91" * 100_000, b"\0" * 300_000], ids=range(4)
)
def test_junk_in_any_round_is_named_by_all(kind: str, round_: int, junk: bytes) -> None:
    table = table_of(kind)
    table.tamper = saying(round_, CHEAT, lambda _, __: table.run.digest() + junk)
    table.play()

    check_named(table, Reason.MALFORMED)


BAD_VERDICTS: dict[str, tuple[dict[str, object], Reason]] = {
    "nothing at all": ({"transcript": b""}, Reason.MALFORMED),
    "another sender": ({"sender": 2}, Reason.OTHER_SENDER),
    "of itself": ({"complaints": (3,)}, Reason.MALFORMED),
    "of a stranger": ({"complaints": (9,)}, Reason.MALFORMED),
    "of one twice": ({"complaints": (2, 2)}, Reason.MALFORMED),
}


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize("name", BAD_VERDICTS)
def test_a_malformed_verdict_is_named_by_all(kind: str, name: str) -> None:
    changes, reason = BAD_VERDICTS[name]
    table = table_of(kind)
    accused = changes.get("complaints", ())
    assert isinstance(accused, tuple)
    if accused:
        complaints = tuple(
            Complaint(round=2, about=each, reason=Reason.UNREADABLE, message=bytes(32))
            for each in accused
        )
        changes = {"transcript": b"", "complaints": complaints}

    def say(_: int, message: bytes) -> bytes:
        return changed(table.run, Verdict, message, **changes)

    table.tamper = saying(3, CHEAT, say)
    table.play()

    check_named(table, reason)


@pytest.mark.parametrize("kind", [NEW, ANEW])
def test_a_transcript_that_nobody_saw_is_named_by_all(kind: str) -> None:
    table = table_of(kind)

    def say(_: int, message: bytes) -> bytes:
        return changed(table.run, Verdict, message, transcript=b"\1" * 32)

    table.tamper = saying(3, CHEAT, say)
    table.play()

    [finding] = table.found(honest_of(table))
    assert (finding.guilty, finding.reason) == (CHEAT, Reason.OTHER_TRANSCRIPT)


def second_message(table: Table, round_: int) -> Callable[[], bytes]:
    """Play another self of the cheat, which says something else in that round."""
    held = table.held.get(CHEAT)
    if round_ == 1:
        return lambda: announce(table.run, CHEAT).message
    if round_ == 2:
        return lambda: (
            table.first[CHEAT].deal(table.views[CHEAT].announcements, held=held).message
        )
    verdict = Verdict(sender=CHEAT, transcript=b"\1" * 32, complaints=())
    return lambda: write(table.run, verdict)


@pytest.mark.parametrize("kind", [NEW, ANEW])
@pytest.mark.parametrize("round_", [1, 2, 3])
@pytest.mark.parametrize("victim", [1, 2])
def test_two_messages_in_one_round_are_named_by_all_and_nobody_else_is(
    kind: str, round_: int, victim: int
) -> None:
    table = table_of(kind)
    make = second_message(table, round_)
    made: list[bytes] = []

    def say(to: int, message: bytes) -> bytes:
        if to != victim:
            return message
        made.append(make())
        return made[0]

    table.tamper = saying(round_, CHEAT, say)
    table.play()

    views = [table.views[index] for index in honest_of(table)]

    found = findings(table.run, *views)
    assert {(each.guilty, each.reason) for each in found} == {
        (CHEAT, Reason.TWO_MESSAGES)
    }


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_changed_byte_ends_the_run_and_blames_nobody_else(
    data: st.DataObject,
) -> None:
    table = table_of(data.draw(st.sampled_from([NEW, ANEW])))
    round_ = data.draw(st.integers(min_value=1, max_value=3))
    victims = data.draw(st.sets(st.sampled_from(honest_of(table)), min_size=1))
    place = data.draw(st.integers(min_value=0, max_value=2**16))
    flip = data.draw(st.integers(min_value=1, max_value=255))

    def say(to: int, message: bytes) -> bytes:
        if to not in victims:
            return message
        at = place % len(message)
        return message[:at] + bytes((message[at] ^ flip,)) + message[at + 1 :]

    table.tamper = saying(round_, CHEAT, say)
    table.play()

    views = [table.views[index] for index in honest_of(table)]
    found = findings(table.run, *views)
    assert {each.guilty for each in found} <= {CHEAT}
    assert not victims & set(table.results)
    if round_ < 3:
        assert not set(honest_of(table)) & set(table.results)
    for victim in victims:
        with pytest.raises(DkgError):
            outcome(table.run, table.views[victim])


@pytest.mark.parametrize("kind", [NEW, ANEW])
def test_a_bad_deal_is_seen_even_if_no_recipient_complains(kind: str) -> None:
    table = table_of(kind).play()
    seen = table.views[2]
    deal = decoded(Deal, seen.deals[CHEAT])
    bad = replace(deal, possession=flipped(deal.possession))
    deals = {**seen.deals, CHEAT: write(table.run, bad)}
    silent = {
        index: write(
            table.run,
            Verdict(sender=index, transcript=_transcript(table, deals), complaints=()),
        )
        for index in table.run.indices
    }

    with pytest.raises(DkgAbortError) as caught:
        outcome(table.run, replace(seen, deals=deals, verdicts=silent))
    [finding] = caught.value.findings
    assert (finding.guilty, finding.reason) == (CHEAT, Reason.NO_POSSESSION)


def _transcript(table: Table, deals: Mapping[int, bytes]) -> bytes:

    announced = table.views[2].announcements
    cited = [digest_of(announced[index]) for index in table.run.indices]
    return transcript_of(table.run, cited, deals)


@pytest.mark.parametrize("kind", [NEW, ANEW])
def test_dealers_whose_commitments_cancel_out_block_nobody(kind: str) -> None:
    # What 1 and 3 deal adds up to nothing but for the constants: sums that begin
    # with their part must not meet the identity.
    table = table_of(kind)
    dealers = table.run.dealers
    one = lagrange_at_zero(dealers) if kind == ANEW else dict.fromkeys(dealers, ONE)
    ratio = scalar_negate(scalar_multiply(one[1], scalar_invert(one[3])))
    drawn = draw_polynomial(table.run.threshold)
    secrets = [OLD[i].share.secret if kind == ANEW else drawn[0] for i in (1, 3)]
    deals = {
        1: [secrets[0], *drawn[1:]],
        3: [secrets[1], *(scalar_multiply(ratio, each) for each in drawn[1:])],
    }
    sent: dict[int, bytes] = {}

    def tamper(round_: int, sender: int, to: int, message: bytes) -> bytes:
        del to
        if round_ != 2 or sender not in deals:
            return message
        if sender not in sent:
            forgery = Forgery(polynomial=deals[sender])
            sent[sender] = write(table.run, forgery.deal(table, sender))
        return sent[sender]

    table.tamper = tamper
    table.announce()
    table.deal()
    table.judge()

    everything = Seen(
        announcements=table.views[2].announcements,
        deals=table.views[2].deals,
        verdicts={
            index: write(table.run, agreeing(table, index))
            for index in table.run.indices
        },
    )
    for index in table.run.indices:
        if index not in deals:
            assert complaints_of(table.third[index]) == ()
    outcome(table.run, everything).pins.check()


def agreeing(table: Table, index: int) -> Verdict:
    transcript = _transcript(table, table.views[2].deals)
    return Verdict(sender=index, transcript=transcript, complaints=())
