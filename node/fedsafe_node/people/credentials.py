# SPDX-License-Identifier: Apache-2.0
"""Credentials: named, with one role, shown once, stored as a hash.

A credential is `fs1_` and 32 random bytes in base64url. It has the entropy of a
key, so a plain SHA-256 hides it; there is nothing to guess.

It belongs to one person or service. Who a token stands for is said by `entrance`;
credentials that are bound to a scope are made by `service_credentials`.
"""

import base64
import hashlib
from secrets import token_bytes
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import BadRequestError, ConflictError
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.people.names import (
    check_free_name,
    check_name,
    check_person_name,
    check_service_name,
    look_of,
)
from fedsafe_node.store.people_rows import TermsRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import CredentialRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

_PREFIX: Final = "fs1_"
_SECRET_BYTES: Final = 32
_DAY: Final = 24 * 60 * 60
GOOD_FOR: Final = 90 * _DAY
LONGEST: Final = 366 * _DAY


def new_credential() -> tuple[str, bytes]:
    """Make a credential: what its holder gets, and the hash that is stored."""
    secret = base64.urlsafe_b64encode(token_bytes(_SECRET_BYTES)).rstrip(b"=")
    token = _PREFIX + secret.decode()
    return token, hash_token(token)


class People:
    """Adds credentials of people, and of services without a scope."""

    def __init__(self, store: Store, trail: AuditTrail, clock: Clock) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock

    async def add(
        self,
        name: str,
        role: Role,
        *,
        by: str,
        person: str | None = None,
        until: int | None = None,
    ) -> str:
        """Add a credential; returns the token, which is shown once.

        It belongs to *person*, or to the person or service that it is named for. A
        person's ends by itself, a service's if it says when.

        Raises:
            BadRequestError: the name does not fit, or the end.
            ConflictError: the name is taken, or looks like one that is.
        """
        holder = name if person is None else person
        check_name(name)
        check_name(holder)
        look = look_of(name)
        now = self._clock.now()
        token, digest = new_credential()
        if role is not Role.SERVICE:
            self._trail.know_people(holder)
        row = CredentialRow(
            id=digest.hex(),
            name=name,
            role=role.value,
            secret_hash=digest,
            created_at=int(now.timestamp()),
            expires_at=_end(role, until, int(now.timestamp())),
        )
        entry = self._trail.entry(
            Event.CREDENTIAL_ADDED,
            at=now,
            actor=by,
            detail={
                "name": name,
                "role": role.value,
                "person": holder,
                "until": row.expires_at,
            },
        )

        async def act(tx: Transaction) -> None:
            if look in {look_of(known.name) for known in await tx.credentials()}:
                raise ConflictError
            if role is not Role.SERVICE:
                await check_person_name(tx, holder)
            elif name != holder:
                await check_service_name(tx, holder)
            if role is Role.SERVICE or name != holder:
                await check_free_name(tx, name)
            await tx.add_credential(row)
            await tx.add_terms(TermsRow(credential=row.id, holder=holder))
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)
        return token


def _end(role: Role, until: int | None, now: int) -> int | None:
    if until is None:
        return None if role is Role.SERVICE else now + GOOD_FOR
    if not now < until <= now + LONGEST:
        raise BadRequestError(
            "bad_span",
            Phrase("a credential is good for a year at most"),
            pointer="/until",
        )
    return until


# Secrets that are shown once: set-up codes, recovery codes, session tokens.
#
# They are random and long, so a plain SHA-256 hides them; there is nothing to guess.

SESSION_PREFIX: Final = "fs2_"
RECOVERY_CODES: Final = 10
_CODE_BYTES: Final = 10  # 80 bits: 16 letters in groups of four
_TOKEN_BYTES: Final = 32
_GROUP: Final = 4


def new_code() -> str:
    """Make a code that a person can type, such as `ABCD-EFGH-2345-WXYZ`."""
    text = base64.b32encode(token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def hash_code(code: str) -> bytes:
    """Hash a code as it was typed: small letters, blanks and dashes don't count."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode()).digest()


def new_session_token() -> str:
    """Make the bearer token of a session."""
    secret = base64.urlsafe_b64encode(token_bytes(_TOKEN_BYTES)).rstrip(b"=")
    return SESSION_PREFIX + secret.decode()


def hash_token(token: str) -> bytes:
    """Hash a bearer token."""
    return hashlib.sha256(token.encode()).digest()
