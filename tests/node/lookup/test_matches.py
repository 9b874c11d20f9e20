# SPDX-License-Identifier: Apache-2.0
"""Who is found, by whom, and what a match says."""

from datetime import timedelta

import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import NAMES, Fleet
from tests.support.origin import WHO

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
    RevokeRequest,
)
from fedsafe_node.acts.lookup import (
    Appeal,
    Corroboration,
    Result,
)
from fedsafe_node.lookup.service import REMINDER
from fedsafe_policies.vocabulary import (
    Grade,
    Phenomenon,
    Plane,
    Provenance,
    Surface,
)


@pytest.mark.parametrize(
    ("kind", "banned", "asked"),
    [
        (Kind.EMAIL, "Anna.Muster@gmail.com", "annamuster+shop@GoogleMail.com"),
        (Kind.PHONE, "+49 1512 3456789", "+49 (1512) 345-67-89"),
        (
            Kind.URL,
            "https://Chat.Example.de:443/u/7#top",
            "https://chat.example.de/u/7",
        ),
    ],
)
async def test_an_own_ban_finds_the_person_under_another_writing(
    alone: Fleet, kind: Kind, banned: str, asked: str
) -> None:
    signals = alone["a.demo"].services.signals
    ban = await signals.add(request_for(banned, kind=kind), ANNA)
    answer = await alone.look_up("a.demo", asked, kind)

    assert answer.result is Result.REVIEW
    assert [match.signal for match in answer.matches] == [ban.signal]
    assert answer.matches[0].own
    assert answer.not_covered == []


async def test_a_node_alone_says_none_of_the_unlisted(alone: Fleet) -> None:
    answer = await alone.look_up("a.demo", WHO)

    assert answer.result is Result.NONE
    assert answer.matches == []
    assert answer.reminder is None
    assert answer.subject_ref == "account-1"


async def test_a_match_says_what_its_origin_said(trio: Fleet) -> None:
    signal = await trio.publish("Anna.Muster@gmail.com")
    answer = await trio.look_up("b.demo", "annamuster+x@googlemail.com")
    (match,) = answer.matches

    assert answer.result is Result.REVIEW
    assert answer.reminder == REMINDER
    assert answer.retry_after_ms is None
    assert match.signal == signal
    assert (match.question, match.origin, match.own) == (0, "a.demo", False)
    assert (match.plane, match.kind) == (Plane.ACTOR, Kind.EMAIL)
    assert match.phenomenon is Phenomenon.GROOMING
    assert match.surface is Surface.PUBLIC_CONTENT
    assert match.grade is Grade.CONFIRMED_CONDUCT
    assert match.provenance is Provenance.OWN_FINDING
    assert match.rule == "rule-7"
    assert match.removed_on == "2026-11-20"
    assert match.published_on == "2026-11-24"
    assert match.match_until > "2027-01-01"
    assert match.contact == "safety@a.demo"
    assert match.distance is None


async def test_a_match_says_which_rule_decided_and_where_it_is_contested(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    there = (await trio.look_up("b.demo", WHO)).matches[0]
    situation = trio["b.demo"].base.situation

    assert (there.policy_rule, there.policy) == ("P1", situation.policy.reference)
    assert there.appeal is not None
    assert there.appeal.contact == situation.config.contact


async def test_no_match_names_a_form_that_takes_no_request(trio: Fleet) -> None:
    await trio.publish(WHO)
    for name in ("a.demo", "b.demo"):
        (match,) = (await trio.look_up(name, WHO)).matches

        assert match.appeal == Appeal(contact=f"safety@{name}")


async def test_a_match_names_the_forms_of_those_who_can_mail(fleet: Fleet) -> None:
    for name in ("a.demo", "b.demo"):
        path = fleet.place(name).config
        mail = f'\n[mail]\nhost = "127.0.0.1"\nsender = "safety@{name}"\n'
        path.write_text(path.read_text() + mail)
    await fleet.start(*NAMES)
    await fleet.covered()
    await fleet.publish(WHO)
    a, b = (fleet[name].base.config for name in ("a.demo", "b.demo"))
    (home,) = (await fleet.look_up("a.demo", WHO)).matches
    (there,) = (await fleet.look_up("b.demo", WHO)).matches
    (third,) = (await fleet.look_up("c.demo", WHO)).matches

    form = f"{a.url}/rights"
    assert home.appeal == Appeal(form=form, contact=a.contact)
    assert there.appeal == Appeal(
        form=f"{b.url}/rights", contact=b.contact, origin_form=form
    )
    assert third.appeal == Appeal(contact="safety@c.demo", origin_form=form)


async def test_an_own_ban_is_contested_at_home(alone: Fleet) -> None:
    await alone["a.demo"].services.signals.add(request_for(WHO), ANNA)
    (match,) = (await alone.look_up("a.demo", WHO)).matches
    situation = alone["a.demo"].base.situation

    assert (match.policy_rule, match.policy) == ("P14", situation.policy.reference)
    assert match.appeal is not None
    assert match.appeal.contact == situation.config.contact
    assert match.appeal.origin_form is None


async def test_all_members_find_it_and_its_origin_as_well(trio: Fleet) -> None:
    await trio.publish(WHO)

    for name in trio.running:
        answer = await trio.look_up(name, WHO)
        assert {match.origin for match in answer.matches} >= {"a.demo"}


async def test_the_unlisted_is_none_while_all_feeds_are_fresh(trio: Fleet) -> None:
    await trio.publish(WHO)
    answer = await trio.look_up("b.demo", "other@mail.example")

    assert answer.result is Result.NONE
    assert answer.not_covered == []


async def test_a_revoked_signal_matches_nowhere(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.revoke(signal, by=["b.demo", "c.demo"])

    for name in ("b.demo", "c.demo"):
        assert (await trio.look_up(name, WHO)).result is Result.NONE


async def test_a_restriction_counts_although_the_index_still_points(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    lists = trio["b.demo"].base.lists
    (row,) = await trio["b.demo"].base.store.scan(lambda r: r.signals_after(0, 10))
    await trio["b.demo"].base.store.write(
        lambda tx: tx.set_signal_status(row.origin, row.signal_id, row.status.DISPUTED)
    )

    assert row.token is not None
    assert lists.rows(row.token) == (row.row,)
    assert (await trio.look_up("b.demo", WHO)).matches == []


async def test_a_row_that_expired_or_lost_its_opening_is_no_match(trio: Fleet) -> None:
    await trio.publish(WHO)
    store = trio["b.demo"].base.store
    (row,) = await store.scan(lambda r: r.signals_after(0, 10))
    await store.write(lambda tx: tx.erase_opening(row.log, row.index, row.group, at=0))

    assert (await trio.look_up("b.demo", WHO)).matches == []

    trio.clock.advance(timedelta(days=1_000))

    assert (await trio.look_up("c.demo", WHO)).matches == []


def counted(origins: int, others: int = 0) -> Corroboration:
    return Corroboration(question=0, origins=origins, others=others, enough=origins > 1)


async def test_independent_providers_are_counted_beside_the_matches(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio["b.demo"].services.signals.add(request_for(WHO), ANNA)
    one = await trio.look_up("c.demo", WHO)
    two = await trio.look_up("b.demo", WHO)

    assert one.corroboration == [counted(1)]
    assert two.corroboration == [counted(2)]
    assert one.result is two.result is Result.REVIEW


@pytest.mark.parametrize("provenance", [Provenance.RELAYED, Provenance.IMPORTED_LIST])
async def test_what_others_found_corroborates_nothing_and_is_shown_apart(
    trio: Fleet, provenance: Provenance
) -> None:
    await trio.publish(WHO)
    relayed = request_for(WHO, provenance=provenance)
    await trio["b.demo"].services.signals.add(relayed, ANNA)
    answer = await trio.look_up("b.demo", WHO)

    assert answer.corroboration == [counted(1, others=1)]
    said = {match.origin: match.provenance for match in answer.matches}
    assert said == {"a.demo": Provenance.OWN_FINDING, "b.demo": provenance}


async def test_an_import_corroborates_only_if_it_says_that_it_is_a_finding(
    alone: Fleet,
) -> None:
    signals = alone["a.demo"].services.signals
    unsaid, own = "unsaid@mail.example", "own@mail.example"
    batch = [
        request_for(unsaid),
        request_for(own, provenance=Provenance.OWN_FINDING),
    ]
    await signals.add_many(ImportRequest(signals=batch), ANNA)
    (listed,) = (await alone.look_up("a.demo", unsaid)).matches
    found = await alone.look_up("a.demo", own)

    assert listed.provenance is Provenance.IMPORTED_LIST
    assert found.corroboration == [counted(1)]


async def test_repetition_and_single_reports_corroborate_nothing(alone: Fleet) -> None:
    signals = alone["a.demo"].services.signals
    report = request_for(WHO, grade=Grade.SINGLE_REPORT)
    first = await signals.add(report, ANNA)
    reported = await alone.look_up("a.demo", WHO)
    superseded = RevokeRequest(reason=Reason.SUPERSEDED)
    await signals.revoke(first.signal, superseded, ANNA)
    await signals.add(request_for(WHO), ANNA)
    again = await signals.add(request_for(WHO), ANNA)
    found = await alone.look_up("a.demo", WHO)

    assert reported.corroboration == [counted(0, others=1)]
    assert again.already
    assert len(found.matches) == 1
    assert found.corroboration == [counted(1)]
    assert (await alone.look_up("a.demo", "x@mail.de")).corroboration is None
