# SPDX-License-Identifier: Apache-2.0
"""Of what an index points to: what counts, is suppressed, or is passed over.

Passed over is what may not match now; suppressed, and counted, is what does not open,
is not what was asked for, or is refused by policy.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Any, Final

import msgspec
import pytest
from tests.node.signals.conftest import (
    Node,
    federation,
    lists,
    make_node,
    node,
)
from tests.support.origin import WHO

from fedsafe_crypto.seal.envelope import seal_envelope, seal_media
from fedsafe_federation.charter.attestation import Attestations
from fedsafe_federation.evaluation.metering import PUBLISHING
from fedsafe_federation.feed.signals import (
    SIGNAL_GROUP,
    ActorBody,
    MediaBody,
    SignalHeader,
    encode_opening,
)
from fedsafe_federation.media.pdq import THRESHOLD
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.keys.evaluators import Output
from fedsafe_node.keys.lookup_items import File, Person
from fedsafe_node.lookup.matching import Candidate, Found, match_candidates
from fedsafe_node.rules.canonical_question import read_question
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.creation import signal_row
from fedsafe_node.store.rows import Opening, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.do_not_share import load_lists, shipped_lists
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Provenance,
    Scope,
    Surface,
)

__all__ = ["federation", "lists", "make_node", "node"]

OTHER: Final = "b.demo"
PERSON: Final = read_question(Question(kind=Kind.EMAIL, value=WHO), pointer="")
FILE: Final = File(MediaKind.SHA256, b"\xab" * 32)
PICTURE: Final = File(MediaKind.PDQ, b"\xa5" * 32)
WORDS: Final[dict[str, Any]] = {
    "surface": Surface.PUBLIC_CONTENT,
    "provenance": Provenance.OWN_FINDING,
    "rule": "rule-7",
    "published_on": "2026-11-24",
    "contact": "safety@b.demo",
}


def header(node: Node, **changes: Any) -> SignalHeader:  # noqa: ANN401
    now = node.desk.clock.now()
    return SignalHeader(
        **{
            "v": 1,
            "plane": Plane.ACTOR,
            "epoch": 1,
            "generation": 1,
            "scope": Scope.FEDERATION,
            "match_until": int((now + timedelta(days=100)).timestamp()),
            "erase_after": int((now + timedelta(days=107)).timestamp()),
            **changes,
        }
    )


async def plant(
    node: Node, origin: str, head: SignalHeader, sealed: bytes, signal: bytes
) -> int:
    """Keep a signal whatever it says; return its row."""
    token = bytes(16) if head.plane is Plane.ACTOR else None
    payload = encode_opening(head, sealed=sealed, token=token)

    async def act(tx: Transaction) -> int:
        opening = Opening(SIGNAL_GROUP, bytes(32), payload)
        index = await tx.append(f"{OTHER}/feed", b"record", [opening])
        row = signal_row(
            head,
            signal_id=signal,
            origin=origin,
            token=token_bytes(16),
            media_kind=None,
            place=(f"{OTHER}/feed", index),
        )
        return await tx.add_signal(row)

    return await node.store.write(act)


async def output_of(node: Node) -> Output:
    assert isinstance(PERSON, Person)
    assert node.desk.situation.shared is not None
    shared = node.desk.situation.shared
    (output,) = await shared.newest([PERSON], PUBLISHING, within=10)
    return output


async def person_of(
    node: Node,
    origin: str = OTHER,
    *,
    said: dict[str, Any] | None = None,
    **head: Any,  # noqa: ANN401
) -> Candidate:
    """Plant somebody whom a member, or the node itself, has banned."""
    situation, signal = node.desk.situation, token_bytes(16)
    output = await output_of(node)
    if origin != OTHER:
        assert isinstance(PERSON, Person)
        output, head = situation.own.output(PERSON), {"scope": Scope.SELF, **head}
    words = {**WORDS, "removed_on": "2026-11-20", **(said or {})}
    body = ActorBody(
        kind=IdentifierKind.EMAIL,
        phenomenon=Phenomenon.GROOMING,
        grade=Grade.CONFIRMED_CONDUCT,
        **words,
    )
    heading = header(node, **head)
    sealed = seal_envelope(
        output.y,
        epoch=output.epoch,
        origin=origin,
        signal_id=signal,
        header=encode(heading),
        body=encode(body),
    )
    row = await plant(node, origin, heading, sealed, signal)
    return Candidate(0, row, body.kind, origin, output=output)


async def file_of(node: Node, file: File = FILE) -> Candidate:
    """Plant a file that a member has published."""
    signal, heading = token_bytes(16), header(node, plane=Plane.MEDIA)
    said = MediaBody(
        kind=file.kind,
        digest=file.digest,
        phenomenon=Phenomenon.ABUSE_DEPICTION,
        grade=Grade.CONFIRMED_MEDIA,
        **WORDS,
    )
    sealed = seal_media(
        node.federation.media.group,
        federation_id=node.federation.charter.federation,
        origin=OTHER,
        signal_id=signal,
        epoch=1,
        generation=1,
        body=encode(said),
    )
    row = await plant(node, OTHER, heading, sealed, signal)
    return Candidate(0, row, file.kind, None, file=file)


async def find(node: Node, *candidates: Candidate, at: datetime | None = None) -> Found:
    situation, now = node.desk.situation, at or node.desk.clock.now()
    return await node.store.scan(
        lambda reader: match_candidates(reader, candidates, situation, now)
    )


def counts(found: Found) -> tuple[int, int, int]:
    return len(found.matches), found.suppressed, found.harmless


@pytest.fixture
def situation(node: Node) -> Situation:
    """Let all be heard of and attested, as it is while nothing is wrong."""
    node.desk.situation.coverage.saw(OTHER, node.desk.clock.now())
    node.federation.attest(node.desk.situation, OTHER)
    return node.desk.situation


def never_heard(situation: Situation) -> None:
    situation.coverage.saw(OTHER, datetime(2026, 1, 1, tzinfo=UTC))


def set_aside(situation: Situation) -> None:
    situation.coverage.set_aside[OTHER] = 0


def suspend(situation: Situation) -> None:
    situation.coverage.suspended.add(OTHER)


def rest(situation: Situation) -> None:
    situation.rests = Phrase("a test says so")


def keep_no_list(situation: Situation) -> None:
    assert situation.shared is not None
    membership = situation.shared.membership
    members = [msgspec.structs.replace(m, roles=[]) for m in membership.charter.members]
    charter = msgspec.structs.replace(membership.charter, members=members)
    version = replace(membership.version, charter=charter)
    situation.shared.membership = replace(membership, version=version)


def shut_gate(situation: Situation) -> None:
    situation.attestations = Attestations()


@pytest.mark.parametrize(
    "spoil", [never_heard, set_aside, suspend, rest, keep_no_list, shut_gate]
)
async def test_one_reason_is_enough_to_pass_a_member_over(
    node: Node, situation: Situation, spoil: Callable[[Situation], None]
) -> None:
    somebody, file = await person_of(node), await file_of(node)
    assert counts(await find(node, somebody, file)) == (2, 0, 0)
    spoil(situation)

    assert counts(await find(node, somebody)) == (0, 0, 0)
    # A gate is about persons alone.
    files = int(spoil is shut_gate)
    assert counts(await find(node, file)) == (files, 0, 0)


async def test_an_own_ban_needs_nobody_and_ends_at_its_second(node: Node) -> None:
    own = await person_of(node, node.desk.situation.own.name)
    until = node.desk.clock.now() + timedelta(days=100)

    found = await find(node, own, at=until - timedelta(seconds=1))
    said = [(m.origin, m.own, m.kind, m.removed_on) for m in found.matches]
    assert said == [("a.demo", True, Kind.EMAIL, "2026-11-20")]
    assert counts(await find(node, own, at=until)) == (0, 0, 0)


async def test_what_is_passed_over_keeps_nothing_else_back(
    node: Node, situation: Situation
) -> None:
    lost, late, good = [await person_of(node) for _ in range(3)]
    rows = await node.store.scan(lambda r: r.signals_at([lost.row, late.row]))
    await node.store.write(
        lambda tx: tx.erase_opening(rows[0].log, rows[0].index, rows[0].group, at=1)
    )
    gone, copied = replace(good, row=99), replace(late, origin="c.demo")
    del situation

    assert counts(await find(node, gone, copied, lost, good)) == (1, 0, 0)


async def test_what_is_disputed_is_suppressed_and_what_is_revoked_passed_over(
    node: Node, situation: Situation
) -> None:
    somebody, file = await person_of(node), await file_of(node)
    del situation
    rows = await node.store.scan(lambda r: r.signals_at([somebody.row, file.row]))
    for row, status in zip(rows, ("disputed", "revoked"), strict=True):
        await node.store.write(
            lambda tx, row=row, status=status: tx.set_signal_status(  # type: ignore[misc]
                row.origin, row.signal_id, SignalStatus(status)
            )
        )

    assert counts(await find(node, somebody)) == (0, 1, 0)
    assert counts(await find(node, file)) == (0, 0, 0)


async def test_a_picture_matches_up_to_the_threshold(
    node: Node, situation: Situation
) -> None:
    picture = await file_of(node, PICTURE)
    del situation
    for bits, matches in ((THRESHOLD, 1), (THRESHOLD + 1, 0)):
        near = int.from_bytes(PICTURE.digest) ^ ((1 << bits) - 1)
        asked = replace(picture, file=File(MediaKind.PDQ, near.to_bytes(32)))
        assert len((await find(node, asked)).matches) == matches


async def test_a_copied_token_is_no_match(node: Node, situation: Situation) -> None:
    del situation
    own = await person_of(node, node.desk.situation.own.name)
    for copied in (replace(await person_of(node), origin="c.demo"), own):
        elsewhere = replace(copied, origin="c.demo")
        assert counts(await find(node, elsewhere)) == (0, 0, 0)


@pytest.mark.parametrize("day", ["2026-02-31", "2027-01-01"])
async def test_a_day_that_is_none_or_is_to_come_is_suppressed(
    node: Node, situation: Situation, day: str
) -> None:
    somebody = await person_of(node, said={"removed_on": day})
    del situation

    assert counts(await find(node, somebody)) == (0, 1, 0)


@pytest.mark.parametrize("said", [{"epoch": 2}, {"plane": Plane.MEDIA}])
async def test_a_header_that_contradicts_its_envelope_is_suppressed(
    node: Node, said: dict[str, Any]
) -> None:
    own = await person_of(node, node.desk.situation.own.name, **said)

    assert counts(await find(node, own)) == (0, 1, 0)


async def test_what_is_not_what_was_asked_for_is_suppressed(
    node: Node, situation: Situation
) -> None:
    somebody, file, picture = (
        await person_of(node),
        await file_of(node),
        await file_of(node, PICTURE),
    )
    del situation
    unlike = File(MediaKind.PDQ, bytes(32))
    for other in (
        replace(somebody, kind=IdentifierKind.PHONE),
        replace(file, kind=MediaKind.SHA1),
        replace(file, file=File(FILE.kind, bytes(32))),
        replace(picture, file=unlike),
    ):
        assert counts(await find(node, other)) == (0, 1, 0)
    found = await find(node, somebody, file, picture)
    assert counts(found) == (3, 0, 0)
    assert list(found.pictures.values()) == [PICTURE.digest]
    said_of = [(match.origin, match.kind, match.removed_on) for match in found.matches]
    assert said_of == [
        (OTHER, Kind.EMAIL, "2026-11-20"),
        (OTHER, Kind.SHA256, None),
        (OTHER, Kind.PDQ, None),
    ]


async def test_files_that_are_evidence_of_nothing_are_counted_apart(
    node: Node, situation: Situation
) -> None:
    icon, other, somebody = (
        await file_of(node),
        await file_of(node, PICTURE),
        await person_of(node),
    )
    situation.do_not_share = load_lists(
        b"format = 1\ndated = 2026-12-01\n[lists.our_icons]\n"
        b'kind = "file"\nmatch = "digest"\nversion = 1\nsource = "our own"\n'
        b'entries = ["sha256:' + FILE.digest.hex().encode() + b'"]\n',
        shipped_lists(),
    )
    closed = replace(somebody, output=Output(1, bytes(64)))
    unlike = replace(other, kind=MediaKind.SHA1)

    assert counts(await find(node)) == (0, 0, 0)
    assert counts(await find(node, icon, closed, unlike, other)) == (1, 3, 1)
