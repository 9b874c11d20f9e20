# SPDX-License-Identifier: Apache-2.0
"""Whatever one participant says, nobody ends with a bad key, and all name it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.crypto.dkg.cheats import (
    ANEW,
    CHEAT,
    NEW,
    agreed_by_all,
    check_named,
    honest_of,
    table_of,
)
from tests.crypto.dkg.rounds import (
    Forgery,
    Table,
    changed,
    decoded,
    run_of,
    saying,
)

from fedsafe_crypto.dkg.blame import Seen, findings
from fedsafe_crypto.dkg.ceremony import announce
from fedsafe_crypto.dkg.joint import joint_share, outcome
from fedsafe_crypto.dkg.messages import (
    Announcement,
    Complaint,
    Deal,
    Reason,
    Verdict,
    write,
)
from fedsafe_crypto.errors import DkgAbortError, DkgError
from fedsafe_crypto.oprf.shares import draw_polynomial
from fedsafe_crypto.primitives.ristretto import random_scalar, scalar_negate
from fedsafe_crypto.seal.hpke import PUBLIC_KEY_BYTES


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


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
    if round_ == 1 or (round_ == 2 and victims & set(table.run.indices)):
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
    silent = agreed_by_all(table, deals)

    with pytest.raises(DkgAbortError) as caught:
        outcome(table.run, replace(seen, deals=deals, verdicts=silent))
    [finding] = caught.value.findings
    assert (finding.guilty, finding.reason) == (CHEAT, Reason.NO_POSSESSION)


def test_dealers_who_all_collude_make_no_key_rather_than_a_weak_one() -> None:
    table = Table(run_of(2, (1, 2)))
    table.announce()
    first, second = draw_polynomial(2), draw_polynomial(2)
    second[1] = scalar_negate(first[1])
    deals = {
        1: write(table.run, Forgery(polynomial=first).deal(table, 1)),
        2: write(table.run, Forgery(polynomial=second).deal(table, 2)),
    }
    seen = Seen(
        announcements=table.views[1].announcements,
        deals=deals,
        verdicts=agreed_by_all(table, deals),
    )

    with pytest.raises(DkgError, match="cancel out"):
        outcome(table.run, seen)


def test_a_share_that_comes_to_nothing_is_no_share() -> None:
    table = Table(run_of(1, (1, 2)))
    sub_share = random_scalar()

    with pytest.raises(DkgError, match="cancel out"):
        joint_share(table.run, 1, {1: sub_share, 2: scalar_negate(sub_share)})
