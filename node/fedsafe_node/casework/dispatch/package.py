# SPDX-License-Identifier: Apache-2.0
"""What one partner receives of a case, projected and sealed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.errors import SealedPackageError
from fedsafe_federation.casework.file_signature import sign_file
from fedsafe_federation.casework.sealing import KeyRefusedError, Sender, seal_for
from fedsafe_federation.casework.statement import Document
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.release import code_of_gaps, lacking
from fedsafe_node.ground.errors import WrongStateError, words_of
from fedsafe_node.log.audit import Detail
from fedsafe_node.store.casework_rows import CaseRow, DispatchRow, PartnerRow
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.channels import Channel
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import CasePackage
from fedsafe_policies.escalation.partners import Partner
from fedsafe_policies.escalation.projection import make_package
from fedsafe_policies.ground.catalogue import Phrase, in_turn

TOKEN_BYTES: Final = 18
NONE: Final = "none"
"""Of a partner that has no key: people take the ways by hand, and nothing is sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A package for one partner, sealed if the partner has a key.

    `signature` is of all bytes of the sealed file, and goes beside it if it needs one.
    """

    package: CasePackage = field(repr=False)
    sealing: str
    sealed: bytes | None = field(repr=False)
    signature: bytes | None = None


def mark_of(row: PartnerRow) -> bytes:
    """Return what tells an entry of a partner from any other, verified or not."""
    return sha256(row.record).digest()


def channels_of(entry: Partner) -> list[str]:
    """Name the channels by which the node itself reaches a partner, best first."""
    return [kind_of(each) for each in entry.channels]


def kind_of(channel: Channel) -> str:
    """Name the kind of a channel."""
    return str(type(channel).__struct_config__.tag)


def project_for(
    key: str,
    case: tuple[CaseRow, CaseFile],
    entry: Partner,
    matrix: Matrix,
    now: datetime,
) -> CasePackage:
    """Make the package that a partner receives of a case, under a dispatch's key.

    Raises:
        WrongStateError: the case lacks something for this class of partner.
    """
    found, gaps = lacking(*case, entry.partner_class, matrix)
    if gaps:
        named = Phrase("{element}: {why}")
        said = [named.filled(element=gap.element, why=gap.text) for gap in gaps]
        kinds = [gap.kind for gap in gaps]
        raise WrongStateError(code_of_gaps(kinds), in_turn(said))
    return make_package(
        found,
        package_id=package_id_of(key),
        made_at=now.astimezone(UTC).replace(microsecond=0),
        test=entry.test,
    )


def told_of(row: DispatchRow) -> Detail:
    """Say in an event which dispatch was made."""
    return {
        "case": row.case_id,
        "revision": row.revision,
        "dispatch": row.id,
        "package": row.package_id,
        "partner": row.partner,
        "test": row.test,
        "sealing": row.sealing,
        "digest": "" if row.sealed is None else sha256(row.sealed).hexdigest(),
        **({} if row.called is None else {"called": row.called}),
        **({} if row.recalls is None else {"recalls": row.recalls}),
    }


def package_id_of(key: str) -> UUID:
    """Return the id of the package that goes under a dispatch's key."""
    digest = sha256(f"fedsafe/package/v1\n{key}".encode()).digest()
    return UUID(bytes=digest[:16], version=4)


@dataclass(frozen=True, slots=True)
class Sealer:
    """The key that packages are signed with, and the name in its certificate."""

    signer: SigningKey = field(repr=False)
    name: str | None = None


def seal_for_partner(
    package: CasePackage,
    entry: Partner,
    sealer: Sealer,
    key: str,
    documents: tuple[Document, ...] = (),
) -> Made:
    """Sign a package and seal it to a key of the partner's, under that of a dispatch.

    Raises:
        WrongStateError: media bytes are in it, it is too long, or a key is not fit
            any more.
    """
    if not has_key(entry):
        return Made(package=package, sealing=NONE, sealed=None)
    sender = Sender(
        signer=sealer.signer, dispatch=key, at=package.made_at, provider=sealer.name
    )
    try:
        sealing, sealed = seal_for(entry, package, sender, documents)
        signature = sign_file(
            sealer.signer, sealed
        )  # once: nothing that was kept is signed
    except KeyRefusedError as error:
        raise WrongStateError("bad_partner_key", words_of(error)) from None
    except (CasePackageError, SealedPackageError) as error:
        raise WrongStateError("not_releasable", words_of(error)) from None
    return Made(
        package=package, sealing=sealing.value, sealed=sealed, signature=signature
    )


def has_key(entry: Partner) -> bool:
    """Tell whether a partner has a key of any kind."""
    return (entry.key, entry.certificate, entry.openpgp) != (None, None, None)


def paths_of(package: CasePackage) -> list[str]:
    """Name every field of a package's elements that holds something; no content."""
    found = msgspec.to_builtins(package.elements)
    return sorted(set(_paths(found, "")))


def _paths(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _paths(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _paths(each, f"{path}[]")
    elif value is not None:
        yield path
