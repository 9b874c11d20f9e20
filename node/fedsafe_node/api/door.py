# SPDX-License-Identifier: Apache-2.0
"""Tell which refusals of the API are events, and whose (`api.refusal_events`).

Those that say no to whoever asks: no or a wrong credential, a role or a purpose that it
is not for, a statement that was used, too many tries; and, where a signature is wanted,
whatever is wrong with what nobody has proved to have signed. What a service has written
down itself is not written down again. A mistake in the form of another request, and a
node that is busy, are no refusals. Who looks for help leaves no trace, and who asks
about their own rights no address.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.api.auth import Auth
from fedsafe_node.api.codes import Code
from fedsafe_node.api.problems import DENIED
from fedsafe_node.api.refusal_events import KEYLESS, Refused
from fedsafe_node.api.route import Lane, Route
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.ground.trace import Asking
from fedsafe_node.log.audit import Event

REFUSING: Final[Mapping[int, Code]] = {
    401: Code.UNAUTHENTICATED,
    403: Code.FORBIDDEN,
    429: Code.TOO_MANY_TRIES,
}
"""The statuses of refusals, and what they mean where nothing else is said."""

TRACELESS: Final = frozenset({"helpOffers", "helpFragment"})
NAMELESS_LANES: Final = frozenset({Lane.PUBLIC, Lane.MAILS})
"""Lanes of the forms of people who are listed, or who look for help."""

_SIGNED: Final = frozenset({Auth.PEER, Auth.STATEMENT})
_BAD, _FAILED = 400, 500
_STATES: Final = frozenset({409, 426})  # of this node, or of both: nobody is refused
# Whether a login's name is somebody's is not to be told by how long its refusal takes.
_BESIDE: Final = frozenset({Event.SESSION_REFUSED.value})
_OWN: Final = _BESIDE | {Event.DOOR_REFUSED.value}


def refusal_at(
    route: Route, asking: Asking, prefix: str, status: int, code: str = ""
) -> Refused | None:
    """Say which refusal an answer of that status is; None if it is no event.

    *prefix* is that of the address it goes to, empty for the node's own user.
    """
    is_refusal = status in REFUSING or code == Code.STALE_STATEMENT
    if asking.asker is None and route.auth in _SIGNED and not is_refusal:
        is_refusal = _BAD <= status < _FAILED and status not in _STATES
    if not is_refusal or route.name in TRACELESS or asking.events - _BESIDE:
        return None
    reason = code or REFUSING.get(status, Code.BAD_REQUEST).value
    asker = asking.asker
    if asker is not None:
        return Refused(asker.kind, asker.name, "", route.name, reason)
    if not prefix:
        return Refused(LOCAL.name, LOCAL.name, "", route.name, reason)
    kept = "" if route.lane in NAMELESS_LANES else prefix
    return Refused(KEYLESS, "", kept, route.name, reason)


def is_turned_away(asking: Asking, status: int) -> bool:
    """Whether an answer says that whoever asks has no business here.

    A refusal that a service has written down is a decision about what somebody asks
    who may ask, such as a policy's.
    """
    return status == DENIED and not asking.events - _OWN
