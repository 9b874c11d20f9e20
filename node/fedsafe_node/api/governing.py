# SPDX-License-Identifier: Apache-2.0
"""The federation's charter over HTTP: for the node's people, and between members."""

from typing import Final

from fedsafe_federation.charter.bundles import Bundle
from fedsafe_federation.wire.signed import Count, NodeName, Signed
from fedsafe_node.acts.bodies import Message
from fedsafe_node.acts.charter import (
    CarriedAnswer,
    CarriedRequest,
    ChangeRequest,
    Digest,
    ExchangeAnswer,
    ExchangeRequest,
    GovernanceAnswer,
    HistoryAnswer,
    InvitationAnswer,
    InvitationId,
    InvitationShown,
    InviteRequest,
    JoinAnswer,
    JoinRequest,
    KnockAnswer,
    KnockRequest,
    QuarantineAnswer,
    ReshareRequest,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, MIB, Lane, Route
from fedsafe_node.members.quarantine import QuarantineRequest
from fedsafe_policies.rules.four_eyes import firsts_of
from fedsafe_policies.vocabulary import Act, Role

_PROPOSERS: Final = firsts_of(Act.CHARTER_CHANGE)
_PROPOSAL: Final = {"proposal": Digest}
_MEMBER: Final = {"member": NodeName}
_OPERATOR: Final = frozenset({Role.OPERATOR})
_GONE: Final = frozenset({404, 409})
_NONE: Final = frozenset({409})


class VersionsQuery(Message, frozen=True):
    """The versions behind that one."""

    after: Count = 0


async def show(call: Call) -> object:
    """Tell which version of the charter counts, and what is proposed."""
    return await call.services.governance.show()


async def history(call: Call) -> object:
    """Tell what each version of the charter has changed."""
    return await call.services.governance.history()


async def propose(call: Call) -> object:
    """Ask a second person for the next version of the charter."""
    return await call.services.charters.propose(
        call.body(ChangeRequest), call.principal
    )


async def reshare(call: Call) -> object:
    """Ask a second person to have the key shared anew."""
    request = call.body(ReshareRequest)
    return await call.services.rotations.ask(request, call.principal)


async def sign(call: Call) -> object:
    """Ask a second person to sign what a member has proposed."""
    return await call.services.charters.sign(call.path["proposal"], call.principal)


async def refuse(call: Call) -> object:
    """Ask a second person to promise that the node never signs a proposal."""
    return await call.services.charters.refuse(call.path["proposal"], call.principal)


async def invite(call: Call) -> object:
    """Invite somebody to join."""
    hours = call.body(InviteRequest).hours
    return await call.services.inviting.invite(hours, call.principal)


async def withdraw(call: Call) -> object:
    """Take an invitation back."""
    return await call.services.inviting.withdraw(
        call.path["invitation"], call.principal
    )


async def join(call: Call) -> object:
    """Take up an invitation."""
    return await call.services.joining.join(call.body(JoinRequest).invitation)


async def knock(call: Call) -> object:
    """Answer somebody who wants to join."""
    return await call.services.admitting.knock(call.body(KnockRequest))


async def quarantine(call: Call) -> object:
    """Set aside what came from a member after a moment."""
    return await call.services.quarantines.begin(
        call.body(QuarantineRequest), call.principal
    )


async def end_quarantine(call: Call) -> object:
    """Ask a second person to let what is set aside match again."""
    return await call.services.quarantines.end(call.path["member"], call.principal)


async def leaving(call: Call) -> object:
    """Keep the wish of a suspended member to leave."""
    await call.services.wishes.take(call.body(Signed))
    return None


async def versions(call: Call) -> object:
    """Give the versions of the charter behind one of them."""
    after = call.parameters(VersionsQuery).after
    return await call.services.charters.versions(after)


async def ceremonies(call: Call) -> object:
    """Compare with a member what was said in ceremonies."""
    return await call.services.carrying.exchange(call.body(CarriedRequest), call.member)


async def exchange(call: Call) -> object:
    """Compare versions and proposals with a member."""
    return await call.services.charters.exchange(call.body(ExchangeRequest))


GOVERNING_ROUTES: Final = (
    Route(
        name="charterVersions",
        method="GET",
        path="/v1/charter/versions",
        handler=versions,
        auth=Auth.OPEN,
        lane=Lane.STRANGERS,
        summary="Give the signed versions of the charter behind one of them",
        query=VersionsQuery,
        answer=list[Bundle],
    ),
    Route(
        name="exchangeCharter",
        method="POST",
        path="/v1/charter/exchange",
        handler=exchange,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        summary="Compare versions and proposals of the charter with a member",
        body=ExchangeRequest,
        limit=4 * MIB,
        answer=ExchangeAnswer,
    ),
    Route(
        name="exchangeCeremonies",
        method="POST",
        path="/v1/charter/ceremonies",
        handler=ceremonies,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        summary="Compare with a member what was said in ceremonies",
        body=CarriedRequest,
        limit=8 * MIB,
        answer=CarriedAnswer,
    ),
    Route(
        name="showFederation",
        method="GET",
        path="/v1/federation",
        handler=show,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Tell which charter counts, what is proposed, and who has signed",
        answer=GovernanceAnswer,
        refusals=_NONE,
    ),
    Route(
        name="charterHistory",
        method="GET",
        path="/v1/federation/history",
        handler=history,
        auth=Auth.HOUSE,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Tell what each version of the charter has changed",
        answer=HistoryAnswer,
        refusals=_NONE,
    ),
    Route(
        name="knock",
        method="POST",
        path="/v1/charter/joining",
        handler=knock,
        auth=Auth.STATEMENT,
        lane=Lane.STRANGERS,
        summary="Tell somebody who was invited what has come of it",
        body=KnockRequest,
        limit=MIB,
        answer=KnockAnswer,
    ),
    Route(
        name="tellLeaving",
        method="POST",
        path="/v1/charter/leaving",
        handler=leaving,
        auth=Auth.STATEMENT,
        lane=Lane.STRANGERS,
        summary="Say that this member, which is suspended, wants to leave",
        body=Signed,
        limit=16 * KIB,
    ),
    Route(
        name="invite",
        method="POST",
        path="/v1/federation/invitations",
        handler=invite,
        auth=Auth.CREDENTIAL,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Make an invitation to join the federation",
        body=InviteRequest,
        limit=4 * KIB,
        answer=InvitationAnswer,
        refusals=_NONE,
    ),
    Route(
        name="withdrawInvitation",
        method="POST",
        path="/v1/federation/invitations/{invitation}/withdraw",
        handler=withdraw,
        auth=Auth.CREDENTIAL,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Take an invitation back, with the wish of whoever came with it",
        path_types={"invitation": InvitationId},
        answer=list[InvitationShown],
        refusals=frozenset({404}),
    ),
    Route(
        name="join",
        method="POST",
        path="/v1/federation/join",
        handler=join,
        auth=Auth.HOUSE,
        roles=_OPERATOR,
        lane=Lane.BATCHES,
        summary="Take up an invitation to join a federation",
        body=JoinRequest,
        limit=16 * KIB,
        answer=JoinAnswer,
        refusals=frozenset({409, 502}),
    ),
    Route(
        name="proposeCharter",
        method="POST",
        path="/v1/federation/proposals",
        handler=propose,
        auth=Auth.CREDENTIAL,
        roles=_PROPOSERS,
        lane=Lane.WRITES,
        summary="Ask a second person for the next version of the charter",
        body=ChangeRequest,
        limit=512 * KIB,
        answer=ActAnswer,
        refusals=_GONE,
    ),
    Route(
        name="reshare",
        method="POST",
        path="/v1/federation/reshare",
        handler=reshare,
        auth=Auth.CREDENTIAL,
        roles=firsts_of(Act.KEY_ROTATION),
        lane=Lane.WRITES,
        summary="Ask a second person to have the key shared anew",
        body=ReshareRequest,
        limit=4 * KIB,
        answer=ActAnswer,
        refusals=_NONE,
    ),
    Route(
        name="signCharter",
        method="POST",
        path="/v1/federation/proposals/{proposal}/sign",
        handler=sign,
        auth=Auth.CREDENTIAL,
        roles=_PROPOSERS,
        lane=Lane.WRITES,
        summary="Ask a second person to sign what a member has proposed",
        path_types=_PROPOSAL,
        answer=ActAnswer,
        refusals=_GONE,
    ),
    Route(
        name="refuseCharter",
        method="POST",
        path="/v1/federation/proposals/{proposal}/refuse",
        handler=refuse,
        auth=Auth.CREDENTIAL,
        roles=_PROPOSERS,
        lane=Lane.WRITES,
        summary="Ask a second person to promise never to sign a proposal",
        path_types=_PROPOSAL,
        answer=ActAnswer,
        refusals=_GONE,
    ),
    Route(
        name="quarantine",
        method="POST",
        path="/v1/federation/quarantines",
        handler=quarantine,
        auth=Auth.CREDENTIAL,
        roles=_PROPOSERS,
        lane=Lane.WRITES,
        summary="Set aside what came from a member after a moment",
        body=QuarantineRequest,
        limit=4 * KIB,
        answer=QuarantineAnswer,
        refusals=frozenset({404}),
    ),
    Route(
        name="endQuarantine",
        method="POST",
        path="/v1/federation/quarantines/{member}/end",
        handler=end_quarantine,
        auth=Auth.CREDENTIAL,
        roles=_PROPOSERS,
        lane=Lane.WRITES,
        summary="Ask a second person to let what is set aside match again",
        path_types=_MEMBER,
        answer=ActAnswer,
        refusals=_GONE,
    ),
)
