# SPDX-License-Identifier: Apache-2.0
"""What a store promises about people; part of `Reader` and `Transaction`."""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.store.people_rows import (
    ActRow,
    ActState,
    GrantRow,
    IdentityRow,
    PersonRow,
    SessionRow,
    TermsRow,
    ThrottleRow,
    TrainingRow,
)


class PeopleReader(Protocol):
    """Reads accounts, roles, training, sessions and acts that wait."""

    async def person(self, person_id: str) -> PersonRow | None:
        """Return a person by id."""
        ...

    async def person_named(self, name: str) -> PersonRow | None:
        """Return a person by name."""
        ...

    async def persons(self) -> list[PersonRow]:
        """Return all persons by name."""
        ...

    async def grants_of(self, person_id: str) -> list[GrantRow]:
        """Return a person's grants, past and future ones included, oldest first."""
        ...

    async def trainings_of(self, person_id: str) -> list[TrainingRow]:
        """Return a person's training records, expired ones included."""
        ...

    async def recovery_codes_left(self, person_id: str) -> int:
        """Count a person's recovery codes that were not used."""
        ...

    async def session(self, session_id: str) -> SessionRow | None:
        """Return a session."""
        ...

    async def throttle(self, key: str) -> ThrottleRow | None:
        """Return the failed logins under a blinded name."""
        ...

    async def act(self, act_id: str) -> ActRow | None:
        """Return an act that takes two persons."""
        ...

    async def acts(
        self, state: ActState, limit: int, after: ActRow | None = None
    ) -> list[ActRow]:
        """Return acts of a state, oldest first, that were asked for after another."""
        ...

    async def terms_of(self, credential_id: str) -> TermsRow | None:
        """Return what a credential is good for."""
        ...

    async def identity(self, issuer: str, subject: str) -> IdentityRow | None:
        """Return whose identity this is."""
        ...


class PeopleWriter(Protocol):
    """Keeps accounts, roles, training, sessions and acts that wait."""

    async def add_person(self, person: PersonRow) -> None:
        """Keep a new person.

        Raises:
            ConflictError: the name was given before.
        """
        ...

    async def set_person(self, person: PersonRow) -> bool:
        """Replace what is kept of a person but name and id; False if unknown."""
        ...

    async def add_grant(self, grant: GrantRow) -> None:
        """Keep a grant; an older one of the same role ends as this one begins."""
        ...

    async def end_grant(self, number: int, at: int) -> None:
        """Let a grant end at a moment; one that ends before is left alone."""
        ...

    async def add_training(self, training: TrainingRow) -> None:
        """Keep a training record."""
        ...

    async def set_recovery_codes(self, person_id: str, hashes: Sequence[bytes]) -> None:
        """Replace a person's recovery codes."""
        ...

    async def spend_recovery_code(self, person_id: str, code_hash: bytes) -> bool:
        """Use a recovery code up; False if there is no such code."""
        ...

    async def put_session(self, session: SessionRow) -> None:
        """Keep a session, or how it stands now."""
        ...

    async def remove_session(self, session_id: str) -> bool:
        """End a session; False if there was none."""
        ...

    async def remove_sessions_of(self, person_id: str) -> int:
        """End all sessions of a person; return how many."""
        ...

    async def forget_sessions(self, *, seen: int, began: int) -> int:
        """Drop sessions last seen, or begun, before these moments; return how many."""
        ...

    async def put_throttle(self, throttle: ThrottleRow) -> None:
        """Keep a count of failed logins."""
        ...

    async def remove_throttle(self, key: str) -> bool:
        """Drop a count of failed logins; False if there was none."""
        ...

    async def forget_throttles(self, before: int) -> int:
        """Drop counts last changed before a moment; return how many."""
        ...

    async def add_act(self, act: ActRow) -> None:
        """Keep an act that waits for a second person."""
        ...

    async def decide_act(
        self, act_id: str, state: ActState, *, by: str, at: int
    ) -> bool:
        """Decide a pending act and drop its content; False if none is pending.

        Raises:
            ConflictError: whoever asked for it also approves it.
        """
        ...

    async def add_terms(self, terms: TermsRow) -> None:
        """Keep what a credential is good for; removed together with it."""
        ...

    async def set_credential_expiry(self, credential_id: str, at: int) -> bool:
        """Let a credential end at a moment; False if there is none."""
        ...

    async def add_identity(self, identity: IdentityRow) -> None:
        """Keep who somebody is at an issuer.

        Raises:
            ConflictError: the identity, or the person's place there, is taken.
        """
        ...

    async def remove_identities_of(self, person_id: str) -> int:
        """Forget who somebody is at all issuers; return how many."""
        ...
