# SPDX-License-Identifier: Apache-2.0
"""Signals about files live on if somebody else reviews them, and end if not (P9)."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    RITA,
    Clocked,
    Federation,
    Node,
    NodeMaker,
    request_for,
)
from tests.support.fleet import Fleet

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
    RevokeRequest,
    SignalState,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import Event
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.own_reviews import Validations, end_unreviewed
from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.vocabulary import Role, Scope

FILE = "ab" * 32
DAY = timedelta(days=1)
RUTH = Principal("ruth", Role.REVIEWER)


@pytest.fixture
def node(make_node: NodeMaker, federation: Federation) -> Node:
    """A node in a key epoch that outlasts the longest retention."""
    epoch = federation.charter.epochs[0]
    longer = replace(epoch, ends=epoch.ends + 4 * 366 * 86_400)
    federation.charter = replace(federation.charter, epochs=[longer])
    return make_node()


@pytest.fixture
def validations(node: Node) -> Validations:
    return Validations(node.desk)


async def publish(node: Node, file: str = FILE, who: Principal = ANNA) -> str:
    request = request_for(file, kind=Kind.SHA256, scope=Scope.FEDERATION)
    signal = (await node.signals.add(request, who)).signal
    await node.signals.approve([signal], RUTH)
    return signal


async def state(node: Node, signal: str) -> SignalState:
    return (await node.signals.show(signal, RITA)).state


async def test_what_nobody_reviews_ends_everywhere_after_a_year(
    node: Node, clock: Clocked
) -> None:
    signal = await publish(node)
    clock.advance(timedelta(days=364, hours=11))
    early = await end_unreviewed(node.desk)
    clock.advance(timedelta(hours=1))
    late = await end_unreviewed(node.desk)

    assert (early, late) == (0, 1)
    assert await state(node, signal) is SignalState.REVOKED
    assert (await node.look_up(FILE, Kind.SHA256)).matches == []
    assert len(await node.feed()) == 2  # the signal, and its revocation
    assert (Event.REVOKED, "ok") in await node.events()
    assert await end_unreviewed(node.desk) == 0


async def test_what_another_person_reviewed_lives_on_for_a_term(
    node: Node, validations: Validations, clock: Clocked
) -> None:
    signal = await publish(node)
    clock.advance(timedelta(days=300))
    answer = await validations.keep(signal, RITA)
    clock.advance(timedelta(days=365))
    kept = await end_unreviewed(node.desk)
    still = await state(node, signal)
    clock.advance(DAY)
    ended = await end_unreviewed(node.desk)

    assert answer.review_by == "2028-09-20"
    assert (kept, still) == (0, SignalState.PUBLISHED)
    assert ended == 1
    assert (Event.KEPT, "ok") in await node.events()


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (Principal("anna", Role.REVIEWER, session="another"), "four_eyes"),
        (Principal(" ANNA", Role.REVIEWER), "four_eyes"),
        (Principal("ida", Role.ANALYST), "role"),
        (BOT, "role"),
    ],
)
async def test_nobody_reviews_their_own(
    node: Node, validations: Validations, clock: Clocked, who: Principal, code: str
) -> None:
    signal = await publish(node)
    clock.advance(timedelta(days=300))
    with pytest.raises(DeniedError) as denied:
        await validations.keep(signal, who)
    clock.advance(timedelta(days=65))

    assert denied.value.decision.code == code
    assert (await node.events())[-1] == (Event.REFUSED, code)
    assert await end_unreviewed(node.desk) == 1


async def test_the_author_is_known_however_it_was_published(
    node: Node, validations: Validations, clock: Clocked
) -> None:
    batch = ImportRequest(
        signals=[request_for(FILE, kind=Kind.SHA256, scope=Scope.FEDERATION)]
    )
    (imported,) = (await node.signals.add_many(batch, RITA)).signals
    assert imported is not None
    await node.signals.approve([imported], RUTH)
    draft = await publish(node, "cd" * 32, RITA)
    clock.advance(timedelta(days=300))
    for signal in (imported, draft):
        with pytest.raises(DeniedError) as denied:
            await validations.keep(signal, RITA)
        assert denied.value.decision.code == "four_eyes"
        await validations.keep(signal, RUTH)


async def test_nothing_outlives_two_years(
    node: Node, validations: Validations, clock: Clocked
) -> None:
    signal = await publish(node)
    clock.advance(timedelta(days=360))
    await validations.keep(signal, RITA)
    clock.advance(timedelta(days=360))
    await validations.keep(signal, RITA)
    clock.advance(timedelta(days=20))
    with pytest.raises(DeniedError) as denied:
        await validations.keep(signal, RITA)

    assert denied.value.decision.code == "retention"
    assert (await node.look_up(FILE, Kind.SHA256)).matches == []


async def test_a_signal_about_a_person_has_no_second_term(
    node: Node, validations: Validations
) -> None:
    request = request_for("person@mail.example", scope=Scope.FEDERATION)
    signal = (await node.signals.add(request, ANNA)).signal
    await node.signals.approve([signal], RITA)
    with pytest.raises(WrongStateError) as refused:
        await validations.keep(signal, RUTH)

    assert refused.value.code == "no_second_term"


async def test_what_has_ended_or_is_unknown_is_not_kept(
    node: Node, validations: Validations
) -> None:
    signal = await publish(node)
    own = (await node.signals.add(request_for("own@mail.example"), ANNA)).signal
    await node.signals.revoke(signal, RevokeRequest(reason=Reason.MISTAKE), RITA)
    with pytest.raises(WrongStateError) as ended:
        await validations.keep(signal, RITA)
    unknown = signal_name(bytes(6) + b"\x70\x00\x80" + bytes(7))
    with pytest.raises(NotFoundError):
        await validations.keep(unknown, RITA)
    with pytest.raises(WrongStateError):
        await validations.keep(own, RITA)

    assert ended.value.code == "already_revoked"
    assert await node.store.read(lambda r: r.validations(1 << 40, 9)) == []


async def test_a_repeated_key_keeps_once(
    node: Node, validations: Validations, clock: Clocked
) -> None:
    signal = await publish(node)
    clock.advance(timedelta(days=300))
    once = Once("key", b"digest", 200)
    await validations.keep(signal, RITA, once=once)
    kept = await node.store.read(lambda r: r.idempotent_answer("key"))

    assert kept is not None
    assert signal.encode() in kept.body


async def test_members_learn_that_a_signal_has_ended_unreviewed(trio: Fleet) -> None:
    signal = await trio.publish(FILE, Kind.SHA256)
    node = trio["a.demo"]
    row = await node.base.store.read(lambda r: r.validations(1 << 40, 9))
    trio.clock.advance(timedelta(days=1))
    text = shipped_text("synthetic").replace(
        b'revalidate = "12 months"', b'revalidate = "1 day"'
    )
    node.base.situation.policy = load_policy(text)
    ended = await end_unreviewed(node.desk)
    await trio.level("a.demo", ["b.demo", "c.demo"])

    assert [each.author for each in row] == ["anna"]
    assert ended == 1
    for name in ("b.demo", "c.demo"):
        found = await trio.look_up(name, FILE, Kind.SHA256)
        assert signal not in {match.signal for match in found.matches}
