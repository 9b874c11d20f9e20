# SPDX-License-Identifier: Apache-2.0
"""Passkeys over HTTP: enrolled, kept, and used to log in and to step up.

What a browser is to do (`PasskeyOptions`) and what it brings back are two requests;
between them the node keeps nothing.
"""

from typing import Final

from fedsafe_node.acts.people import (
    PasskeyAnswer,
    PasskeyEnrolment,
    PasskeyId,
    PasskeyLogIn,
    PasskeyName,
    PasskeyOptions,
    PasskeyProof,
    PasskeysAnswer,
    PasskeyShown,
    PasskeyStart,
    SessionAnswer,
    StepUpAnswer,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route

_PASSKEY: Final = {"passkey": PasskeyId}
_PROOF: Final = 40 * KIB


async def begin_passkey(call: Call) -> object:
    """Begin to enrol a passkey."""
    return await call.services.staff.passkeys.begin_enrolment(call.principal)


async def add_passkey(call: Call) -> object:
    """Enrol a passkey."""
    return await call.services.staff.passkeys.enrol(
        call.body(PasskeyEnrolment), call.principal
    )


async def list_passkeys(call: Call) -> object:
    """List the passkeys of whoever asks."""
    return await call.services.staff.passkeys.show(call.principal)


async def name_passkey(call: Call) -> object:
    """Call a passkey something else."""
    return await call.services.staff.passkeys.rename(
        call.path["passkey"], call.body(PasskeyName), call.principal
    )


async def remove_passkey(call: Call) -> object:
    """Remove a passkey."""
    return await call.services.staff.passkeys.remove(
        call.path["passkey"], call.principal
    )


async def begin_log_in(call: Call) -> object:
    """Begin a log-in by passkey."""
    return await call.services.staff.passkeys.begin_log_in(call.body(PasskeyStart))


async def end_log_in(call: Call) -> object:
    """End a log-in by passkey."""
    return await call.services.staff.passkeys.log_in(
        call.body(PasskeyLogIn), call.source
    )


async def begin_step_up(call: Call) -> object:
    """Begin to prove a passkey anew."""
    return await call.services.staff.passkeys.begin_step_up(call.principal)


async def end_step_up(call: Call) -> object:
    """Prove a passkey anew."""
    return await call.services.staff.passkeys.step_up(
        call.body(PasskeyProof), call.principal
    )


PASSKEY_ROUTES: Final = (
    Route(
        name="beginPasskeyLogIn",
        method="POST",
        path="/v1/session/passkey",
        handler=begin_log_in,
        auth=Auth.OPEN,
        lane=Lane.LOGINS,
        summary="Begin a log-in by passkey",
        status=201,
        body=PasskeyStart,
        limit=4 * KIB,
        answer=PasskeyOptions,
        refusals=frozenset({409}),
    ),
    Route(
        name="endPasskeyLogIn",
        method="POST",
        path="/v1/session/passkey/proof",
        handler=end_log_in,
        auth=Auth.OPEN,
        lane=Lane.LOGINS,
        summary="Log in by a passkey, which counts as password and code",
        status=201,
        body=PasskeyLogIn,
        limit=_PROOF,
        answer=SessionAnswer,
        refusals=frozenset({401, 403, 409, 429}),
    ),
    Route(
        name="beginPasskeyStepUp",
        method="POST",
        path="/v1/session/step-up/passkey",
        handler=begin_step_up,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.PROOFS,
        summary="Begin to prove one's own passkey anew",
        answer=PasskeyOptions,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="endPasskeyStepUp",
        method="POST",
        path="/v1/session/step-up/passkey/proof",
        handler=end_step_up,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.PROOFS,
        summary="Prove one's own passkey anew, to approve what takes two people",
        body=PasskeyProof,
        limit=_PROOF,
        answer=StepUpAnswer,
        refusals=frozenset({409, 429}),
    ),
    Route(
        name="beginPasskey",
        method="POST",
        path="/v1/account/passkeys/begin",
        handler=begin_passkey,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.PROOFS,
        summary="Begin to enrol a passkey of one's own",
        answer=PasskeyOptions,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="addPasskey",
        method="POST",
        path="/v1/account/passkeys",
        handler=add_passkey,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.PROOFS,
        summary="Enrol a passkey of one's own",
        status=201,
        body=PasskeyEnrolment,
        limit=_PROOF,
        answer=PasskeyShown,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="listPasskeys",
        method="GET",
        path="/v1/account/passkeys",
        handler=list_passkeys,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List one's own passkeys",
        answer=PasskeysAnswer,
        refusals=frozenset({404}),
    ),
    Route(
        name="namePasskey",
        method="POST",
        path="/v1/account/passkeys/{passkey}/name",
        handler=name_passkey,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="Call one's own passkey something else",
        path_types=_PASSKEY,
        body=PasskeyName,
        limit=4 * KIB,
        answer=PasskeyShown,
    ),
    Route(
        name="removePasskey",
        method="POST",
        path="/v1/account/passkeys/{passkey}/remove",
        handler=remove_passkey,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        fresh=True,
        lane=Lane.WRITES,
        summary="Remove one's own passkey; other sessions end",
        path_types=_PASSKEY,
        answer=PasskeyAnswer,
        refusals=frozenset({409}),
    ),
)
