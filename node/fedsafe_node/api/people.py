# SPDX-License-Identifier: Apache-2.0
"""People and their roles, over HTTP: accounts, grants, training, staffing."""

from typing import Final

from fedsafe_node.acts.people import (
    AccountAnswer,
    AccountsAnswer,
    NewAccountRequest,
    PersonName,
    RoleAnswer,
    RoleRequest,
    SessionsEndedAnswer,
    SetUpCodeAnswer,
    StaffingAnswer,
    TrainingRequest,
    TrainingsAnswer,
    TrainingShown,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_node.people.role_grants import GRANTERS
from fedsafe_policies.vocabulary import Role

_OPERATOR: Final = frozenset({Role.OPERATOR})
_STOPPERS: Final = GRANTERS  # who may lock somebody out, or take a role away
_PERSON: Final = {"name": PersonName}


async def list_accounts(call: Call) -> object:
    """List the accounts."""
    return await call.services.staff.accounts.show()


async def add_account(call: Call) -> object:
    """Add an account."""
    return await call.services.staff.accounts.add(
        call.body(NewAccountRequest), call.principal
    )


async def lock_account(call: Call) -> object:
    """Lock an account."""
    return await call.services.staff.accounts.lock(call.path["name"], call.principal)


async def end_sessions_of(call: Call) -> object:
    """End all sessions of somebody."""
    return await call.services.staff.sessions.end_all_of(
        call.path["name"], call.principal
    )


async def reset_account(call: Call) -> object:
    """Let a person set up anew."""
    return await call.services.staff.accounts.reset(call.path["name"], call.principal)


async def grant_role(call: Call) -> object:
    """Grant a role, or ask for it."""
    return await call.services.staff.granting.grant(
        call.body(RoleRequest), call.principal
    )


async def end_role(call: Call) -> object:
    """Take a role away."""
    return await call.services.staff.granting.end(
        call.body(RoleRequest), call.principal
    )


async def list_training(call: Call) -> object:
    """List the training records."""
    return await call.services.staff.training.show()


async def record_training(call: Call) -> object:
    """Record a training."""
    return await call.services.staff.training.add(
        call.body(TrainingRequest), call.principal
    )


async def check_staffing(call: Call) -> object:
    """Check whether the people suffice."""
    return await call.services.staff.staffing.check()


PEOPLE_ROUTES: Final = (
    Route(
        name="listAccounts",
        method="GET",
        path="/v1/accounts",
        handler=list_accounts,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List the accounts and their roles",
        answer=AccountsAnswer,
    ),
    Route(
        name="addAccount",
        method="POST",
        path="/v1/accounts",
        handler=add_account,
        auth=Auth.CREDENTIAL,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Add an account without a role, and get a code for its person",
        status=201,
        body=NewAccountRequest,
        limit=4 * KIB,
        answer=SetUpCodeAnswer,
        refusals=frozenset({409}),
    ),
    Route(
        name="lockAccount",
        method="POST",
        path="/v1/accounts/{name}/lock",
        handler=lock_account,
        auth=Auth.CREDENTIAL,
        roles=_STOPPERS,
        lane=Lane.WRITES,
        summary="Lock an account and end its sessions",
        path_types=_PERSON,
        answer=AccountAnswer,
    ),
    Route(
        name="endSessionsOf",
        method="POST",
        path="/v1/accounts/{name}/log-out",
        handler=end_sessions_of,
        auth=Auth.CREDENTIAL,
        roles=_STOPPERS,
        lane=Lane.WRITES,
        summary="End all sessions of somebody, and leave the account as it is",
        path_types=_PERSON,
        answer=SessionsEndedAnswer,
    ),
    Route(
        name="resetAccount",
        method="POST",
        path="/v1/accounts/{name}/reset",
        handler=reset_account,
        auth=Auth.CREDENTIAL,
        roles=_OPERATOR,
        lane=Lane.WRITES,
        summary="Let a person set up anew; secrets, sessions and roles end",
        path_types=_PERSON,
        answer=SetUpCodeAnswer,
    ),
    Route(
        name="grantRole",
        method="POST",
        path="/v1/roles",
        handler=grant_role,
        auth=Auth.CREDENTIAL,
        roles=GRANTERS,
        lane=Lane.WRITES,
        summary="Grant a role, or ask a second person to approve it",
        body=RoleRequest,
        limit=4 * KIB,
        answer=RoleAnswer,
        refusals=frozenset({404, 409}),
    ),
    Route(
        name="endRole",
        method="POST",
        path="/v1/roles/end",
        handler=end_role,
        auth=Auth.CREDENTIAL,
        roles=_STOPPERS,
        lane=Lane.WRITES,
        summary="Take a role away at once",
        body=RoleRequest,
        limit=4 * KIB,
        answer=RoleAnswer,
        refusals=frozenset({404}),
    ),
    Route(
        name="listTraining",
        method="GET",
        path="/v1/training",
        handler=list_training,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List the training records",
        answer=TrainingsAnswer,
    ),
    Route(
        name="recordTraining",
        method="POST",
        path="/v1/training",
        handler=record_training,
        auth=Auth.CREDENTIAL,
        roles=GRANTERS,
        lane=Lane.WRITES,
        summary="Record a training of another person",
        status=201,
        body=TrainingRequest,
        limit=4 * KIB,
        answer=TrainingShown,
        refusals=frozenset({404}),
    ),
    Route(
        name="checkStaffing",
        method="GET",
        path="/v1/staffing",
        handler=check_staffing,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="Check whether the people suffice for the policy",
        answer=StaffingAnswer,
    ),
)
