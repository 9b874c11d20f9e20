# SPDX-License-Identifier: Apache-2.0
"""A report about an account says what was done, and what it cannot say."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from tests.node.audit.conftest import AUDRA, DORA, RUTH
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.support.fleet import Fleet, StandingClock
from tests.support.fleet_stores import FLEET_STORES
from tests.support.keeping import erase, keeping, meet, run_retention

from fedsafe_cli.audit.report import as_page, as_text
from fedsafe_node.acts.account_reports import AccountReport, ReportRequest
from fedsafe_node.acts.audit_upkeep import SubjectRequest
from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.audit.event_search import Stretch, Wanted
from fedsafe_node.audit.nightly_check import check_nightly
from fedsafe_node.ground.errors import BadRequestError, CorruptLogError, DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import Purpose, Role, Scope, Surface

DROP_OPENING: Final = "DELETE FROM openings WHERE log = 1 AND idx = 1"
ACCOUNT: Final = "account-5f2a-one"
OTHER: Final = "account-77b1-two"
ADDRESS: Final = "listed@mail.example"
LOOKING: Final = (
    ANNA,
    Principal("arne", Role.ANALYST),
    RUTH,
    Principal("rolf", Role.REVIEWER),
)
"""Four people; the service is `BOT`."""


@dataclass(frozen=True)
class Look:
    """A look at the account, as it was done."""

    name: str
    at: datetime
    purpose: Purpose
    outcome: str

    def written(self, fleet: Fleet) -> dict[str, object]:
        trail = fleet["a.demo"].base.trail
        return {
            "actor": trail.shown(self.name, self.at),
            "at": self.at.isoformat(timespec="milliseconds"),
            "purpose": self.purpose.value,
            "outcome": self.outcome,
            "person": self.name != BOT.name,
        }


async def ban(fleet: Fleet) -> None:
    request = request_for(
        ADDRESS,
        scope=Scope.SELF,
        subject_ref=OTHER,
        removed_on=fleet.clock.now().date().isoformat(),
    )
    await fleet["a.demo"].services.signals.add(request, ANNA)


async def look(fleet: Fleet, who: Principal, account: str = ACCOUNT) -> Look:
    """Look the account up: a service at sign-up, people in a review."""
    machine = who is BOT
    purpose = Purpose.SIGNUP_CHECK if machine else Purpose.MODERATION_REVIEW
    request = LookupRequest(
        questions=[Question(kind=Kind.EMAIL, value=ADDRESS)],
        purpose=purpose,
        surface=None if machine else Surface.PUBLIC_CONTENT,
        subject_ref=account,
    )
    at = fleet.clock.now()
    answer = await fleet["a.demo"].services.lookups.lookup(request, who)
    return Look(who.name, at, purpose, answer.result.value)


async def report_on(
    fleet: Fleet,
    since: datetime,
    who: Principal = AUDRA,
    account: str = ACCOUNT,
    **more: Any,  # noqa: ANN401 - fields of the request
) -> AccountReport:
    request = ReportRequest(subject_ref=account, after=int(since.timestamp()), **more)
    return await keeping(fleet).reports.report(request, who)


async def looked_at(fleet: Fleet) -> tuple[datetime, list[Look]]:
    """Let four people and a service look fifty times; the first of it grows too old."""
    clock: StandingClock = fleet.clock
    base = fleet["a.demo"].base
    base.trail.know_people(*(who.name for who in LOOKING))
    since = clock.now()
    done = [await look(fleet, ANNA)]
    clock.advance(timedelta(days=366))
    await run_retention(fleet)
    await ban(fleet)
    for number in range(49):
        clock.advance(timedelta(minutes=7))
        done.append(await look(fleet, (*LOOKING, BOT)[number % 5]))
        await look(fleet, ANNA, OTHER)
    return since, done


@pytest.mark.promise("RM-07")
async def test_fifty_looks_are_told_to_the_entry_in_both_languages(
    kept_alone: Fleet,
) -> None:
    since, done = await looked_at(kept_alone)
    report = await report_on(kept_alone, since)

    looks = [entry for entry in report.entries if entry.access]
    told = [
        {name: getattr(each, name) for name in ("actor", "at", "purpose", "outcome")}
        | {"person": each.person}
        for each in looks
    ]
    assert told == [each.written(kept_alone) for each in done[1:]]
    assert {each.basis for each in looks} == {"gdpr_6_1_f"}
    assert all(each.rule == "P8" and each.policy for each in looks)
    (gone,) = report.nameless
    assert (gone.event, gone.count, gone.why) == ("lookup", 1, "retention")
    assert gone.first < looks[0].index
    assert report.log is not None
    assert (report.log.ok, report.cosigned) == (True, None)

    answer = msgspec.to_builtins(report)
    english, german = (as_text(answer, language=each) for each in ("en", "de"))
    assert "Looked at 49 times, by 4 people and 1 service, for 2 purposes" in flat(
        english
    )
    assert "49 Mal angesehen, von 4 Personen und 1 Dienst, zu 2 Zwecken" in flat(german)
    for entry in looks:
        assert f"entry {entry.index}, " in english
        assert f"Eintrag {entry.index}, " in german
        sentences = [said_of(text, entry.index) for text in (english, german)]
        assert all(str(entry.actor) in said and "P8" in said for said in sentences)
    person, machine = looks[0].index, looks[4].index
    assert (
        "(a person) looked it up; purpose: review by people; legal basis: Art. 6 (1)"
        in (said_of(english, person))
    )
    assert (
        "hat es abgefragt; Zweck: Prüfung durch Menschen; Rechtsgrundlage: Art. 6"
        in (said_of(german, person))
    )
    assert "what came of it: a match, for people to review" in said_of(english, machine)
    assert "(local) hat es abgefragt; Zweck: Prüfung bei der Anmeldung" in (
        said_of(german, machine)
    )
    assert f"One entry (lookup, entry {gone.first}) was erased on 2027-11-25" in flat(
        english
    )
    assert f"Ein Eintrag (Abfrage, Eintrag {gone.first}) wurde am 2027-11-25" in flat(
        german
    )
    assert max(map(len, (english + german).splitlines())) <= 80


def flat(text: str) -> str:
    return " ".join(text.split())


def said_of(text: str, index: int) -> str:
    """Give the sentence under an entry's heading."""
    _, _, rest = text.partition(f" {index}, 20")
    return flat(re.split(r"\n(?:entry|Eintrag) \d+,|\n\n", rest)[0])


async def test_the_page_loads_nothing_and_names_itself_on_each_sheet(
    kept_alone: Fleet,
) -> None:
    since = kept_alone.clock.now()
    await ban(kept_alone)
    await look(kept_alone, BOT)
    answer = msgspec.to_builtins(await report_on(kept_alone, since))
    page = as_page(answer, language="de").decode()

    assert '<html lang="de">' in page
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|img|link)|https?://|url\(", page)
    assert '@top-left { content: "a\\2e demo' in page
    assert f'<th scope="row">Konto</th><td><p class="text">local/{ACCOUNT}' in page


async def test_what_is_erased_of_an_entry_is_said_in_its_sentence(
    kept_alone: Fleet,
) -> None:
    since, base = kept_alone.clock.now(), kept_alone["a.demo"].base
    await meet(kept_alone, ACCOUNT)
    size = await base.store.read(lambda reader: reader.log_size(base.trail.log))
    at = int(since.timestamp())
    for group in ("actor", "detail"):
        await base.store.write(
            lambda tx, group=group: tx.erase_opening(  # type: ignore[misc]
                base.trail.log, size - 1, group, at=at
            )
        )
    report = await report_on(kept_alone, since)

    (entry,) = report.entries
    assert (entry.actor, entry.person, entry.detail) == (None, None, None)
    assert [(each.group, each.why) for each in entry.erased] == [
        ("actor", "unknown"),
        ("detail", "unknown"),
    ]
    text = flat(as_text(msgspec.to_builtins(report), language="en"))
    assert (
        "Somebody (name erased on 2026-11-24 12:00:00 UTC: no entry says why)" in text
    )
    assert "details erased on 2026-11-24 12:00:00 UTC" in text
    assert "Of 1 of them the name of who looked is erased." in text


async def test_an_erased_account_is_told_as_erased_for_that_reason(
    kept_alone: Fleet,
) -> None:
    since = kept_alone.clock.now()
    await meet(kept_alone, ACCOUNT, OTHER)
    await erase(kept_alone, ACCOUNT)
    report = await report_on(kept_alone, since)

    assert report.entries == []
    assert ("lookup", 1, "subject") in {
        (each.event, each.count, each.why) for each in report.nameless
    }
    text = flat(as_text(msgspec.to_builtins(report), language="de"))
    assert "Löschung eines Kontos (Art. 17 DSGVO)" in text
    assert "es kann dieses gewesen sein" in text
    assert "kein Eintrag jemanden" in text


async def test_a_report_is_itself_a_look_and_takes_a_role_and_a_purpose(
    kept_alone: Fleet,
) -> None:
    since = kept_alone.clock.now()
    await meet(kept_alone, ACCOUNT)
    first = await report_on(kept_alone, since, purpose=Purpose.SUPERVISION)
    second = await report_on(kept_alone, since, DORA)

    assert first.purpose == Purpose.SUPERVISION
    event, read = second.entries
    assert (event.event, read.event) == ("lookup", "audit.read")
    assert (read.index, read.purpose, read.actor) == (
        first.entry,
        Purpose.SUPERVISION,
        first.made_by,
    )
    assert "made such a report" in as_text(msgspec.to_builtins(second), language="en")
    for who, purpose in ((ANNA, None), (BOT, None), (RUTH, Purpose.SUPERVISION)):
        with pytest.raises((DeniedError, BadRequestError)):
            await report_on(kept_alone, since, who, purpose=purpose)
    assert len(await kept_alone.audit("a.demo", "audit.read")) == 2


async def test_a_span_takes_what_lies_in_it(kept_alone: Fleet) -> None:
    began, day = kept_alone.clock.now(), timedelta(days=1)
    for _ in range(3):
        await meet(kept_alone, ACCOUNT)
        kept_alone.clock.advance(day)
    before = int((began + 2 * day).timestamp())
    report = await report_on(kept_alone, began + day, before=before)
    request = SubjectRequest(
        subject_ref=ACCOUNT, after=int((began + day).timestamp()), before=before
    )
    told = await keeping(kept_alone).telling.subject(request, DORA)

    (event,) = report.entries
    assert event.at == (began + day).isoformat(timespec="milliseconds")
    assert [each.index for each in told.events] == [event.index]
    with pytest.raises(BadRequestError, match="does not begin before"):
        await report_on(kept_alone, began, before=int(began.timestamp()))


async def test_a_search_finds_what_names_an_account_and_is_about_it(
    kept_alone: Fleet,
) -> None:
    await meet(kept_alone, ACCOUNT, OTHER, ACCOUNT)
    audits, wanted = (
        kept_alone["a.demo"].services.audits,
        Wanted(events="lookup,audit.read"),
    )
    found = await audits.search(wanted, Stretch(limit=9), AUDRA, subject_ref=ACCOUNT)
    again = await audits.search(wanted, Stretch(limit=9), AUDRA, subject_ref=ACCOUNT)

    assert [each.subject_ref for each in found.events] == [ACCOUNT] * 2
    assert [each.event for each in again.events] == ["lookup", "lookup", "audit.read"]


async def test_members_vouch_for_what_they_have_cosigned(trio: Fleet) -> None:
    since = trio.clock.now()
    await meet(trio, ACCOUNT)
    await trio.witnessed("a.demo")
    await meet(trio, ACCOUNT)
    report = await report_on(trio, since, DORA)
    text = flat(as_text(msgspec.to_builtins(report), language="de"))

    assert report.cosigned is not None
    old, new = report.entries
    assert old.index < report.cosigned.size <= new.index
    assert "Andere Mitglieder bürgen" in text
    assert "b.demo/witness am 2026-11-24" in text
    assert "c.demo/witness am 2026-11-24" in text
    assert "1 Eintrag dieses Berichts ist neuer." in text


async def test_a_log_that_does_not_verify_is_said_to_prove_nothing(
    kept_alone: Fleet,
) -> None:
    since = kept_alone.clock.now()
    await meet(kept_alone, ACCOUNT)
    behind = FLEET_STORES.behind(kept_alone.place("a.demo"))
    assert await asyncio.to_thread(behind.change, DROP_OPENING) > 0
    report = await report_on(kept_alone, since)

    assert report.log is not None
    assert not report.log.ok
    text = flat(as_text(msgspec.to_builtins(report), language="en"))
    assert "The log does not verify" in text
    assert "This report proves nothing" in text


async def test_without_verifying_the_same_is_told_beside_the_last_nights_check(
    kept_alone: Fleet,
) -> None:
    node, since = kept_alone["a.demo"], kept_alone.clock.now()
    await meet(kept_alone, ACCOUNT)
    whole = await report_on(kept_alone, since)
    before = await report_on(kept_alone, since, verify=False)
    night = await check_nightly(node.base.office, node.services.audits.check_own)
    after = await report_on(kept_alone, since, verify=False)

    assert (before.log, before.nightly) == (None, None)
    assert (after.log, after.nightly) == (None, night)
    assert night.ok
    read = [each for each in before.entries if each.index != whole.entry]
    assert read == whole.entries != []


@pytest.mark.parametrize("group", ["actor", "detail", "subject"])
async def test_without_verifying_an_entry_that_lost_an_opening_is_found(
    kept_alone: Fleet, group: str
) -> None:
    since = kept_alone.clock.now()
    await meet(kept_alone, ACCOUNT)
    report = await report_on(kept_alone, since)
    behind = FLEET_STORES.behind(kept_alone.place("a.demo"))
    drop = (
        "DELETE FROM openings WHERE log = 1 "  # noqa: S608 - a test's own
        f"AND idx = {report.entries[-1].index} "
        f"AND grp = '{group}'"
    )
    assert await asyncio.to_thread(behind.change, drop) == 1

    with pytest.raises(CorruptLogError):
        await report_on(kept_alone, since, verify=False)
