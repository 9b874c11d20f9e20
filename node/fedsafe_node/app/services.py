# SPDX-License-Identifier: Apache-2.0
"""The services of a node, made of its parts: what the API calls.

Which acts take two people is said here as well, by what carries each of them out.
"""

from collections.abc import Mapping
from secrets import SystemRandom

from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_node.api.services import Services
from fedsafe_node.app.container import Base
from fedsafe_node.app.overview import Overview
from fedsafe_node.app.parts import Parts
from fedsafe_node.audit.backup_note import Backups
from fedsafe_node.audit.breaches.entries import Notes
from fedsafe_node.audit.breaches.service import Breaches, BreachSilence
from fedsafe_node.audit.compliance_service import Sheets
from fedsafe_node.audit.inspection import Inspector
from fedsafe_node.audit.packs.service import EvidenceService, ExportEffect
from fedsafe_node.audit.rounds.service import Rounds
from fedsafe_node.audit.service import AuditService
from fedsafe_node.audit.tile_export import OwnLog, TileService
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.cases.keeper import CaseKeeper, CaseParts
from fedsafe_node.casework.cases.partners import Partners
from fedsafe_node.casework.cases.release import CaseRelease
from fedsafe_node.casework.cases.rendering import CaseRenderings
from fedsafe_node.casework.cases.service import Cases
from fedsafe_node.casework.dispatch.handover import SealedPackages
from fedsafe_node.casework.dispatch.outbox import Outbox, SendingSwitch
from fedsafe_node.casework.dispatch.outcomes import DispatchNotes
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.casework.dispatch.service import Dispatches
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.casework.orders.service import Orders
from fedsafe_node.casework.transports.carriers import Carriers
from fedsafe_node.log.anchor import AnchorProof
from fedsafe_node.log.proofs import SignedTree
from fedsafe_node.lookup.service import LookupService
from fedsafe_node.members.ceremonies.resharing_requests import RotationEffect, Rotations
from fedsafe_node.members.charter.view import Governance
from fedsafe_node.members.charter.votes import Charters, CharterVote
from fedsafe_node.members.peering.receipts import ReceiptTaker
from fedsafe_node.members.peering.recipients import Recipients
from fedsafe_node.members.peering.sightings import Sightings
from fedsafe_node.members.quarantine import QuarantineEnd, Quarantines
from fedsafe_node.notices.provider_events.feed import EventFeed
from fedsafe_node.notices.service import Notices
from fedsafe_node.people.approvals import Approvals, Effect
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.gate import GateOpening, Gates
from fedsafe_node.people.identity_web import ProviderWeb
from fedsafe_node.people.policy_changes import PolicyChange, PolicyChanges
from fedsafe_node.people.register import Registers
from fedsafe_node.people.staff import Staff, make_staff
from fedsafe_node.review.decision import ConfirmEffect
from fedsafe_node.review.flood_rulings import FloodBoundEffect
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.review.inquiry_exchange import InquiryTaker
from fedsafe_node.review.service import ReviewService
from fedsafe_node.review.trial_service import TrialService
from fedsafe_node.rights.appeals import AppealEffect, Appeals
from fedsafe_node.rights.code_mail import Mailer
from fedsafe_node.rights.control_proof import Proofs
from fedsafe_node.rights.disputes import Disputes
from fedsafe_node.rights.grants import RequestGrant
from fedsafe_node.rights.help_directory import HelpDesk
from fedsafe_node.rights.identity_checks import IdentityChecks
from fedsafe_node.rights.inquiries import ListingInquiries
from fedsafe_node.rights.phone_hook import Hook
from fedsafe_node.rights.requests import Requests
from fedsafe_node.rights.shares import Shares
from fedsafe_node.rules.budgets.service import BudgetService
from fedsafe_node.rules.idempotency import StoredAnswers
from fedsafe_node.signals.own_reviews import Validations
from fedsafe_node.signals.publication import SignalService
from fedsafe_node.store.change_counter import Topic
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.vocabulary import Act


def make_outbox(base: Base) -> Outbox:
    """Make what brings queued packages to their partners."""
    keeper = CaseKeeper(base.office, CaseVault(base.periods))
    config, place = base.config, base.place
    carriers = Carriers(
        config.sending, place.directory, base.clock, lambda: base.keys.package
    )
    return Outbox(keeper, carriers, SystemRandom().random, lambda: base.keys.package)


def make_services(parts: Parts) -> Services:
    """Make all services of a node."""
    base, desk = parts.base, parts.desk
    around = base.situation, base.store, base.trail, base.clock
    notes = Notes(base.periods)
    staff = _staff(parts, notes)
    approvals = staff.approvals
    quarantines = Quarantines(base.office, base.situation, approvals)
    keeper = CaseKeeper(base.office, CaseVault(base.periods))
    rotations = Rotations(base.office, parts.ceremonies, approvals)
    gates = Gates(base.situation, base.office, approvals)
    policies = _policies(base, approvals)
    registers = Registers(*around)
    audits = _audits(parts)
    lookups, signals = _lookups(parts), SignalService(desk)
    _follow(parts, lookups, signals)

    def matrix() -> Matrix:
        return base.situation.matrix  # another one may be approved while it runs

    vault = base.office.vault
    shares = Shares(base.situation, base.store, vault, base.clock)
    requests = Requests(desk, base.announcer, vault, approvals, lookups.budgets, shares)
    return Services(
        name=base.config.name,
        lookups=lookups,
        tasks=ReviewService(parts.reviews, approvals),
        floods=FloodService(parts.reviews, base.office, approvals),
        trials=TrialService(parts.reviews),
        signals=signals,
        people=Entrance(base.office, staff.sessions),
        staff=staff,
        gates=gates,
        policies=policies,
        breaches=Breaches(
            base.office, approvals, notes, has_others=base.situation.has_others
        ),
        rounds=Rounds(base.office, base.periods, audits.admit),
        orders=Orders(
            base.situation, base.office, OrderVault(base.periods), keeper.vault
        ),
        cases=Cases(CaseParts(base.situation, keeper, approvals, matrix)),
        case_renderings=CaseRenderings(
            base.situation, keeper, matrix, offload=base.workers
        ),
        partners=Partners(base.office, lambda: base.keys.package, matrix),
        dispatches=Dispatches(
            base.situation, keeper, matrix, lambda: base.keys.package
        ),
        dispatch_notes=DispatchNotes(keeper, base.workers),
        packages=SealedPackages(keeper, lambda: base.keys.package),
        recalls=Recalls(keeper, matrix, lambda: base.keys.package, base.config.contact),
        sending=SendingSwitch(base.office),
        budgets=BudgetService(base.situation, base.store, base.clock),
        validations=Validations(desk),
        registers=registers,
        audits=audits,
        inspections=_inspections(parts, audits),
        keeping=parts.keeper.keeping(
            approvals,
            audits.admit,
            audits.search,
            check=audits.check_own,
            cosigned=parts.witnesses.cosigning.proof,
        ),
        evidence=_evidence(parts, staff),
        tiling=_tiling(parts),
        peering=parts.peering,
        receipts=ReceiptTaker(parts.signer),
        witness=parts.witnesses.server,
        forks=parts.forks,
        foundings=parts.foundings,
        quarantines=quarantines,
        charters=_charters(parts, approvals),
        governance=Governance(
            base.situation,
            base.store,
            parts.ballot,
            parts.admitting,
            parts.inviting,
            quarantines,
            rotations,
            parts.wishes,
        ),
        rotations=rotations,
        admitting=parts.admitting,
        inviting=parts.inviting,
        wishes=parts.wishes,
        joining=parts.joining,
        carrying=parts.carrying,
        notices=Notices(base.store, parts.notices),
        sightings=Sightings(*around),
        recipients=Recipients(*around),
        events=EventFeed(*around, base.announcer),
        disputes=Disputes(desk, base.announcer),
        appeals=Appeals(desk, approvals),
        inquiries=ListingInquiries(desk),
        inquiry_taker=InquiryTaker(parts.reviews, base.keys.statement),
        sightings_exchange=parts.sightings,
        forwarding=parts.forwarding,
        requests=requests,
        proofs=Proofs(desk, vault, requests, shares, _mailer(parts), _hook(parts)),
        node=_overview(parts, policies),
        sheets=_sheets(parts, gates, registers, staff),
        help=_help_desk(base),
        backups=Backups(base.office),
        refusals=parts.refusals,
        answers=StoredAnswers(base.store, base.clock, base.periods),
        following=base.following,
    )


def _help_desk(base: Base) -> HelpDesk:
    config = base.config
    return HelpDesk(
        base.help, provider=config.name, contact=config.contact, clock=base.clock
    )


def _staff(parts: Parts, notes: Notes) -> Staff:
    base, web, acts = parts.base, ProviderWeb(parts.provider), _acts(parts, notes)
    return make_staff(base.office, base.config, web, acts, base.seen)


def _policies(base: Base, approvals: Approvals) -> PolicyChanges:
    return PolicyChanges(
        base.office, base.situation, approvals, base.place, base.workers
    )


def _charters(parts: Parts, approvals: Approvals) -> Charters:
    base = parts.base
    return Charters(
        base.office,
        base.situation,
        approvals,
        parts.ballot,
        parts.admitting,
        base.place,
        base.workers,
    )


def _overview(parts: Parts, policies: PolicyChanges) -> Overview:
    base = parts.base
    return Overview(
        base.situation,
        base.store,
        base.clock,
        parts.witnesses.cosigning,
        parts.forks,
        policies.differing,
        parts.notices,
        CaseVault(base.periods),
    )


def _follow(parts: Parts, lookups: LookupService, signals: SignalService) -> None:
    base = parts.base

    async def forget() -> None:
        parts.peering.budgets.forget_circuits()
        lookups.budgets.forget_circuits()
        signals.forget_circuits()

    if base.follower is not None:
        base.follower.take_up(Topic.CIRCUITS, forget)


def _acts(parts: Parts, notes: Notes) -> Mapping[Act, Effect]:
    base = parts.base
    return {
        **parts.keeper.effects(),
        Act.EXPORT_WITH_OPENINGS: ExportEffect(),
        Act.POLICY_CHANGE: PolicyChange(base.office, base.situation, base.place),
        Act.CHARTER_CHANGE: CharterVote(parts.ballot),
        Act.QUARANTINE_END: QuarantineEnd(base.office, base.situation),
        Act.KEY_ROTATION: RotationEffect(parts.ceremonies, parts.tending.run),
        Act.GATE_OPENING: GateOpening(base.office, base.situation),
        Act.REQUEST_GRANT: RequestGrant(parts.desk, parts.keeper.erasers),
        Act.IDENTITY_CHECK: IdentityChecks(parts.desk),
        Act.APPEAL_RULING: AppealEffect(parts.desk),
        Act.BREACH_SILENCE: BreachSilence(base.office, notes),
        Act.DISPATCH: CaseRelease(
            CaseKeeper(base.office, CaseVault(base.periods)),
            lambda: base.situation.matrix,
        ),
        Act.PERMANENT_BAN: ConfirmEffect(parts.reviews),
        Act.FLOOD_BOUND: FloodBoundEffect(parts.reviews),
    }


def _audits(parts: Parts) -> AuditService:
    base = parts.base
    return AuditService(
        base.situation,
        base.store,
        base.lists,
        base.trail,
        base.clock,
        guard=base.guard,
        policies=base.place.policies,
    )


def _lookups(parts: Parts) -> LookupService:
    base = parts.base
    return LookupService(
        base.situation,
        base.store,
        base.lists,
        base.trail,
        base.clock,
        reviews=parts.reviews,
        offload=base.workers,
    )


def _inspections(parts: Parts, audits: AuditService) -> Inspector:
    base = parts.base
    return Inspector(
        base.office,
        base.keys,
        base.guard,
        parts.feed.keep_audit,
        audits.admit,
        parts.witnesses.cosigning.proof,
    )


def _evidence(parts: Parts, staff: Staff) -> EvidenceService:
    base, cosigning = parts.base, parts.witnesses.cosigning

    async def cosigned() -> AnchorProof | None:
        if base.worker is None or parts.replicating.replicates:
            return await cosigning.renew()
        return await cosigning.proof()  # the process that leads asks the witnesses

    return EvidenceService(
        base.office,
        staff.approvals,
        base.keys,
        parts.feed.keep_audit,
        cosigned=cosigned,
        policies=base.place.policies,
        offload=base.workers,
    )


def _tiling(parts: Parts) -> TileService:
    base, feed = parts.base, parts.feed

    async def sign_audit() -> SignedTree:
        log, tail = base.trail.log, await feed.keep_audit()
        checkpoint = Checkpoint(log, tail.size, tail.root)
        return SignedTree(checkpoint, sign_checkpoint(checkpoint, base.keys.audit))

    return TileService(
        base.office,
        {
            OwnLog.AUDIT: sign_audit,
            OwnLog.FEED: feed.sign_feed,
            OwnLog.ANCHOR: parts.witnesses.cosigning.tree,
        },
    )


def _mailer(parts: Parts) -> Mailer | None:
    base, settings = parts.base, parts.base.config.mail
    if settings is None:
        return None
    return Mailer(settings, base.place.directory, base.clock)


def _hook(parts: Parts) -> Hook | None:
    base, settings = parts.base, parts.base.config.phone
    if settings is None:
        return None
    return Hook(settings, base.place.directory, base.config.name, base.clock)


def _sheets(parts: Parts, gates: Gates, registers: Registers, staff: Staff) -> Sheets:
    base = parts.base
    return Sheets(
        base.office,
        base.situation,
        gates=gates,
        registers=registers,
        staffing=staff.staffing,
        offload=base.workers,
    )
