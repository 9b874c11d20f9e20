# SPDX-License-Identifier: Apache-2.0
"""Tell a person what is known: what was found, who received it, what was decided."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.notices import TextName
from fedsafe_node.acts.requests import (
    Finding,
    Language,
    Remaining,
    Remains,
    RequestKind,
)
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.members.peering.recipients import read_recipients
from fedsafe_node.notices.phrases import basis_in_words, house_in_words, rule_in_words
from fedsafe_node.people.services import settled
from fedsafe_node.rights.answer import (
    Contested,
    Handed,
    Missing,
    Shown,
    Told,
    write_answer,
)
from fedsafe_node.rights.contest import CONTESTABLE
from fedsafe_node.rights.outcomes import Had, late_note_on, note_on
from fedsafe_node.rights.own_listings import drafts_about
from fedsafe_node.rights.remedies import hearers_of, read_remedies, stood_disputes
from fedsafe_node.rights.review_report import Reviewed, Waiting
from fedsafe_node.rights.sealing import Content
from fedsafe_node.rights.signed_texts import marked
from fedsafe_node.rights.unerased import read_remains
from fedsafe_node.rights.withheld import told_of
from fedsafe_node.rules.appeal_ways import form_at
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import TaskState
from fedsafe_node.store.rights_rows import RequestRow, RequestState, Weight
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.help.offers import Age
from fedsafe_policies.vocabulary import Purpose

_OR: Final = Phrase(" or ").both()


async def tell(
    reader: Reader,
    desk: Desk,
    row: RequestRow,
    content: Content,
    packs: Sequence[PackRow],
) -> str:
    """Write the answer to a request out of its content and the recipient ledger.

    *packs* are those that name the account (`packs_about`); what is withheld of them,
    or of those that tell of a signal, is left out.
    """
    situation, language = desk.situation, Language(row.language)
    draft = TextName.RIGHTS_ANSWER in await desk.notices.drafts(reader)
    now = int(desk.clock.now().timestamp())
    text = write_answer(
        language,
        request=row.id,
        node=situation.node,
        house=await _house(reader, desk, content),
        today=desk.clock.now().date().isoformat(),
        basis=basis_in_words(situation),
        signals=[
            await _shown(reader, situation, each, now) for each in content.findings
        ],
        reviews=await _reviewed(reader, situation, content),
        drafts=await _waiting(reader, desk, content),
        packs=_handed(await told_of(reader, packs, now)),
        contested=await _contested(reader, content),
        missing=Missing(
            content.unevaluated,
            content.uncovered,
            content.closed,
            content.shredded,
            waits=await reader.waiting(row.id) is not None,
        ),
    )
    return marked(text, language, situation, draft=draft)


async def _house(
    reader: Reader, desk: Desk, content: Content | None
) -> Mapping[str, Text]:
    """Say who the provider is, who hears appeals, and to a child who helps."""
    house = dict(house_in_words(desk.situation))
    findings = None if content is None else content.findings
    if hearers := await hearers_of(reader, desk.situation, findings):
        house["hearer"] = Text(_OR.de.join(hearers), _OR.en.join(hearers))
    if content is None or content.age is not Age.MINOR:
        return house
    return {**house, "help": desk.notices.help()}


async def tell_end(
    reader: Reader, desk: Desk, row: RequestRow, content: Content | None
) -> str | None:
    """Write how a request ended, that it is late, or why it takes longer; else None.

    With what ended of the own signals, who had received them (Art. 19).
    """
    had = Had()
    if content is not None and row.state is RequestState.CLOSED:
        had = await _had(reader, desk, row, content)
    ground = content.ground if content is not None else None
    found = content.findings if content is not None else ()
    remedies = [
        remedy
        for each in found
        for remedy in await read_remedies(reader, desk.situation, each)
    ]
    house = await _house(reader, desk, content)
    if is_late(row, desk.clock.now()):
        note: str | None = late_note_on(row, house)
    else:
        note = note_on(row, ground, house, had, remedies)
    if note is None:
        return None
    draft = TextName.RIGHTS_OUTCOME in await desk.notices.drafts(reader)
    return marked(note, Language(row.language), desk.situation, draft=draft)


def is_late(row: RequestRow, now: datetime) -> bool:
    """Whether a request has no answer although it was due."""
    return row.state is RequestState.OPEN and row.due_at <= int(now.timestamp())


async def _had(reader: Reader, desk: Desk, row: RequestRow, content: Content) -> Had:
    """Read who had what was erased, or ended otherwise, as by a ruling.

    The answer to an access request has named them.
    """
    situation, erased = desk.situation, content.erased is not None
    if not erased:
        if row.kind == RequestKind.ACCESS:
            return Had()
        content = await _ended(reader, situation, content)
    now = int(desk.clock.now().timestamp())
    left = await read_remains(reader, situation, content, now)
    members = forms_of(situation, _who(left, Remains.RECIPIENT), content.findings)
    return Had(members, _who(left, Remains.PACK), erased=erased)


async def _ended(reader: Reader, situation: Situation, content: Content) -> Content:
    """Give what a grant would have left of the own signals that are over."""
    shared, packs = list[str](), set[int]()
    for finding in content.findings:
        status = await status_of(reader, situation, finding)
        if finding.origin != situation.node or status in CONTESTABLE:
            continue
        if not finding.own:
            shared.append(finding.signal)
        rows = await reader.packs_with(read_signal_id(finding.signal))
        packs |= {row.entry for row in rows}
    return replace(content, shared=shared, packs=sorted(packs))


def _who(left: Sequence[Remaining], what: Remains) -> list[str]:
    return sorted({each.who for each in left if each.what is what and each.who})


async def holds_nothing(reader: Reader, desk: Desk, content: Content) -> bool:
    """Whether everything could be looked up, and nothing is kept about the person."""
    if content.findings or not content.is_whole:
        return False
    reviewed = await _reviewed(reader, desk.situation, content)
    return not reviewed and not await drafts_about(reader, desk, content)


def is_closed(situation: Situation, now: datetime) -> bool:
    """Whether there are others, and the own gate keeps their actor signals out."""
    return bool(situation.others()) and not situation.opens(now)


async def _reviewed(
    reader: Reader, situation: Situation, content: Content
) -> list[Reviewed] | None:
    """Read the reviews of the account; None if the request names none."""
    if content.subject_ref is None:
        return None
    found: list[Reviewed] = []
    subject = await settled(reader, content.subject_ref)
    for task in await reader.tasks_about(subject):
        signals = [
            (signal_name(each.signal_id), _origin(each.origin, situation))
            for each in await reader.task_signals(task.id)
        ]
        decisions = await reader.task_decisions(task.id)
        found.append(Reviewed(task.opened_at, task.state, signals, decisions))
    for flood in await reader.floods_about(subject):
        named = signal_name(flood.signal_id), _origin(flood.origin, situation)
        found.append(Reviewed(flood.opened_at, TaskState.OPEN, [named], []))
    return found


def _origin(list_: str, situation: Situation) -> str:
    return situation.node if list_ == situation.own.name else list_


async def _waiting(reader: Reader, desk: Desk, content: Content) -> list[Waiting]:
    found: list[Waiting] = []
    for row in await drafts_about(reader, desk, content):
        facts = open_draft(row, desk.periods).facts
        rule = rule_in_words(facts.rule, desk.situation)
        found.append(Waiting(row.created_at, facts, rule))
    return found


async def _contested(reader: Reader, content: Content) -> Contested:
    resting = waiting = ruled = again = 0
    for digest in content.disputes:
        dispute = await reader.dispute(bytes.fromhex(digest))
        if dispute is None:
            continue
        if await reader.ruling(dispute) is not None:
            ruled += 1
        elif dispute.weight is Weight.SUSPENDS:
            resting += 1
        elif await stood_disputes(
            reader, await reader.disputes_on(dispute.origin, dispute.signal_id)
        ):
            again += 1
        else:
            waiting += 1
    return Contested(resting, waiting, ruled, again)


async def status_of(
    reader: Reader, situation: Situation, finding: Finding
) -> SignalStatus | None:
    """Read how a signal that was found stands now; None if it is unknown."""
    origin = situation.own.name if finding.own else finding.origin
    row = await reader.signal(origin, read_signal_id(finding.signal))
    return row.status if row is not None else None


async def _shown(
    reader: Reader, situation: Situation, finding: Finding, now: int
) -> Shown:
    status = await status_of(reader, situation, finding)
    rows = await reader.packs_with(read_signal_id(finding.signal))
    packs = _handed(told := await told_of(reader, rows, now))
    remedies = await read_remedies(reader, situation, finding)
    if finding.origin != situation.node:
        return Shown(finding, status, packs=packs, remedies=remedies)
    rule = rule_in_words(finding.rule, situation)
    if finding.own:
        silent = len(told) < len(rows)
        return Shown(
            finding, status, rule, packs=packs, silent=silent, remedies=remedies
        )
    ledger = await read_recipients(reader, situation, finding.signal)
    recipients = [
        Told(each.recipient, each.purpose, each.first_at, each.last_at, each.times)
        for each in ledger.recipients
    ]
    forms = forms_of(situation, {each.recipient for each in recipients}, [finding])
    return Shown(
        finding, status, rule, recipients, packs, forms=forms, remedies=remedies
    )


def forms_of(
    situation: Situation, names: Collection[str], findings: Collection[Finding]
) -> list[str]:
    """Say where members take requests about what was found.

    By their form, if it takes such an identifier; else by the contact that a signal of
    theirs names, if one was found, or by their name alone.
    """
    kinds = sorted({Kind(each.kind) for each in findings})
    contacts = {each.origin: each.contact for each in findings}
    found = list[str]()
    for name in sorted(names):
        forms = [form_at(situation, name, kind) for kind in kinds]
        way = next((form for form in forms if form is not None), contacts.get(name))
        found.append(name if way is None else f"{name} ({way})")
    return found


def _handed(packs: Sequence[PackRow]) -> list[Handed]:
    return [Handed(row.recipient, Purpose(row.purpose), row.at) for row in packs]
