# SPDX-License-Identifier: Apache-2.0
"""Names of people and services: who has which, and which look alike.

Four eyes are told apart by persons' names. Two credentials of one person have one
holder; a name that looks like somebody else's is refused, so that the log shows who
is who. That two names are two people is the operator's word.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from fedsafe_node.ground.errors import BadRequestError, ConflictError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.ground.subject_refs import UNNAMED
from fedsafe_node.store.people_rows import TermsRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import CredentialRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

RESERVED: Final = frozenset(actor.value for actor in Actor)
_HELD: Final = "people/held"
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,31}")
_ALIKE: Final = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "3": "e", "5": "s", ".": "", "-": "", "_": ""}
)


def look_of(name: str) -> str:
    """Return what names have in common that a reader takes for the same."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return plain.translate(_ALIKE).replace("rn", "m").replace("vv", "w")


_RESERVED_LOOKS: Final = frozenset(map(look_of, RESERVED))


def is_reserved(name: str) -> bool:
    """Whether a name stands for the node or for nobody, or looks as if it did."""
    return look_of(name) in _RESERVED_LOOKS or name.startswith(UNNAMED)


def check_name(name: str) -> None:
    """Check the form of a name; a few stand for the node itself.

    Raises:
        BadRequestError: the name does not fit.
    """
    if not _NAME.fullmatch(name) or is_reserved(name):
        raise BadRequestError(
            "bad_name",
            Phrase(
                "a name is a-z, 0-9, dot, dash, at most 32 characters, and not "
                "{reserved}, or like one of these"
            ).filled(reserved=", ".join(sorted(RESERVED))),
        )


def holder_of(row: CredentialRow, terms: TermsRow | None) -> str:
    """Return whom a credential belongs to: without terms, to whom it is named for."""
    return terms.holder if terms is not None else row.name


async def holds_credential(reader: Reader, name: str, role: Role, now: int) -> bool:
    """Whether somebody holds a credential of a role that is good now."""
    for row in await reader.credentials():
        if row.role != role.value or (row.expires_at or now + 1) <= now:
            continue
        if holder_of(row, await reader.terms_of(row.id)) == name:
            return True
    return False


async def holders(reader: Reader, roles: Collection[Role]) -> set[str]:
    """Name who holds, or once held, a credential of one of these roles."""
    kept = await reader.meta(_HELD) or b""
    found = set[str]()
    for word in kept.decode().split():
        role, _, name = word.partition("/")
        if Role(role) in roles:
            found.add(name)
    for row in await reader.credentials():
        if Role(row.role) in roles:
            found.add(holder_of(row, await reader.terms_of(row.id)))
    return found


async def remember_holder(tx: Transaction, name: str, role: Role) -> None:
    """Keep in mind that somebody held a credential of a role that is gone now."""
    words = set((await tx.meta(_HELD) or b"").decode().split())
    words.add(f"{role.value}/{name}")
    await tx.set_meta(_HELD, " ".join(sorted(words)).encode())


async def check_person_name(reader: Reader, name: str) -> None:
    """Check that a name is a person's own, or nobody's yet.

    Raises:
        ConflictError: a service has it, or it looks like somebody else's.
    """
    for known, is_person in await _looking_like(reader, name):
        if known != name or not is_person:
            raise ConflictError("the name is taken, or looks like one that is")


async def check_free_name(reader: Reader, name: str) -> None:
    """Check that nobody has a name.

    Raises:
        ConflictError: somebody has it, or one that looks like it.
    """
    if await _looking_like(reader, name):
        raise ConflictError("the name is taken, or looks like one that is")


async def check_service_name(reader: Reader, name: str) -> None:
    """Check that a name is a service's own, or nobody's yet.

    Raises:
        ConflictError: it is a person's, or another credential's, or looks like one.
    """
    for row in await reader.credentials():
        is_service = row.role == Role.SERVICE.value
        if is_service and holder_of(row, await reader.terms_of(row.id)) == name:
            return
    await check_free_name(reader, name)


async def names_of_people(reader: Reader) -> set[str]:
    """Return the names of all people: who have an account, or hold a credential."""
    names = {person.name for person in await reader.persons()}
    for row in await reader.credentials():
        if row.role != Role.SERVICE.value:
            names.add(holder_of(row, await reader.terms_of(row.id)))
    return names


async def _looking_like(reader: Reader, name: str) -> list[tuple[str, bool]]:
    look, found = look_of(name), list[tuple[str, bool]]()
    for row in await reader.credentials():
        is_person = row.role != Role.SERVICE.value
        holder = holder_of(row, await reader.terms_of(row.id))
        found += [(known, is_person) for known in {row.name, holder}]
    found += [(person.name, True) for person in await reader.persons()]
    return [(known, is_person) for known, is_person in found if look_of(known) == look]
