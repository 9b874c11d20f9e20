# SPDX-License-Identifier: Apache-2.0
"""All services about people, put together."""

from collections.abc import Mapping
from dataclasses import dataclass

from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_node.ground.config import Config
from fedsafe_node.people.accounts import Accounts
from fedsafe_node.people.approvals import Approvals, Effect
from fedsafe_node.people.demonstration import Demonstration
from fedsafe_node.people.identity_provider import Identities
from fedsafe_node.people.identity_web import ProviderWeb
from fedsafe_node.people.office import Office
from fedsafe_node.people.passkeys import Passkeys
from fedsafe_node.people.role_grants import Granting, RoleGrant
from fedsafe_node.people.service_credentials import Machines
from fedsafe_node.people.sessions import Sessions
from fedsafe_node.people.staff_levels import Staffing
from fedsafe_node.people.training import Training
from fedsafe_policies.vocabulary import Act


@dataclass(frozen=True, slots=True)
class Staff:
    """The services; each act writes its own audit event."""

    accounts: Accounts
    sessions: Sessions
    training: Training
    granting: Granting
    approvals: Approvals
    machines: Machines
    staffing: Staffing
    identities: Identities
    passkeys: Passkeys
    demonstration: Demonstration


def make_staff(
    office: Office,
    config: Config,
    web: ProviderWeb,
    effects: Mapping[Act, Effect],
    seen: SeenNonces,
) -> Staff:
    """Put the services about people together; `web` leads to their provider.

    `effects` are what approvals of acts do that are not about people.
    """
    approvals = Approvals(office, {Act.ROLE_GRANT: RoleGrant(office), **effects})
    sessions = Sessions(office)
    origin = None if config.desk is None else config.desk.origin
    return Staff(
        accounts=Accounts(office),
        sessions=sessions,
        training=Training(office),
        granting=Granting(office, approvals),
        approvals=approvals,
        machines=Machines(office),
        staffing=Staffing(office),
        identities=Identities(office, sessions, config.oidc, web, seen, desk=origin),
        passkeys=Passkeys(office, sessions, origin),
        demonstration=Demonstration(office, sessions, origin),
    )
