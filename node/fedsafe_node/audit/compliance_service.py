# SPDX-License-Identifier: Apache-2.0
"""Documents for compliance officers: gather facts, write, and note that it was done.

What is written and how is `compliance`'s business. The event holds the digest of the
text, so that a paper that turns up later can be told from another one.
"""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Final
from zoneinfo import ZoneInfo

from fedsafe_federation.charter.charter import Member, PolicyReference
from fedsafe_federation.wire.pace import Offload
from fedsafe_node.acts.bodies import GateAnswer
from fedsafe_node.acts.people import SeatHolder
from fedsafe_node.acts.register import RegisterAnswer
from fedsafe_node.audit.compliance.facts import (
    Facts,
    FederationFacts,
    GateFacts,
    KeptFacts,
    MemberFacts,
    Option,
    RegisterFacts,
    SeatFacts,
)
from fedsafe_node.audit.compliance.model import (
    Language,
    SheetAnswer,
    SheetKind,
    markdown,
)
from fedsafe_node.audit.compliance.writer import write_sheet
from fedsafe_node.ground.config import Config
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.notices.provider_events.announcer import KEPT, UNRECEIPTED
from fedsafe_node.people.gate import Gates
from fedsafe_node.people.office import Office
from fedsafe_node.people.register import Registers
from fedsafe_node.people.staff_levels import Staffing
from fedsafe_node.rights.upkeep import WIPED
from fedsafe_node.rules.appeal_ways import provable_kinds
from fedsafe_node.rules.policy_bundle import Digests
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.gate import LegalGate, is_loopback
from fedsafe_policies.vocabulary import Matter, Purpose, Role

VERSION: Final = version("fedsafe")
_LOCAL: Final = frozenset({None, Purpose.SUPERVISION, Purpose.OPERATIONS})
_REGISTER: Final = "register"
_DIGITS: Final = 8


class Sheets:
    """Writes documents about the node; `offload` takes the writing off the loop."""

    def __init__(  # noqa: PLR0913 - what a document speaks of
        self,
        office: Office,
        situation: Situation,
        *,
        gates: Gates,
        registers: Registers,
        staffing: Staffing,
        offload: Offload,
    ) -> None:
        self._office = office
        self._situation = situation
        self._gates = gates
        self._registers = registers
        self._staffing = staffing
        self._offload = offload

    async def write(
        self,
        kind: SheetKind,
        language: Language,
        who: Principal,
        purpose: Purpose | None = None,
    ) -> SheetAnswer:
        """Write a document out of what the node runs with now.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        grounds = await self._admit(who, purpose)
        facts = await self._facts()

        def work() -> SheetAnswer:
            sheet = write_sheet(kind, language, facts)
            return SheetAnswer(document=sheet, markdown=markdown(sheet))

        answer = await self._offload(work)
        detail: Detail = {
            "sheet": kind.value,
            "language": language.value,
            "digest": hashlib.sha256(answer.markdown.encode()).hexdigest(),
            **grounds,
        }
        office = self._office

        async def act(tx: Transaction) -> None:
            await office.note(tx, Event.SHEET_WRITTEN, who.name, detail)

        await office.store.write(act)
        return answer

    async def _admit(self, who: Principal, purpose: Purpose | None) -> Detail:
        if who == LOCAL and purpose in _LOCAL:
            # Whoever opens the socket can read the files as well.
            return {"purpose": (purpose or Purpose.SUPERVISION).value}
        now = self._office.clock.now()
        # A document holds what statistics hold: no case and no signal.
        decision = rule_on_reading(
            self._situation, who, Matter.STATISTICS, purpose, now
        )
        if not decision.allowed:
            await self._office.refused(decision, who.name, "records")
            raise DeniedError(decision)
        return {**grounds_of(decision), "purpose": decision.about}

    async def _facts(self) -> Facts:
        situation, config = self._situation, self._situation.config
        now = self._office.clock.now()
        row = await self._office.store.read(lambda reader: reader.newest_gate())
        recorded = _day(row.recorded_at) if row is not None else None
        staffing, kept = await self._staffing.check(), situation.provisions.audit
        return Facts(
            at=now.astimezone(ZoneInfo(config.deadlines.time_zone)),
            node=config.name,
            jurisdiction=config.jurisdiction,
            contact=config.contact,
            dpo_contact=config.dpo_contact,
            version=VERSION,
            policy=situation.policy,
            calendar=situation.calendar,
            options=_options(config, situation.provisions.digests),
            gate=_gate(await self._gates.show(), situation.gate, recorded),
            register=_register(await self._registers.show()),
            kept=KeptFacts(
                actor=kept.actor,
                subject=kept.subject,
                detail=kept.detail,
                records=kept.records,
                announced=KEPT.days,
                unreceipted=UNRECEIPTED.days,
                found=WIPED // SECONDS_A_DAY,
            ),
            federation=_federation(situation, now),
            seats=_seats(staffing.people),
            gaps=len(staffing.gaps),
        )


def _options(config: Config, approved: Digests | None) -> frozenset[Option]:
    # What node.toml names counts only once two people have approved it.
    texts = approved or Digests(policy="")
    host = config.listen.host
    address = f"[{host}]" if ":" in host else host
    switched = {
        Option.SINGLE_SIGN_ON: config.oidc is not None,
        Option.OWN_CALENDAR: texts.calendar is not None,
        Option.OWN_LISTS: texts.do_not_share is not None,
        Option.OPEN_FOUNDING: config.founding.open,
        Option.BEYOND_LOOPBACK: not is_loopback(address),
        Option.PUBLIC_FORM: provable_kinds(config) != (),
        Option.MAIL_CODES: config.mail is not None,
        Option.PHONE_CODES: config.phone is not None,
    }
    return frozenset(option for option, is_on in switched.items() if is_on)


def _gate(
    shown: GateAnswer, record: LegalGate | None, recorded: date | None
) -> GateFacts:
    return GateFacts(
        record=record or LegalGate(),
        recorded_on=recorded,
        is_open=shown.open,
        missing=tuple(name for name in shown.missing if name != _REGISTER),
    )


def _register(shown: RegisterAnswer) -> RegisterFacts:
    until = shown.met_until
    return RegisterFacts(
        is_met=shown.met,
        until=datetime.fromisoformat(until).date() if until is not None else None,
        missing=tuple(shown.missing),
    )


def _federation(situation: Situation, now: datetime) -> FederationFacts | None:
    if situation.shared is None:
        return None
    membership = situation.shared.membership
    charter, epoch = membership.charter, membership.epoch

    def told(member: Member) -> MemberFacts:
        return MemberFacts(
            name=member.name,
            jurisdiction=member.jurisdiction,
            attested=situation.attested(member.name, now),
            suspended=member.name in situation.coverage.suspended,
        )

    return FederationFacts(
        name=charter.federation,
        created=_day(charter.created),
        threshold=epoch.threshold,
        epoch_ends=_day(epoch.ends),
        policy=_reference(charter.policy),
        arrangement=_reference(charter.arrangement),
        others=tuple(told(member) for member in membership.others),
    )


def _seats(people: list[SeatHolder]) -> tuple[SeatFacts, ...]:
    held = Counter(role for one in people for role in one.roles)
    outside = Counter(role for one in people if one.external for role in one.roles)
    return tuple(
        SeatFacts(role=role, people=held[role], external=outside[role])
        for role in Role
        if role is not Role.SERVICE
    )


def _reference(named: PolicyReference) -> str:
    return f"{named.name}@{named.sha256.hex()[:_DIGITS]}"


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
