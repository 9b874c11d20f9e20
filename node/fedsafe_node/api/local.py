# SPDX-License-Identifier: Apache-2.0
"""Handlers for the provider's own back-end, its staff and its operator.

Each calls one method of one service. The route table says whose credential is taken,
the service decides what else policy asks for.
"""

from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import (
    ApproveRequest,
    CheckMade,
    ConfirmRequest,
    HealthAnswer,
    ImportRequest,
    NewSignalRequest,
    ProposalRequest,
    RevokeRequest,
    WithdrawRequest,
    sentence_of,
)
from fedsafe_node.acts.lookup import (
    BatchRequest,
    LookupRequest,
)
from fedsafe_node.acts.match import MatchRequest
from fedsafe_node.acts.signal_reviews import RevokeAccountRequest, SignalsQuery
from fedsafe_node.api.call import Call
from fedsafe_node.api.queries import EventsQuery, ReadQuery
from fedsafe_policies.rules.gate import LegalGate


async def lookup(call: Call) -> object:
    """Answer one account's questions."""
    return await call.services.lookups.lookup(call.body(LookupRequest), call.principal)


async def lookup_batch(call: Call) -> object:
    """Answer for many accounts."""
    return await call.services.lookups.batch(call.body(BatchRequest), call.principal)


async def match(call: Call) -> object:
    """Answer for many digests."""
    return await call.services.lookups.match(
        call.body(MatchRequest), call.principal, once=call.once
    )


async def add_signal(call: Call) -> object:
    """Record an own ban or a draft."""
    return await call.services.signals.add(
        call.body(NewSignalRequest), call.principal, once=call.once
    )


async def import_signals(call: Call) -> object:
    """Record many signals."""
    return await call.services.signals.add_many(
        call.body(ImportRequest), call.principal, once=call.once
    )


async def approve_signals(call: Call) -> object:
    """Publish drafts as their second person."""
    request = call.body(ApproveRequest)
    return await call.services.signals.approve(
        request.signals, call.principal, once=call.once
    )


async def revoke_signal(call: Call) -> object:
    """Stop a signal everywhere."""
    return await call.services.signals.revoke(
        call.path["id"], call.body(RevokeRequest), call.principal, once=call.once
    )


async def revoke_account(call: Call) -> object:
    """Stop all that is listed about an account."""
    return await call.services.signals.revoke_account(
        call.body(RevokeAccountRequest), call.principal, once=call.once
    )


async def show_signal(call: Call) -> object:
    """Tell where a signal stands."""
    purpose = call.parameters(ReadQuery).purpose
    return await call.services.signals.show(call.path["id"], call.principal, purpose)


async def list_signals(call: Call) -> object:
    """List the node's own signals."""
    query = call.parameters(SignalsQuery)
    return await call.services.signals.listed(query, call.principal)


async def audit_events(call: Call) -> object:
    """Read the audit log."""
    query = call.parameters(EventsQuery)
    return await call.services.audits.events(
        query.since, query.limit, call.principal, query.purpose
    )


async def audit_verify(call: Call) -> object:
    """Verify all logs."""
    return await call.services.audits.verify(call.principal)


async def status(call: Call) -> object:
    """Tell the node's state."""
    return await call.services.node.status()


async def show_gate(call: Call) -> object:
    """Tell whether the legal gate is open."""
    return await call.services.gates.show()


async def record_gate(call: Call) -> object:
    """Enter a legal-gate record."""
    return await call.services.gates.record(
        call.body(LegalGate), call.principal, once=call.once
    )


async def propose(call: Call) -> object:
    """Let the node sign the proposal of a founding."""
    return await call.services.foundings.propose(call.body(ProposalRequest))


async def show_foundings(call: Call) -> object:
    """Show the foundings that were proposed to this node."""
    return await call.services.foundings.shown()


async def review_founding(call: Call) -> object:
    """Take a proposal that came as a file, and show it."""
    return await call.services.foundings.review(call.body(Signed))


async def confirm_founding(call: Call) -> object:
    """Consent to a founding, by what the other members read out."""
    return await call.services.foundings.confirm(
        call.body(ConfirmRequest), call.principal
    )


async def withdraw_founding(call: Call) -> object:
    """Refuse a founding, or take a consent back."""
    return await call.services.foundings.withdraw(
        call.body(WithdrawRequest), call.principal
    )


async def health(call: Call) -> object:
    """Say whether every part of the node is well."""
    verdicts = await call.services.node.verdicts()
    checks = {str(part): str(verdict) for part, verdict in verdicts.items()}
    made = {
        str(part): CheckMade(name=name, verdict=found)
        for part, verdict in verdicts.items()
        if (name := sentence_of(part)) and (found := sentence_of(verdict))
    }
    well = all(check == "ok" for check in checks.values())
    word = "ok" if well else "degraded"
    return HealthAnswer(
        status=word, node=call.services.name, checks=checks, checks_made=made
    )


async def metrics(call: Call) -> object:
    """Write the counts for Prometheus."""
    now = await call.services.node.status()
    call.metrics.set_entries(
        {
            "signals": now.signals,
            "own_bans": now.own_bans,
            "drafts": now.drafts,
            "feed": now.feed_size,
            "audit": now.audit_size,
            "members": now.members,
            "tasks_waiting": now.tasks_waiting,
            "floods_waiting": now.floods_waiting,
            "review_alarms": now.review_alarms,
            "disputes_open": now.disputes_open,
            "disputes_beyond_budget": sum(now.disputes_beyond_budget.values()),
            "circuits_broken": now.circuits_broken,
            "breaches_overdue": now.breaches_overdue,
            "rounds_overdue": now.rounds_overdue,
            "cases_overdue": now.cases_overdue,
            "orders_overdue": now.orders_overdue,
            "requests_overdue": now.requests_overdue,
            "requests_waiting": now.requests_waiting,
            "checks_forgotten": now.checks_forgotten,
            "peers_covered": sum(peer.covered for peer in now.peers),
        }
    )
    call.metrics.set_longest_wait(now.longest_wait_s)
    call.metrics.set_failing(failing=now.store != "ok")
    if now.disk_free_mib is not None and now.reserve_mib is not None:
        free, reserve = now.disk_free_mib << 20, now.reserve_mib << 20
        call.metrics.set_room(free=free, reserve=reserve)
    return call.metrics.page()


async def openapi(call: Call) -> object:
    """Give the OpenAPI document."""
    return call.document()
