# SPDX-License-Identifier: Apache-2.0
"""Credentials: named, with one role, shown once, stored as a hash.

A credential is `fs1_` and 32 random bytes in base64url. It has the entropy of a
key, so a plain SHA-256 hides it; there is nothing to guess.

Four eyes are told apart by the names of credentials: a person has one. That two
names are two people is the operator's word; names that look alike are refused, so
that the log shows who is who.
"""

import base64
import hashlib
import re
import unicodedata
from secrets import token_bytes
from typing import Final

from fedsafe_node.clock import Clock
from fedsafe_node.errors import BadRequestError, ConflictError, ForbiddenError
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.principal import Principal
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.rows import CredentialRow
from fedsafe_policies.vocabulary import Role

_PREFIX: Final = "fs1_"
_SECRET_BYTES: Final = 32
RESERVED: Final = frozenset({"local", "setup", "expiry"})
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,31}")
_ALIKE: Final = str.maketrans({"0": "o", "1": "l", ".": "", "-": "", "_": ""})


def new_credential() -> tuple[str, bytes]:
    """Make a credential: what its holder gets, and the hash that is stored."""
    secret = base64.urlsafe_b64encode(token_bytes(_SECRET_BYTES)).rstrip(b"=")
    token = _PREFIX + secret.decode()
    return token, _hash(token)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def check_name(name: str) -> None:
    """Check the name of a credential; a few stand for the node itself.

    Raises:
        BadRequestError: the name does not fit.
    """
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise BadRequestError(
            "bad_name",
            "a name is a-z, 0-9, dot, dash, at most 32 characters, and not "
            + ", ".join(sorted(RESERVED)),
        )


def look_of(name: str) -> str:
    """Return what names have in common that a reader takes for the same."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return plain.translate(_ALIKE)


class People:
    """Finds whose credential a token is, and adds new ones."""

    def __init__(self, store: Store, trail: AuditTrail, clock: Clock) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock

    async def authenticate(self, token: str) -> Principal:
        """Find whose credential this is.

        The hash is the key of the row, so what is compared byte by byte is a
        hash that an attacker cannot steer.

        Raises:
            ForbiddenError: unknown or expired.
        """
        digest = _hash(token)
        row = await self._store.read(lambda reader: reader.credential(digest.hex()))
        now = int(self._clock.now().timestamp())
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            raise ForbiddenError(
                "the credential is unknown or expired", authenticated=False
            )
        return Principal(row.name, Role(row.role))

    async def add(self, name: str, role: Role, *, by: str) -> str:
        """Add a credential; returns the token, which is shown once.

        Raises:
            BadRequestError: the name does not fit.
            ConflictError: the name is taken, or looks like one that is.
        """
        check_name(name)
        look = look_of(name)
        now = self._clock.now()
        token, digest = new_credential()
        row = CredentialRow(
            id=digest.hex(),
            name=name,
            role=role.value,
            secret_hash=digest,
            created_at=int(now.timestamp()),
        )
        entry = self._trail.entry(
            Event.CREDENTIAL_ADDED,
            at=now,
            actor=by,
            detail={"name": name, "role": role.value},
        )

        async def act(tx: Transaction) -> None:
            if look in {look_of(known.name) for known in await tx.credentials()}:
                raise ConflictError
            await tx.add_credential(row)
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)
        return token
