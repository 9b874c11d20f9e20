# SPDX-License-Identifier: Apache-2.0
"""Deciding by other texts takes two people, whoever edits node.toml (P6)."""

import asyncio
from typing import Any, Final

import pytest
from tests.support.house import House, house

from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConfigError, StoreFailedError
from fedsafe_node.log.audit import Event
from fedsafe_node.people.credentials import People
from fedsafe_node.people.policy_changes import PolicyChange
from fedsafe_policies.documents.policy import shipped, shipped_text
from fedsafe_policies.vocabulary import Role, Surface

__all__ = ["house"]

GERMANY: Final = shipped_text("germany").replace(b'name = "germany"', b'name = "ours"')
STRICTER: Final = GERMANY.replace(b"shortest = 4", b"shortest = 6")
LOOSER: Final = GERMANY.replace(b"shortest = 4", b"shortest = 3")
CALENDAR: Final = b"""
format = 1
dated = 2026-11-24

[recorded]
eu-interim-2026 = "file-2026-31"
"""
LISTS: Final = b"""
format = 1
dated = 2026-11-24

[lists.school]
kind = "ip"
match = "network"
version = 1
source = "own"
entries = ["84.12.0.0/16"]
"""
PATH: Final = "/v1/policy/propose"


def name_in_config(place: Place, **texts: bytes) -> None:
    """Let node.toml name files of one's own, as one person does."""
    written = place.config.read_text().splitlines()
    for key, text in texts.items():
        (place.directory / f"{key}.toml").write_bytes(text)
        written = [line for line in written if not line.startswith(f"{key} = ")]
        written.insert(1, f'{key} = "{key}.toml"')
    place.config.write_text("\n".join(written))


@pytest.fixture
async def staff(house: House) -> dict[str, str]:
    """Seat olaf as operator, rita as reviewer; return a session of each."""
    olaf = await house.found()
    await house.hire(olaf, "rita")
    await house.ask_for(olaf, "rita", "reviewer")
    return {"olaf": olaf, "rita": await house.log_in("rita")}


def name_all(house: House) -> None:
    """Name other texts of every kind in node.toml."""
    place = house.fleet.place("a.demo")
    name_in_config(place, policy=LOOSER, calendar=CALENDAR, do_not_share=LISTS)


def decides_by(house: House) -> str:
    return house.fleet["a.demo"].base.situation.policy.name


async def restart(house: House) -> None:
    await house.fleet.stop("a.demo")
    await house.fleet.start("a.demo")


async def waiting(house: House, token: str) -> list[str]:
    listed = await house.done("GET", "/v1/acts", None, token)
    return [act["act"] for act in listed["acts"]]


async def not_approved(house: House) -> list[str]:
    return (await house.fleet["a.demo"].services.node.status()).not_approved


async def test_whoever_edits_node_toml_changes_nothing_alone(house: House) -> None:
    await house.found()
    name_all(house)
    told = await not_approved(house)
    await restart(house)
    situation = house.fleet["a.demo"].base.situation

    assert situation.policy == shipped("germany")
    assert situation.calendar.recorded == {}
    assert situation.do_not_share.own == frozenset()
    assert told == ["policy", "calendar", "do_not_share"]
    assert await not_approved(house) == told


async def test_two_people_change_what_the_node_decides_by(
    house: House, staff: dict[str, str]
) -> None:
    name_all(house)
    act = await house.done("POST", PATH, None, staff["olaf"])
    before = decides_by(house)
    status, done = await house.approve(act, staff["rita"])
    situation = house.fleet["a.demo"].base.situation
    now = house.now

    assert (before, status, done["state"]) == ("germany", 200, "done")
    assert situation.policy.name == "ours"
    assert situation.calendar.opens(Surface.NI_ICS_PRIVATE, now)
    assert "school" in situation.do_not_share.own
    assert await not_approved(house) == []
    await restart(house)
    again = house.fleet["a.demo"].base.situation
    assert again.provisions == situation.provisions


async def test_the_act_says_what_changes_for_people(
    house: House, staff: dict[str, str]
) -> None:
    name_all(house)
    content = (await house.done("POST", PATH, None, staff["olaf"]))["content"]
    told = {each["key"]: each for each in content["effects"]}

    assert content["instead_of"] == shipped("germany").reference
    assert content["policy"].startswith("ours@")
    assert told["do_not_share.shortest"]["direction"] == "looser"
    assert told["calendar.eu-interim-2026"]["direction"] == "looser"
    assert "file-2026-31" in told["calendar.eu-interim-2026"]["de"]
    assert told["do_not_share.school"]["direction"] == "stricter"
    assert all(each["de"] and each["en"] for each in content["effects"])


async def test_the_act_says_for_how_long_the_log_is_kept(
    house: House, staff: dict[str, str]
) -> None:
    path = house.fleet.place("a.demo").config
    path.write_text(path.read_text().replace("subject = 365", "subject = 31"))
    waits = await not_approved(house)
    act = await house.done("POST", PATH, None, staff["olaf"])
    situation = house.fleet["a.demo"].base.situation
    before = situation.provisions.audit.subject
    assert (await house.approve(act, staff["rita"]))[0] == 200
    (effect,) = act["content"]["effects"]
    (event,) = await house.fleet.audit("a.demo", Event.POLICY_CHANGED.value)

    assert waits == ["audit"]
    assert (before, situation.provisions.audit.subject) == (365, 31)
    assert effect["key"] == "audit.subject"
    assert "jetzt 31 Tage aufbewahrt, bisher 365 Tage; was älter ist" in effect["de"]
    assert "now kept 31 days, was 365 days; what is older" in effect["en"]
    assert '"audit_subject":31' in event.text


async def test_what_nobody_could_be_shown_in_full_is_not_proposed(
    house: House, staff: dict[str, str]
) -> None:
    head, _, listed = LISTS.partition(b"[lists.school]")
    many = [b"[lists.l%d]" % number + listed for number in range(501)]
    text = head + b"\n".join(many)
    name_in_config(house.fleet.place("a.demo"), do_not_share=text)
    status, answer = await house.call("POST", PATH, token=staff["olaf"])

    assert (status, answer["code"]) == (422, "bad_policy")
    assert "501 things" in answer["detail"]
    assert await waiting(house, staff["olaf"]) == []


async def test_the_event_names_both_policies_by_their_digests(
    house: House, staff: dict[str, str]
) -> None:
    name_in_config(house.fleet.place("a.demo"), policy=STRICTER)
    act = await house.done("POST", PATH, None, staff["olaf"])
    assert (await house.approve(act, staff["rita"]))[0] == 200
    (event,) = await house.fleet.audit("a.demo", Event.POLICY_CHANGED.value)
    policy = house.fleet["a.demo"].base.situation.policy

    assert event.record.policy == policy.reference
    assert event.record.policy_hash == policy.digest
    assert shipped("germany").reference in event.text
    assert shipped("germany").digest in event.text


async def test_nobody_changes_a_policy_alone(
    house: House, staff: dict[str, str]
) -> None:
    await house.hire(staff["olaf"], "ben")
    name_in_config(house.fleet.place("a.demo"), policy=STRICTER)
    base = house.fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    shop = await people.add("shop", Role.SERVICE, by="setup")
    bare = await people.add("zoe", Role.REVIEWER, by="setup")
    own_key = await people.add("key-1", Role.REVIEWER, by="setup", person="olaf")
    asked = await house.call("POST", PATH, token=shop)
    act = await house.done("POST", PATH, None, staff["olaf"])
    other = await house.log_in("olaf")
    tokens = [staff["olaf"], other, shop, bare, own_key]
    tried = [await house.approve(act, token) for token in tokens * 2]
    race = await asyncio.gather(*(house.approve(act, t) for t in tokens))

    assert asked[0] == 403
    assert {status for status, _ in [*tried, *race]} == {403}
    assert decides_by(house) == "germany"
    await restart(house)
    assert decides_by(house) == "germany"


async def test_of_two_approvals_at_once_one_changes_it(
    house: House, staff: dict[str, str]
) -> None:
    name_in_config(house.fleet.place("a.demo"), policy=STRICTER)
    act = await house.done("POST", PATH, None, staff["olaf"])
    sessions = [staff["rita"], await house.log_in("rita")]
    race = await asyncio.gather(*(house.approve(act, t) for t in sessions * 2))

    assert sorted(status for status, _ in race) == [200, 409, 409, 409]
    assert len(await house.fleet.audit("a.demo", Event.POLICY_CHANGED.value)) == 1


async def test_what_was_edited_after_the_proposal_is_not_what_counts(
    house: House, staff: dict[str, str]
) -> None:
    place = house.fleet.place("a.demo")
    name_in_config(place, policy=STRICTER)
    act = await house.done("POST", PATH, None, staff["olaf"])
    name_in_config(place, policy=LOOSER)
    assert (await house.approve(act, staff["rita"]))[0] == 200
    shortest = house.fleet["a.demo"].base.situation.policy.document.do_not_share
    named = await not_approved(house)
    await restart(house)
    again = house.fleet["a.demo"].base.situation.policy.document.do_not_share

    assert (shortest.shortest, again.shortest) == (6, 6)
    assert named == await not_approved(house) == ["policy"]


async def test_a_proposal_takes_the_place_of_an_older_one(
    house: House, staff: dict[str, str]
) -> None:
    place = house.fleet.place("a.demo")
    name_in_config(place, policy=STRICTER)
    first = await house.done("POST", PATH, None, staff["olaf"])
    status, again = await house.call("POST", PATH, token=staff["olaf"])
    name_in_config(place, policy=LOOSER)
    second = await house.done("POST", PATH, None, staff["olaf"])

    assert (status, again["code"]) == (409, "already_asked")
    assert await waiting(house, staff["olaf"]) == [second["act"]]
    assert (await house.approve(first, staff["rita"]))[1]["code"] == "not_pending"


async def test_what_another_change_has_overtaken_is_refused(
    house: House, staff: dict[str, str]
) -> None:
    place = house.fleet.place("a.demo")
    name_in_config(place, policy=LOOSER)
    act = await house.done("POST", PATH, None, staff["olaf"])
    name_in_config(place, policy=STRICTER)
    await house.fleet.decide_by_named("a.demo")
    status, answer = await house.approve(act, staff["rita"])

    assert (status, answer["code"]) == (409, "act_changed")
    assert await waiting(house, staff["olaf"]) == []
    assert (
        house.fleet["a.demo"].base.situation.policy.document.do_not_share.shortest == 6
    )


@pytest.mark.parametrize("lost", [False, True])
async def test_a_crash_leaves_the_old_policy_or_the_new_one(
    house: House,
    staff: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    lost: bool,
) -> None:
    name_in_config(house.fleet.place("a.demo"), policy=STRICTER)
    act = await house.done("POST", PATH, None, staff["olaf"])
    carry_out = PolicyChange.carry_out

    async def die(*given: Any) -> Any:  # noqa: ANN401 - as it is called
        learn = await carry_out(*given)
        if lost:
            raise StoreFailedError("the power went")
        del learn
        return None  # committed, and memory never heard of it

    monkeypatch.setattr(PolicyChange, "carry_out", die)
    await house.approve(act, staff["rita"])
    monkeypatch.undo()
    assert decides_by(house) == "germany"
    await restart(house)

    assert decides_by(house) == ("germany" if lost else "ours")
    assert (await waiting(house, await house.log_in("olaf")) == []) is not lost


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (STRICTER.replace(b"shortest = 6", b"shortest = 'x'"), "policy.toml: line"),
        (b"\xff", "not UTF-8"),
    ],
)
async def test_a_text_that_does_not_fit_is_not_proposed(
    house: House, staff: dict[str, str], text: bytes, told: str
) -> None:
    name_in_config(house.fleet.place("a.demo"), policy=text)
    status, answer = await house.call("POST", PATH, token=staff["olaf"])

    assert (status, answer["code"]) == (422, "bad_policy")
    assert told in answer["detail"]
    assert str(house.fleet.root) not in answer["detail"]


async def test_what_counts_already_is_not_proposed(
    house: House, staff: dict[str, str]
) -> None:
    status, answer = await house.call("POST", PATH, token=staff["olaf"])

    assert (status, answer["code"]) == (409, "nothing_changed")
    assert await waiting(house, staff["olaf"]) == []


async def test_without_a_second_person_nothing_is_proposed(house: House) -> None:
    olaf = await house.found()
    name_in_config(house.fleet.place("a.demo"), policy=STRICTER)
    status, answer = await house.call("POST", PATH, token=olaf)

    assert (status, answer["code"]) == (409, "no_second_person")


async def test_a_node_without_the_approved_text_does_not_start(
    house: House, staff: dict[str, str]
) -> None:
    place = house.fleet.place("a.demo")
    name_in_config(place, policy=STRICTER)
    act = await house.done("POST", PATH, None, staff["olaf"])
    await house.approve(act, staff["rita"])
    await house.fleet.stop("a.demo")
    name_in_config(place, policy=LOOSER)
    text = place.policies / f"{act['content']['after']['policy']}.toml"
    text.unlink()

    with pytest.raises(ConfigError, match="put it back from a backup"):
        await house.fleet.start("a.demo")
