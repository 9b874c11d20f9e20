# SPDX-License-Identifier: Apache-2.0
"""The versions of the charter as the store keeps them.

The newest is the document `charter`; each one that it took the place of lies beside it
under its number. Whatever takes up a new version does so in one act with its event.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from fedsafe_federation.charter.amendment import (
    Blame,
    Refusal,
    Version,
    blame,
    open_first,
    verify_chain,
)
from fedsafe_federation.charter.bundles import bundle_of, size_of
from fedsafe_federation.charter.charter import (
    Charter,
    Member,
    SignedCharter,
    charter_digest,
)
from fedsafe_federation.errors import FederationError, MalformedError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction

CHARTER_DOCUMENT: Final = "charter"
KEYS_DOCUMENT: Final = "charter-keys"
"""Written when key files change under one version: processes read them again."""
_FORK_DOCUMENT: Final = "charter-fork"
_REFUSALS: Final = "refusals"
_MOST_BYTES: Final = 2 * 1024 * 1024
T = TypeVar("T")


async def read_chain(reader: Reader) -> list[SignedCharter]:
    """Read all versions, the first one first; empty without a federation."""
    newest = await reader.document(CHARTER_DOCUMENT)
    if newest is None:
        return []
    return [*await read_older(reader), decode(newest, SignedCharter)]


async def read_charters(reader: Reader) -> list[Charter]:
    """Read all versions of the charter that this node holds, the oldest first."""
    return [decode(each.payload, Charter) for each in await read_chain(reader)]


async def read_back(reader: Reader) -> list[Charter]:
    """Read all versions of the charter that this node holds, the newest first."""
    return (await read_charters(reader))[::-1]


def opened_under(charters: Sequence[Charter], open_: Callable[[Charter], T]) -> T:
    """Open what was signed by a member of today, or by one that has parted since.

    For what was accepted while its author was a member. *charters* begin with the
    newest, which says why it cannot be opened if no other lets it be.

    Raises:
        FederationError: no version lists a member that signed it.
    """
    newest, *older = charters
    try:
        return open_(newest)
    except FederationError:
        for charter in older:
            with suppress(FederationError):
                return open_(charter)
        raise


def parted(charters: Sequence[Charter], me: str) -> Mapping[str, tuple[int, Member]]:
    """Name who is in no federation with *me* any more, since which version.

    With the entry of the other in the last version that listed both.
    """
    found: dict[str, tuple[int, Member]] = {}
    together: dict[str, Member] = {}
    for charter in charters:
        listed = {each.name: each for each in charter.members}
        now = listed if me in listed else {}
        for name, member in together.items():
            if name not in now:
                found[name] = (charter.version, member)
        for name in now:
            found.pop(name, None)
        together = {name: each for name, each in now.items() if name != me}
    return found


async def read_older(reader: Reader) -> list[SignedCharter]:
    """Read the versions before the newest, if that can be read."""
    newest = await reader.document(CHARTER_DOCUMENT)
    if newest is None:
        return []
    try:
        version = decode(decode(newest, SignedCharter).payload, Charter).version
    except MalformedError:
        return []
    older = [await reader.document(_name(number)) for number in range(1, version)]
    return [decode(each, SignedCharter) for each in older if each is not None]


async def read_version(reader: Reader) -> Version | None:
    """Read the newest version, which was verified before it was kept."""
    newest = await reader.document(CHARTER_DOCUMENT)
    if newest is None:
        return None
    payload = decode(newest, SignedCharter).payload
    return Version(decode(payload, Charter), charter_digest(payload))


async def versions_after(reader: Reader, after: int) -> list[SignedCharter]:
    """Give the versions behind one of them, as many as fit into an answer."""
    found: list[SignedCharter] = []
    size = 0
    for document in await read_chain(reader):
        if decode(document.payload, Charter).version <= after:
            continue
        size += size_of(bundle_of(document))
        if found and size > _MOST_BYTES:
            break
        found.append(document)
    return found


async def keep_next(tx: Transaction, document: SignedCharter) -> None:
    """Keep a version that was verified as the one after the newest."""
    newest = await tx.document(CHARTER_DOCUMENT)
    if newest is not None:
        payload = decode(newest, SignedCharter).payload
        await tx.put_document(_name(decode(payload, Charter).version), newest)
    await tx.put_document(CHARTER_DOCUMENT, encode(document))


async def keep_fork(tx: Transaction, document: SignedCharter) -> None:
    """Keep a valid version beside the one of its number that counts here."""
    await tx.put_document(_FORK_DOCUMENT, encode(document))


async def read_fork(reader: Reader) -> SignedCharter | None:
    """Read what was kept as evidence that the charter is forked, if anything."""
    kept = await reader.document(_FORK_DOCUMENT)
    return None if kept is None else decode(kept, SignedCharter)


async def keep_refusals(
    tx: Transaction, number: int, refusals: Sequence[Signed]
) -> None:
    """Keep what members have promised never to sign of versions of a number.

    Who signs such a one after all is named by it: see `amendment.Blame`.
    """
    if refusals:
        await tx.put_document(f"{_REFUSALS}/{number}", encode(list(refusals)))


async def read_refusals(reader: Reader, number: int) -> list[Signed]:
    """Read what members have promised never to sign of versions of a number."""
    kept = await reader.document(f"{_REFUSALS}/{number}")
    return [] if kept is None else decode(kept, list[Signed])


async def read_evidence(reader: Reader) -> list[Signed]:
    """Read the promises about the two versions of a forked number, if it is forked."""
    fork = await read_fork(reader)
    if fork is None:
        return []
    number = decode(fork.payload, Charter).version
    own = (await read_chain(reader))[number - 1]
    digests = {charter_digest(each.payload) for each in (own, fork)}
    kept = await read_refusals(reader, number)
    return [e for e in kept if decode(e.payload, Refusal).charter in digests]


async def forked(reader: Reader) -> tuple[int, Blame] | None:
    """Give the number of which two versions are valid, and who has made them so."""
    fork = await read_fork(reader)
    if fork is None:
        return None
    number = decode(fork.payload, Charter).version
    chain = await read_chain(reader)
    before = chain[number - 2].payload
    trusted = Version(decode(before, Charter), charter_digest(before))
    found = blame(trusted, chain[number - 1], fork, await read_evidence(reader))
    return number, found


def open_chain(documents: Sequence[SignedCharter]) -> Version:
    """Verify a whole chain from version 1 on; give the newest.

    Raises:
        UntrustedError: a quorum or a signature is missing, foreign or bad.
        MalformedError: a version contradicts itself or the one before.
    """
    return verify_chain(open_first(documents[0]), documents[1:])


def _name(version: int) -> str:
    return f"{CHARTER_DOCUMENT}/{version}"
