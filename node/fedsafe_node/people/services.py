# SPDX-License-Identifier: Apache-2.0
"""The services that ask at a node, and whose accounts somebody names.

A service is the holder of its credentials. What it calls an account says nothing of
another's (`ground/subject_refs.py`), so whoever names an account in a request means one
of one service, and where that is not plain has to say which.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_node.ground.subject_refs import join, split
from fedsafe_node.people.names import holder_of
from fedsafe_node.store.reader import Reader
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

LOCAL_SERVICE: Final = LOCAL.name
"""Who opens the node's Unix socket and names no service."""
_LOOKS_UP: Final = frozenset({None, "lookup"})


@dataclass(frozen=True, slots=True)
class Naming:
    """How somebody names accounts: as those of the `service`, or of one they name.

    Who is `bound` is an application, and names no other's. Where several `services`
    ask here there is no usual one.
    """

    service: str | None
    bound: bool = False
    services: frozenset[str] = frozenset()

    @property
    def usual(self) -> str:
        """Whose an account is that nobody names."""
        return self.service or LOCAL_SERVICE

    def subject(self, written: str | None, *, pointer: str) -> str | None:
        """Give the account that a request names; *pointer* is the place of its name.

        Raises:
            BadRequestError: it is another application's, or it takes a service.
        """
        return None if written is None else self.named(written, pointer=pointer)

    def named(self, written: str, *, pointer: str = "/subject_ref") -> str:
        """Give the account that is named.

        Raises:
            BadRequestError: it is another application's, or it takes a service.
        """
        given, reference = split(written)
        service = given or self.service
        if service is None:
            known = ", ".join(sorted(self.services))
            raise BadRequestError(
                "service_missing",
                Phrase(
                    "several services ask here ({known}): say of which the "
                    "account is, as {service}/REF"
                ).filled(known=known, service=min(self.services)),
                pointer=pointer,
            )
        if self.bound and service != self.service:
            raise BadRequestError(
                "other_service",
                Phrase("this credential names accounts of {service} only").filled(
                    service=self.service
                ),
                pointer=pointer,
            )
        return join(service, reference)


async def naming_of(reader: Reader, who: Principal) -> Naming:
    """Say how somebody names accounts.

    A service that looks up names its own. People, and credentials that do not look up,
    name those of the only service that does, unless they name one themselves.
    """
    bound = bound_naming(who)
    if bound is not None:
        return bound
    services = await _asking(reader)
    if who.role is Role.SERVICE and who.name in services:
        return Naming(who.name)
    if len(services) > 1:
        return Naming(None, services=services)
    return Naming(_only(services))


def bound_naming(who: Principal) -> Naming | None:
    """Say it without a look into the store, for whom that is enough."""
    if who.role is not Role.SERVICE or who.scope not in _LOOKS_UP:
        return None
    return Naming(who.name, bound=who.name != LOCAL_SERVICE)


async def settled(reader: Reader, subject: str) -> str:
    """Give an account its service, should it have been named before there were any."""
    service, reference = split(subject)
    if service is not None:
        return subject
    return join(_only(await _asking(reader)), reference)


async def _asking(reader: Reader) -> frozenset[str]:
    """Name the services that may look accounts up."""
    found: set[str] = set()
    for row in await reader.credentials():
        if row.role != Role.SERVICE.value:
            continue
        terms = await reader.terms_of(row.id)
        if terms is None or terms.scope in _LOOKS_UP:
            found.add(holder_of(row, terms))
    return frozenset(found)


def _only(services: frozenset[str]) -> str:
    return next(iter(services)) if len(services) == 1 else LOCAL_SERVICE
