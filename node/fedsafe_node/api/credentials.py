# SPDX-License-Identifier: Apache-2.0
"""Credentials of services, over HTTP; a token is answered once and kept nowhere."""

from typing import Final

from fedsafe_node.acts.people import (
    CredentialAnswer,
    CredentialName,
    CredentialsAnswer,
    NewCredentialRequest,
    RevokedAnswer,
    RotateRequest,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_OPERATOR: Final = frozenset({Role.OPERATOR})
_CREDENTIAL: Final = {"name": CredentialName}


async def list_credentials(call: Call) -> object:
    """List the credentials."""
    return await call.services.staff.machines.show()


async def add_credential(call: Call) -> object:
    """Add a credential of a service."""
    return await call.services.staff.machines.add(
        call.body(NewCredentialRequest), call.principal
    )


async def rotate_credential(call: Call) -> object:
    """Make a successor of a credential."""
    return await call.services.staff.machines.rotate(
        call.path["name"], call.body(RotateRequest), call.principal
    )


async def revoke_credential(call: Call) -> object:
    """End a credential."""
    return await call.services.staff.machines.revoke(call.path["name"], call.principal)


CREDENTIAL_ROUTES: Final = (
    Route(
        name="listCredentials",
        method="GET",
        path="/v1/credentials",
        handler=list_credentials,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List the credentials, without their secrets",
        answer=CredentialsAnswer,
    ),
    Route(
        name="addCredential",
        method="POST",
        path="/v1/credentials",
        handler=add_credential,
        auth=Auth.CREDENTIAL,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Add a credential of a service, for lookups or for own bans",
        status=201,
        body=NewCredentialRequest,
        limit=4 * KIB,
        answer=CredentialAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="rotateCredential",
        method="POST",
        path="/v1/credentials/{name}/rotate",
        handler=rotate_credential,
        auth=Auth.CREDENTIAL,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Make a successor; both are good during the overlap",
        status=201,
        body=RotateRequest,
        limit=4 * KIB,
        path_types=_CREDENTIAL,
        answer=CredentialAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="revokeCredential",
        method="POST",
        path="/v1/credentials/{name}/revoke",
        handler=revoke_credential,
        auth=Auth.CREDENTIAL,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="End a credential at once",
        path_types=_CREDENTIAL,
        answer=RevokedAnswer,
    ),
)
