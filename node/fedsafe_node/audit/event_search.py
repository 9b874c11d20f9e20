# SPDX-License-Identifier: Apache-2.0
"""Which events of the audit log somebody looks for."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from fedsafe_federation.wire.signed import Seconds
from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.acts.bodies import Message
from fedsafe_node.ground.subject_refs import is_about, join, split
from fedsafe_node.log.audit import ACTOR, DETAIL, SUBJECT
from fedsafe_node.log.event_index import Looked, Name
from fedsafe_policies.vocabulary import PersonReason

MOST_LOOKED_AT = 20_000
Classes = Annotated[str, msgspec.Meta(pattern=r"^[a-z_.,]*$", max_length=4_000)]
RouteName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]+$", max_length=64)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]+$", max_length=64)]


class Wanted(Message, frozen=True):
    """What an event must be like; what is left out says nothing.

    `events` are classes, divided by commas. `after` and `before` are seconds in UTC,
    the second one excluded. An event whose actor is erased has none. `who`, `route` and
    `peer` are of refusals at the API's door, and of whatever else says them. Whoever
    looks for one person, by the pseudonym as `actor`, says why: `person_reason`.
    """

    events: Classes = ""
    outcome: Word | UnsetType = UNSET
    actor: Word | UnsetType = UNSET
    person_reason: PersonReason | UnsetType = UNSET
    who: Word | UnsetType = UNSET
    route: RouteName | UnsetType = UNSET
    peer: Word | UnsetType = UNSET
    after: Seconds | UnsetType = UNSET
    before: Seconds | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of the log is looked at, in which order, and how much is shown.

    Entries `since` to below `until`, the `newest` first or in the order of the log;
    `limit` events at most.
    """

    since: int = 0
    until: int | None = None
    newest: bool = False
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Sieve:
    """A search, made ready to be asked of many events; `subject` is an account."""

    wanted: Wanted
    classes: frozenset[str] | None
    subject: str | None = None

    def looked(self) -> Looked:
        """Say it in the words of the index."""
        wanted, names = self.wanted, list[Name]()
        if self.subject is not None:
            names.append(Name(SUBJECT, "ref", split(self.subject)[1]))
        said = (
            (ACTOR, "name", wanted.actor),
            (DETAIL, "peer", wanted.peer),
            (DETAIL, "route", wanted.route),
            (DETAIL, "who", wanted.who),
        )
        for part, kind, word in said:
            if word is not UNSET:
                names.append(Name(part, kind, word))
        looked = Looked(
            events=self.classes,
            outcome=None if wanted.outcome is UNSET else wanted.outcome,
            after=0 if wanted.after is UNSET else wanted.after,
            names=tuple(names),
        )
        if wanted.before is UNSET:
            return looked
        return replace(looked, before=wanted.before)

    def fits(self, event: AuditEvent) -> bool:
        """Whether an event is looked for."""
        wanted = self.wanted
        if self.classes is not None and event.event not in self.classes:
            return False
        if self.subject is not None and not is_about(_account(event), self.subject):
            return False
        said = event.detail or {}
        words = (
            (wanted.outcome, event.outcome),
            (wanted.actor, event.actor),
            (wanted.peer, event.peer),
            (wanted.who, said.get("who")),
            (wanted.route, said.get("route")),
        )
        if any(word is not UNSET and word != found for word, found in words):
            return False
        moment = datetime.fromisoformat(event.at).timestamp()
        if wanted.after is not UNSET and moment < wanted.after:
            return False
        return wanted.before is UNSET or moment < wanted.before


def _account(event: AuditEvent) -> str | None:
    if event.subject_ref is None or event.service is None:
        return event.subject_ref
    return join(event.service, event.subject_ref)
