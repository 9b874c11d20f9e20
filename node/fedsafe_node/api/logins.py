# SPDX-License-Identifier: Apache-2.0
"""People's way in, over HTTP: logins, sessions and setting an account up.

What these routes answer may hold a secret that is shown once, so no answer is kept
under an Idempotency-Key.
"""

from typing import Final

from fedsafe_node.acts.people import (
    EndedAnswer,
    EnrolmentAnswer,
    LinkedAnswer,
    LinkRequest,
    LinksAnswer,
    LoginRequest,
    RoleChangeRequest,
    SessionAnswer,
    SessionName,
    SessionsAnswer,
    SessionsEndedAnswer,
    SetUpRequest,
    SignOnAnswer,
    SignOnRequest,
    SignOnStart,
    StepUpAnswer,
    StepUpRequest,
    WhoAnswer,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_TRIES: Final = frozenset({401, 403, 429})


async def log_in(call: Call) -> object:
    """Log somebody in."""
    return await call.services.staff.sessions.begin(
        call.body(LoginRequest), call.source
    )


async def make_links(call: Call) -> object:
    """Make the links of a demonstration."""
    return await call.services.staff.demonstration.make_links(call.principal)


async def enter_by_link(call: Call) -> object:
    """Begin a session at a demonstration."""
    return await call.services.staff.demonstration.enter(call.body(LinkRequest))


async def show_self(call: Call) -> object:
    """Say who asks."""
    who = call.principal
    return WhoAnswer(
        name=who.name, role=who.role, session=who.session is not None, fresh=who.fresh
    )


async def step_up(call: Call) -> object:
    """Prove the second factor anew."""
    return await call.services.staff.sessions.step_up(
        call.body(StepUpRequest), call.principal
    )


async def log_out(call: Call) -> object:
    """End the session that asks."""
    return await call.services.staff.sessions.end(call.principal)


async def list_sessions(call: Call) -> object:
    """List the sessions of whoever asks."""
    return await call.services.staff.sessions.show(call.principal)


async def end_session(call: Call) -> object:
    """End one session of whoever asks."""
    return await call.services.staff.sessions.end_named(
        call.path["session"], call.principal
    )


async def end_other_sessions(call: Call) -> object:
    """End all sessions of whoever asks but the one that asks."""
    return await call.services.staff.sessions.end_others(call.principal)


async def change_role(call: Call) -> object:
    """Go on in another role."""
    return await call.services.staff.sessions.change_role(
        call.body(RoleChangeRequest), call.principal
    )


async def set_up(call: Call) -> object:
    """Set an account up, as its own person."""
    return await call.services.staff.accounts.set_up(
        call.body(SetUpRequest), call.source
    )


async def renew_authenticator(call: Call) -> object:
    """Give whoever asks a new authenticator."""
    return await call.services.staff.accounts.renew_authenticator(call.principal)


async def begin_sign_on(call: Call) -> object:
    """Begin a login through a provider of identities."""
    return await call.services.staff.identities.start(call.body(SignOnStart))


async def end_sign_on(call: Call) -> object:
    """End a login through a provider of identities."""
    return await call.services.staff.identities.finish(call.body(SignOnRequest))


async def link_identity(call: Call) -> object:
    """Link an identity to whoever asks."""
    return await call.services.staff.identities.link(
        call.body(SignOnRequest), call.principal
    )


_PROVIDER: Final = frozenset({401, 403, 409})

LOGIN_ROUTES: Final = (
    Route(
        name="beginSignOn",
        method="POST",
        path="/v1/session/oidc",
        handler=begin_sign_on,
        auth=Auth.OPEN,
        lane=Lane.SIGN_ONS,
        summary="Begin a login through the provider of identities",
        status=201,
        body=SignOnStart,
        limit=4 * KIB,
        answer=SignOnAnswer,
        refusals=_PROVIDER,
    ),
    Route(
        name="endSignOn",
        method="POST",
        path="/v1/session/oidc/code",
        handler=end_sign_on,
        auth=Auth.OPEN,
        lane=Lane.SIGN_ONS,
        summary="End it with what the browser came back with",
        status=201,
        body=SignOnRequest,
        limit=4 * KIB,
        answer=SessionAnswer,
        refusals=_PROVIDER,
    ),
    Route(
        name="linkIdentity",
        method="POST",
        path="/v1/account/identity",
        handler=link_identity,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.PROOFS,
        summary="Link an identity at the provider to one's own account",
        body=SignOnRequest,
        limit=4 * KIB,
        answer=LinkedAnswer,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="logIn",
        method="POST",
        path="/v1/session",
        handler=log_in,
        auth=Auth.OPEN,
        lane=Lane.LOGINS,
        summary="Log in with password and one-time code",
        status=201,
        body=LoginRequest,
        limit=4 * KIB,
        answer=SessionAnswer,
        refusals=_TRIES,
    ),
    Route(
        name="makeLinks",
        method="POST",
        path="/v1/demonstration/links",
        handler=make_links,
        auth=Auth.HOUSE,
        roles=frozenset({Role.OPERATOR}),
        lane=Lane.WRITES,
        summary="Make a link to each role of a demonstration, good once",
        status=201,
        answer=LinksAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="enterByLink",
        method="POST",
        path="/v1/demonstration/session",
        handler=enter_by_link,
        auth=Auth.OPEN,
        lane=Lane.LOGINS,
        summary="Begin a session by a link of a demonstration, and use it up",
        status=201,
        body=LinkRequest,
        limit=4 * KIB,
        answer=SessionAnswer,
        refusals=frozenset({401, 403}),
    ),
    Route(
        name="showSession",
        method="GET",
        path="/v1/session",
        handler=show_self,
        auth=Auth.CREDENTIAL,
        roles=frozenset(Role),
        lane=Lane.READS,
        summary="Say who asks, and in which role",
        answer=WhoAnswer,
    ),
    Route(
        name="stepUp",
        bare=True,
        method="POST",
        path="/v1/session/step-up",
        handler=step_up,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.PROOFS,
        summary="Prove the second factor anew, to approve what takes two people",
        body=StepUpRequest,
        limit=4 * KIB,
        answer=StepUpAnswer,
        refusals=frozenset({429}),
    ),
    Route(
        name="logOut",
        bare=True,
        method="POST",
        path="/v1/session/end",
        handler=log_out,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="End the session that asks",
        answer=EndedAnswer,
    ),
    Route(
        name="changeRole",
        method="POST",
        path="/v1/session/role",
        handler=change_role,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="Go on in another role of one's own, under a new token",
        body=RoleChangeRequest,
        limit=4 * KIB,
        answer=SessionAnswer,
    ),
    Route(
        name="listSessions",
        method="GET",
        path="/v1/sessions",
        handler=list_sessions,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List the sessions of whoever asks",
        answer=SessionsAnswer,
    ),
    Route(
        name="endSession",
        method="POST",
        path="/v1/sessions/{session}/end",
        handler=end_session,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="End one session of whoever asks",
        path_types={"session": SessionName},
        answer=SessionsEndedAnswer,
    ),
    Route(
        name="endOtherSessions",
        method="POST",
        path="/v1/sessions/end",
        handler=end_other_sessions,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="End all sessions of whoever asks but the one that asks",
        answer=SessionsEndedAnswer,
    ),
    Route(
        name="setUpAccount",
        method="POST",
        path="/v1/account/setup",
        handler=set_up,
        auth=Auth.OPEN,
        lane=Lane.LOGINS,
        summary="Set an account up with the code that was handed over",
        status=201,
        body=SetUpRequest,
        limit=4 * KIB,
        answer=EnrolmentAnswer,
        refusals=_TRIES,
    ),
    Route(
        name="renewAuthenticator",
        method="POST",
        path="/v1/account/authenticator",
        handler=renew_authenticator,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Get a new authenticator and recovery codes",
        answer=EnrolmentAnswer,
        refusals=frozenset({404}),
    ),
)
