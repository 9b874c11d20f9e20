# SPDX-License-Identifier: Apache-2.0
"""A member's attestation that an identifier is the person's (protocol 3.9).

The provider's back-end says how and on which day it has verified the identifier, and
when the person has logged in again. A log-in alone proves no IBAN, number or address:
what somebody typed into a profile is nobody's. Usernames and device ids only the
provider of their namespace knows. Whether it speaks the truth nobody else can see, so
what it contests has a small budget at every member (`disputes.attested_a_day`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from fedsafe_federation.errors import IdentifierError
from fedsafe_federation.identifiers.namespaces import resolve_namespace
from fedsafe_node.acts.requests import (
    Attestation,
    NewRightsRequest,
    Verified,
)
from fedsafe_node.ground.config import Config
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.keys.lookup_items import Person
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import Span
from fedsafe_policies.vocabulary import IdentifierKind

LOGIN: Final = 5 * 60
"""So many seconds before it is attested, the person has logged in at most."""
LONGEST: Final = Span.parse("24 months")
"""So old a verification may be of a kind that does not age by the policy."""
_SKEW: Final = 5  # seconds by which two clocks of one provider may differ
_WAYS: Final[Mapping[IdentifierKind, Verified]] = {
    IdentifierKind.EMAIL: Verified.MAILED_CODE,
    IdentifierKind.PHONE: Verified.SENT_CODE,
    IdentifierKind.PAYMENT: Verified.TRANSFER,
    IdentifierKind.USERNAME: Verified.OWN_NAMESPACE,
    IdentifierKind.DEVICE: Verified.OWN_NAMESPACE,
}


def read_attestation(
    request: NewRightsRequest,
    person: Person,
    config: Config,
    policy: Policy,
    now: datetime,
) -> Attestation:
    """Read what a back-end attests, and check it as far as this node can.

    Raises:
        BadRequestError: it attests nothing, not what this kind takes, another's
            namespace, a verification that is too old, or a log-in that is.
    """
    if request.checked is not None:
        raise BadRequestError(
            "not_attested",
            Phrase(
                "a back-end cannot report an identity check (checked), because "
                "such a check needs two people"
            ),
            pointer="/checked",
        )
    if request.attested is None or request.control != "account_login":
        raise BadRequestError(
            "not_attested",
            Phrase(
                "the back-end must say what it has verified: set `control` "
                "to account_login, and give in `attested` how and on which "
                "day it verified the identifier, and when the person "
                "logged in again"
            ),
            pointer="/attested" if request.attested is None else "/control",
        )
    given, kind = request.attested, person.canonical.kind
    _check_way(given, kind)
    if given.verified is Verified.OWN_NAMESPACE:
        _check_namespace(person, config)
    _check_day(given, kind, policy, now)
    age = int(now.timestamp()) - given.logged_in_at
    if not -_SKEW <= age <= LOGIN:
        raise BadRequestError(
            "stale_login",
            Phrase(
                "the time of the log-in is not valid: let the person log "
                "in again, which counts for {seconds} seconds; give the "
                "time of the log-in in seconds since 1970"
            ).filled(seconds=LOGIN),
            pointer="/attested/logged_in_at",
        )
    return given


def _check_way(given: Attestation, kind: IdentifierKind) -> None:
    wanted = _WAYS.get(kind)
    if wanted is None:
        raise BadRequestError(
            "not_attestable",
            Phrase(
                "no account can show whose identifier of this kind it is: "
                "an officer must check the person's identity"
            ),
            pointer="/about/kind",
        )
    if given.verified is not wanted:
        raise BadRequestError(
            "bad_verification",
            Phrase(
                "an identifier of the kind {kind} must have been verified by {wanted}"
            ).filled(kind=kind.name.lower(), wanted=wanted.value),
            pointer="/attested/verified",
        )


def _check_namespace(person: Person, config: Config) -> None:
    about = person.canonical
    space, _, _ = about.value.partition(":")
    if space not in own_namespaces(config, about.kind):
        raise BadRequestError(
            "other_namespace",
            Phrase(
                "only the provider that owns a namespace can attest names "
                "in it; this node's own namespaces are listed in "
                "`provider.namespaces` in node.toml"
            ),
            pointer="/about/namespace",
        )


def _check_day(
    given: Attestation, kind: IdentifierKind, policy: Policy, now: datetime
) -> None:
    today = now.astimezone(UTC).date()
    ages = policy.document.ageing.get(kind.name.lower(), LONGEST)  # type: ignore[call-overload]
    if given.verified_on > today:
        raise BadRequestError(
            "bad_date",
            Phrase("the day must not be in the future (UTC)"),
            pointer="/attested/verified_on",
        )
    if ages.after(given.verified_on) < today:
        raise BadRequestError(
            "bad_verification",
            Phrase(
                "the identifier may belong to somebody else by now: verify it again"
            ),
            pointer="/attested/verified_on",
        )


def own_namespaces(config: Config, kind: IdentifierKind) -> frozenset[str]:
    """Name the namespaces of a kind that are this provider's."""
    found: set[str] = set()
    for written in config.provider.namespaces:
        try:
            found.add(resolve_namespace(kind, written))
        except IdentifierError:
            continue  # a name of the other kind
    return frozenset(found)
