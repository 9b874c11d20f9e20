# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence

import msgspec
import pytest
from tests.support.members import NAMES, key_of, world

from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import cosign
from fedsafe_federation.charter.charter import (
    Charter,
    MemberState,
    WitnessQuorum,
    check_charter,
)
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.addition_gate import WitnessGate
from fedsafe_federation.feed.witness_policy import parse_policy
from fedsafe_federation.feed.witnessing import witness_of

ORIGIN, *OTHERS = NAMES
TEXT = Checkpoint(f"{ORIGIN}/feed", 7, bytes(32)).encode()


def charter_of(count: int, quorum: WitnessQuorum) -> Charter:
    charter = world(count, min(count, 2)).charter
    return msgspec.structs.replace(charter, witness_quorum=quorum)


def line(name: str, *, by: str = "witness", text: str = TEXT) -> str:
    return cosign(text, f"{name}/witness", key_of(name, by), at=1)


def note(*names: str) -> str:
    checkpoint = Checkpoint(f"{ORIGIN}/feed", 7, bytes(32))
    signed = sign_checkpoint(checkpoint, key_of(ORIGIN, "feed")).decode()
    return signed + "".join(map(line, names))


def admits(charter: Charter, shown: str, own: str | None = None) -> bool:
    policy = parse_policy(own.encode()) if own is not None else None
    return WitnessGate(charter, policy).admits(charter.member(ORIGIN), shown)


@pytest.mark.parametrize(
    ("count", "quorum", "needed"),
    [
        (1, "majority", 0),
        (2, "majority", 1),
        (3, "majority", 1),
        (4, "majority", 2),
        (5, "majority", 2),
        (5, "none", 0),
        (3, 2, 2),
        (5, 4, 4),
    ],
)
def test_so_many_others_must_have_cosigned(
    count: int, quorum: WitnessQuorum, needed: int
) -> None:
    charter = charter_of(count, quorum)
    others = OTHERS[: count - 1]
    enough = [admits(charter, note(*others[:by])) for by in range(count)]

    assert charter.witnesses_needed == needed
    assert enough == [by >= needed for by in range(count)]


def test_who_is_suspended_is_no_witness_and_is_not_waited_for() -> None:
    charter = charter_of(3, 2)
    members = [
        msgspec.structs.replace(each, state=MemberState.SUSPENDED)
        if each.name == OTHERS[1]
        else each
        for each in charter.members
    ]
    left = msgspec.structs.replace(charter, members=members)

    assert not admits(charter, note(OTHERS[0]))
    assert admits(left, note(OTHERS[0]))
    assert not admits(left, note(OTHERS[1]))


def wrong(shown: str) -> Sequence[str]:
    other = line(OTHERS[0], text=TEXT.replace("\n7\n", "\n8\n"))
    return [
        shown + line(ORIGIN),
        shown + line("z.example"),
        shown + line(OTHERS[0], by="statement"),
        shown + other,
        shown + line(OTHERS[0]) + other,
        shown + line(OTHERS[0])[:-1],
    ]


def test_nothing_else_counts_as_a_cosignature() -> None:
    charter = charter_of(3, "majority")

    assert admits(charter, note(OTHERS[0]))
    assert [admits(charter, shown) for shown in wrong(note())] == [False] * 6


def test_one_witness_counts_once() -> None:
    assert not admits(charter_of(5, "majority"), note(OTHERS[0], OTHERS[0]))


def test_a_nodes_own_policy_wants_more_and_never_less() -> None:
    charter = charter_of(3, "majority")
    keys = [witness_of(charter.member(name)).encode() for name in NAMES[:3]]
    lines = "".join(
        f"witness {name} {key}\n" for name, key in zip("abc", keys, strict=True)
    )
    both = f"{lines}group both all b c\nquorum both\n"
    two = f"{lines}group two 2 a b c\nquorum two\n"

    assert not admits(charter, note(OTHERS[0]), both)
    assert admits(charter, note(OTHERS[0], OTHERS[1]), both)
    assert admits(charter, note(OTHERS[0]), two)  # the origin has signed itself
    assert not admits(charter, note(), "quorum none\n")


def test_a_charter_cannot_want_more_witnesses_than_there_are() -> None:
    check_charter(charter_of(3, 2))
    with pytest.raises(MalformedError, match="more witnesses"):
        check_charter(charter_of(3, 3))
