# SPDX-License-Identifier: Apache-2.0
"""Let a case go: who may, and what it must say first.

Two people approve a case of U1 or U2 as it stands, through `approvals`. In imminent
danger (U0) one officer does who is trained for it, and another person looks at it
afterwards; a hand-over to help (UH) takes one officer and the recorded consent. What
is approved is one revision for named classes of partner; whatever changes it is
approved anew.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.cases import ApprovalShown
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.casework.cases.content import CaseFile, Release
from fedsafe_node.casework.cases.keeper import CaseKeeper, Change
from fedsafe_node.casework.cases.timeline import LOOKED_AT
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import CASE_CLOSED, all_pending, end_act
from fedsafe_node.people.person_rules import is_trained
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.people_rows import ActRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.errors import NothingForPartnerError
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.projection import Projection, project
from fedsafe_policies.escalation.release import Gap, GapKind, gaps, refuse_release
from fedsafe_policies.escalation.states import EDITABLE, CaseState, is_for_many
from fedsafe_policies.escalation.urgency import Release as Rule
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import PartnerClass, Urgency
from fedsafe_policies.ground.catalogue import Phrase, in_turn, phrase_in
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.rules.four_eyes import ActRequest, seconds_of
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Role

KIND: Final = Act.DISPATCH
OF_MANY: Final = PartnerClass.BZKJ
"""Who receives numbers of many cases, and no single one."""


ALONE: Final = {
    Urgency.U0: frozenset(
        {
            PartnerClass.POLICE_EMERGENCY,
            PartnerClass.LAW_ENFORCEMENT,
            PartnerClass.YOUTH_WELFARE,
        }
    ),
    Urgency.UH: frozenset({PartnerClass.COUNSELLING}),
}
"""To which classes one officer lets a case go: who can save, and who helps."""


class Dispatch(Row, frozen=True, kw_only=True):
    """What a second person stands by: this revision, for these classes."""

    case: str
    revision: int
    partners: tuple[PartnerClass, ...]


def takes_two(urgency: Urgency) -> bool:
    """Whether a second person has to approve before the case may go."""
    return urgencies()[urgency].release is Rule.TWO_PEOPLE


def check_release(
    row: CaseRow, file: CaseFile, partners: Collection[PartnerClass], matrix: Matrix
) -> None:
    """Refuse to let a case go that lacks something for one of its partners.

    Raises:
        WrongStateError: it is no draft, or lacks something; what, is said in words.
            Or one of them never receives a single case.
    """
    if CaseState(row.state) not in EDITABLE:
        raise WrongStateError(
            "case_state",
            Phrase("a case that is {case_state} stays so").filled(case_state=row.state),
        )
    if OF_MANY in partners:
        raise WrongStateError(
            "not_releasable",
            Phrase(
                "{partner_class} may receive no single case, only figures about many: "
                "the quarterly pack, `fedsafe case pack`"
            ).filled(partner_class=OF_MANY),
        )
    alone = ALONE.get(_of(row))
    if alone is not None and not alone.issuperset(partners):
        raise WrongStateError(
            "not_releasable",
            Phrase(
                "one person lets a case of {urgency} go to {partner_classes} only; for "
                "others take an urgency that takes two"
            ).filled(urgency=row.urgency, partner_classes=", ".join(sorted(alone))),
        )
    said: dict[str, Phrase] = {}
    kinds: set[GapKind] = set()
    for partner in sorted(set(partners)):
        for gap in lacking(row, file, partner, matrix)[1]:
            told = words_of_gap(gap)
            said.setdefault(str(told), told)
            kinds.add(gap.kind)
    if said:
        raise WrongStateError(code_of_gaps(kinds), in_turn(said.values()))


def code_of_gaps(kinds: Collection[GapKind]) -> str:
    """Say what is to be done first about what a case lacks."""
    is_unclear = GapKind.UNCLEAR_THREAT in kinds
    return "threat_unclear" if is_unclear else "not_releasable"


def words_of_gap(gap: Gap) -> Phrase:
    """Say what a case lacks, with the element that it is about."""
    text = phrase_in(gap.text)
    if f"({gap.element})" in gap.text.en:
        return text
    return Phrase("{element}: {why}").filled(element=gap.element, why=text)


def refuse(
    keeper: CaseKeeper, row: CaseRow, file: CaseFile, first: Person
) -> DeniedError | None:
    """Say by which rule this person may not let this case go, alone or as the first.

    Raises:
        WrongStateError: it is a pattern, and goes to nobody as one case.
    """
    if is_for_many(_of(row)):
        raise WrongStateError(
            "not_releasable",
            Phrase("a pattern goes out as numbers of many cases, never as one"),
        )
    opinion = not file.waits_for_opinion
    refusal = refuse_release(Urgency(row.urgency), first, None, legal_opinion=opinion)
    if refusal is None or (refusal is Refusal.FOUR_EYES and takes_two(_of(row))):
        return None
    policy = keeper.office.judge.policy.reference
    return DeniedError(deny(refusal, policy, "dispatch"))


async def refuse_untrained(
    reader: Reader, keeper: CaseKeeper, row: CaseRow, who: Person
) -> Decision | None:
    """Refuse to let somebody act alone whose training for it is missing or over.

    A demonstration asks nobody for one, as its policy does not for roles.
    """
    office, wanted = keeper.office, urgencies()[_of(row)].training
    if wanted is None or office.judge.synthetic:
        return None
    if await is_trained(reader, who.name, wanted, office.now()):
        return None
    return deny(Refusal.TRAINING, office.judge.policy.reference, wanted.value)


def waits_for_look(row: CaseRow, file: CaseFile) -> bool:
    """Whether a second person has yet to look at what one person let go."""
    release, rule = file.release, urgencies()[_of(row)]
    is_alone = release is not None and release.second is None
    return is_alone and rule.second_look is not None


def looked_at(row: CaseRow, file: CaseFile, release: Release) -> Change:
    """Note that a second person has looked; the case stays where it is by now."""
    return Change(
        step=LOOKED_AT,
        state=CaseState(row.state),
        urgency=_of(row),
        known_at=row.known_at,
        file=msgspec.structs.replace(file, release=release),
    )


def approved(row: CaseRow, file: CaseFile, release: Release) -> Change:
    """Make of a case one that may go."""
    return Change(
        step="approved",
        state=CaseState.APPROVED,
        urgency=Urgency(row.urgency),
        known_at=row.known_at,
        file=msgspec.structs.replace(file, release=release),
    )


class CaseRelease:
    """The effect of an approved dispatch (`approvals.Effect`)."""

    def __init__(self, keeper: CaseKeeper, matrix: Callable[[], Matrix]) -> None:
        self._keeper = keeper
        self._matrix = matrix

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the release to the policy, with both persons."""
        asked = decode(content, Dispatch)
        row, file = await self._keeper.read(reader, asked.case)
        opinion = not file.waits_for_opinion
        refusal = refuse_release(_of(row), first, second, legal_opinion=opinion)
        if refusal is Refusal.LEGAL_REVIEW:
            policy = self._keeper.office.judge.policy.reference
            raise DeniedError(deny(refusal, policy, "dispatch"))
        return ActRequest(KIND, first, second, "case-release")

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Approve the case, if nothing of it has changed meanwhile.

        Raises:
            WrongStateError: it has another revision, or lacks something by now.
        """
        asked, keeper = decode(content, Dispatch), self._keeper
        row, file = await keeper.read(tx, asked.case)
        if row.state == CaseState.CLOSED.value:  # by a node that let the act wait on
            raise WrongStateError(CASE_CLOSED, Phrase("the case is closed"))
        if row.revision != asked.revision:
            raise WrongStateError(
                "case_changed", Phrase("the case has changed meanwhile")
            )
        matrix = self._matrix()
        check_release(row, file, asked.partners, matrix)
        now = keeper.office.now()
        release = Release(
            partners=asked.partners,
            first=first.name,
            at=now,
            second=second.name,
            second_at=now,
            matrix=matrix.reference,
        )
        change = approved(row, file, release)
        await keeper.keep(tx, row, row.id, change, second, detail={"first": first.name})


async def end_approvals(
    office: Office, tx: Transaction, case_id: str, by: str
) -> list[str]:
    """Withdraw what waits for a second person's word on a case that is over.

    Returns:
        The acts that were withdrawn.
    """
    ended = list[str]()
    for act in await all_pending(tx):
        if act.kind != KIND.value or act.content is None:
            continue
        if decode(act.content, Dispatch).case == case_id:
            await end_act(office, tx, act, by=by, why=CASE_CLOSED)
            ended.append(act.id)
    return ended


async def check_still(tx: Transaction, case_id: str, act: ActAnswer) -> None:
    """Refuse to let an act wait for an approval that could not follow from it.

    One approval is all that a case as it stands gets: a second one that waited beside
    it would come to nothing with the first.

    Raises:
        WrongStateError: the case is no draft any more, or another act waits for it.
    """
    row = await tx.case(case_id)
    if row is None or CaseState(row.state) not in EDITABLE:
        raise WrongStateError("case_changed", Phrase("the case has changed meanwhile"))
    async for other, asked in pending_dispatches(tx, act.asked_at):
        is_of_it = (asked.case, asked.revision) == (row.id, row.revision)
        if is_of_it and other.id != act.act:
            raise WrongStateError(
                "approval_waits",
                Phrase(
                    "an approval of this case for {partner_classes} waits already, "
                    "asked for by {by}: act {act}"
                ).filled(
                    partner_classes=", ".join(sorted(asked.partners)),
                    by=other.asked_by,
                    act=other.id,
                ),
            )


async def pending_dispatches(
    reader: Reader, now: int
) -> AsyncIterator[tuple[ActRow, Dispatch]]:
    """Give the approvals of cases that wait for a second person, oldest first."""
    for act in await all_pending(reader):
        if act.kind == KIND.value and act.content is not None and act.expires_at > now:
            yield act, decode(act.content, Dispatch)


async def waiting_approval(
    reader: Reader, row: CaseRow, now: int
) -> ApprovalShown | None:
    """Return the approval that waits of a case as it stands; the oldest of several."""
    async for act, asked in pending_dispatches(reader, now):
        if (asked.case, asked.revision) == (row.id, row.revision):
            return ApprovalShown(
                act=act.id,
                partners=sorted(asked.partners),
                asked_by=act.asked_by,
                asked_at=act.asked_at,
                expires_at=act.expires_at,
                roles=sorted(seconds_of(KIND, Role(act.asked_role))),
            )
    return None


def dispatch_content(row: CaseRow, partners: Iterable[PartnerClass]) -> bytes:
    """Write what a second person is asked to stand by."""
    named = tuple(sorted(set(partners)))
    return encode(Dispatch(case=row.id, revision=row.revision, partners=named))


def _of(row: CaseRow) -> Urgency:
    return Urgency(row.urgency)


def lacking(
    row: CaseRow, file: CaseFile, partner: PartnerClass, matrix: Matrix
) -> tuple[Projection, tuple[Gap, ...]]:
    """Return what a class of partner receives of a case, and what it lacks for that.

    Raises:
        WrongStateError: this class receives nothing of it.
    """
    try:
        found = project(
            file.elements, file.unavailable, partner, matrix, file.circumstances
        )
    except NothingForPartnerError as error:
        code = "conditions_missing" if error.lacking else "not_releasable"
        raise WrongStateError(code, words_of_nothing(error)) from None
    return found, gaps(file.elements, file.unavailable, _of(row), found, matrix)


def words_of_nothing(error: NothingForPartnerError) -> Phrase:
    """Say that a class of partner receives nothing, and what it would need for that."""
    if not error.lacking:
        told = Phrase("{partner_class} receives nothing of any case")
        return told.filled(partner_class=error.partner)
    return Phrase("{partner_class} receives nothing without {conditions}").filled(
        partner_class=error.partner, conditions=", ".join(error.lacking)
    )
