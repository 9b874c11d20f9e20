# SPDX-License-Identifier: Apache-2.0
"""Credentials of services: each for one scope, and for an end.

A lookup credential names the purposes that it is good for (P8). The token is shown
once and kept as a hash. A rotation makes a successor for the same service, and both
are good for a while; nothing has to stop for it.

A service has a name of its own, which outlives its credentials: what an application
calls its accounts counts under it (`ground/subject_refs.py`), and so do its budgets.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.people import (
    CredentialAnswer,
    CredentialsAnswer,
    CredentialScope,
    CredentialShown,
    NewCredentialRequest,
    RevokedAnswer,
    RotateRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.approvals import may_stand_by
from fedsafe_node.people.credentials import LONGEST, new_credential
from fedsafe_node.people.names import (
    check_free_name,
    check_service_name,
    holder_of,
    is_reserved,
    remember_holder,
)
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import withdraw_acts_of
from fedsafe_node.store.people_rows import TermsRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import CredentialRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose, Role

_NUMBER: Final = re.compile(r"~\d+")


class Machines:
    """Adds, rotates, revokes and lists credentials."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def add(
        self, request: NewCredentialRequest, who: Principal
    ) -> CredentialAnswer:
        """Add a credential of a service.

        Raises:
            BadRequestError: the name stands for the node, purposes and scope do not
                go together, or it would be good for more than a year or never.
            WrongStateError: a credential or person has that name.
        """
        service = request.service or request.name
        _check_names(name=request.name, service=service)
        is_lookup = request.scope is CredentialScope.LOOKUP
        if is_lookup != bool(request.purposes):
            raise BadRequestError(
                "bad_purposes",
                Phrase("a lookup credential has purposes, the others have none"),
                pointer="/purposes",
            )
        self._check_end(request.until)
        terms = TermsRow(
            credential="",
            holder=service,
            scope=request.scope.value,
            purposes=" ".join(sorted(set(request.purposes))),
        )
        office = self._office

        async def act(tx: Transaction) -> CredentialAnswer:
            with _clashes():
                await check_service_name(tx, service)
                is_its_own = request.name == service
                if not is_its_own or await tx.credential_named(service) is not None:
                    await check_free_name(tx, request.name)
            detail: Detail = {"name": request.name, "role": Role.SERVICE.value}
            if service != request.name:
                detail = {**detail, "service": service}
            await office.note(tx, Event.CREDENTIAL_ADDED, who.name, detail)
            return await self._keep(tx, request.name, terms, request.until)

        return await office.store.write(act)

    def _check_end(self, until: int) -> None:
        now = self._office.now()
        if not now < until <= now + LONGEST:
            raise BadRequestError(
                "bad_span",
                Phrase("a credential is good for a year at most"),
                pointer="/until",
            )

    async def _keep(
        self, tx: Transaction, name: str, terms: TermsRow, until: int
    ) -> CredentialAnswer:
        token, digest = new_credential()
        await tx.add_credential(
            CredentialRow(
                id=digest.hex(),
                name=name,
                role=Role.SERVICE.value,
                secret_hash=digest,
                created_at=self._office.now(),
                expires_at=until,
            )
        )
        await tx.add_terms(
            TermsRow(
                credential=digest.hex(),
                holder=terms.holder,
                scope=terms.scope,
                purposes=terms.purposes,
            )
        )
        return CredentialAnswer(
            name=name, holder=terms.holder, token=token, until=until
        )

    async def rotate(
        self, name: str, request: RotateRequest, who: Principal
    ) -> CredentialAnswer:
        """Make a successor with the same terms; the old one ends after the overlap.

        Raises:
            NotFoundError: there is no such credential.
            WrongStateError: it is no service's with a scope, or it has expired, or the
                service is somebody else.
            BadRequestError: the successor would be good for more than a year, or the
                service's name stands for the node.
        """
        self._check_end(request.until)
        if request.service is not None:
            _check_names(service=request.service)
        office, now = self._office, self._office.now()

        async def act(tx: Transaction) -> CredentialAnswer:
            row = await _known(tx, name)
            terms = await tx.terms_of(row.id)
            if terms is None or terms.scope is None:
                raise WrongStateError(
                    "not_rotatable", Phrase("only credentials of services rotate")
                )
            if row.expires_at is None or row.expires_at <= now:
                raise WrongStateError(
                    "credential_expired", Phrase("this credential has expired")
                )
            if request.service is not None:
                with _clashes():
                    await check_service_name(tx, request.service)
                terms = replace(terms, holder=request.service)
            ends = min(row.expires_at, now + request.overlap)
            await tx.set_credential_expiry(row.id, ends)
            taken = {known.name for known in await tx.credentials()}
            base, number = _NUMBER.sub("", name), 2
            while f"{base}~{number}" in taken:
                number += 1
            successor = f"{base}~{number}"
            detail: Detail = {"name": name, "successor": successor, "ends": ends}
            if request.service is not None:
                detail = {**detail, "service": request.service}
            await office.note(tx, Event.CREDENTIAL_ROTATED, who.name, detail)
            return await self._keep(tx, successor, terms, request.until)

        try:
            return await office.store.write(act)
        finally:  # of a commit that failed nobody knows what it has ended
            office.known.forget()

    async def revoke(self, name: str, who: Principal) -> RevokedAnswer:
        """End a credential at once, a person's as well.

        Raises:
            NotFoundError: there is no such credential.
        """
        office = self._office

        async def act(tx: Transaction) -> None:
            row = await _known(tx, name)
            holder = holder_of(row, await tx.terms_of(row.id))
            await tx.remove_credential(row.id)
            detail = {"name": name, "role": row.role}
            await office.note(tx, Event.CREDENTIAL_REVOKED, who.name, detail)
            role = Role(row.role)
            if role is not Role.SERVICE:
                await remember_holder(tx, holder, role)
            if not await may_stand_by(office, tx, holder, role):
                await withdraw_acts_of(office, tx, holder, role, by=who.name)

        try:
            await office.store.write(act)
        finally:
            office.known.forget()
        return RevokedAnswer(name)

    async def show(self) -> CredentialsAnswer:
        """List all credentials by name, without their secrets."""
        now = self._office.now()

        async def query(reader: Reader) -> list[CredentialShown]:
            return [
                _shown(row, await reader.terms_of(row.id), now)
                for row in await reader.credentials()
            ]

        return CredentialsAnswer(await self._office.store.scan(query))


def _check_names(**names: str) -> None:
    for field, name in names.items():
        if is_reserved(name):
            raise BadRequestError(
                "bad_name", Phrase("that name is taken"), pointer=f"/{field}"
            )


@contextmanager
def _clashes() -> Iterator[None]:
    try:
        yield
    except ConflictError:
        raise WrongStateError(
            "name_taken", Phrase("somebody has that name, or one that looks like it")
        ) from None


async def _known(reader: Reader, name: str) -> CredentialRow:
    row = await reader.credential_named(name)
    if row is None:
        raise NotFoundError(Phrase("no such credential"))
    return row


def _shown(row: CredentialRow, terms: TermsRow | None, now: int) -> CredentialShown:
    scope = terms.scope if terms is not None else None
    purposes = terms.purposes.split() if terms is not None else []
    return CredentialShown(
        name=row.name,
        holder=holder_of(row, terms),
        role=Role(row.role),
        scope=CredentialScope(scope) if scope is not None else None,
        purposes=[Purpose(purpose) for purpose in purposes],
        created_at=row.created_at,
        until=row.expires_at,
        expired=row.expires_at is not None and row.expires_at <= now,
    )
