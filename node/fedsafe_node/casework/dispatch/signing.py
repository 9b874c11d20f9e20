# SPDX-License-Identifier: Apache-2.0
"""The signature beside a sealed package: made while it is sealed, and kept with it.

Nothing is signed because it lies in the database. What has no signature that counts,
since an older release sealed it or the provider's key was another then, is signed only
if the audit log has named its SHA-256 ever since it was sealed: its openings are sealed
to their places, under keys that lie outside the database.
"""

from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from fedsafe_crypto.errors import SignatureError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.certificates import signing_certificate
from fedsafe_federation.casework.container import MAGIC
from fedsafe_federation.casework.errors import SealedPackageError
from fedsafe_federation.casework.file_signature import sign_file, verify_file
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.casework.transports.parcels import Parcel, Sealing
from fedsafe_node.ground.errors import CorruptLogError, CorruptRowError, WrongStateError
from fedsafe_node.log.audit import DETAIL, Detail, Event, decode_audit_record
from fedsafe_node.log.span import first_since
from fedsafe_node.store.casework_rows import DispatchRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_AT_ONCE: Final = 256
_MOST: Final = 4_096
"""Entries looked at from the second on in which a dispatch was made."""


async def parcel_of(
    tx: Transaction, log: LogName, row: DispatchRow, signer: SigningKey
) -> Parcel:
    """Return a sealed package with what goes beside it, as it is handed over.

    *log* is the audit log. A signature that is new is kept with the dispatch.

    Raises:
        CorruptRowError: what is kept is not what was sealed.
        WrongStateError: it has no signature that counts, and nothing says any more
            what was sealed.
        CorruptLogError: what says that is damaged.
    """
    signature = await _signature(tx, log, row, signer)
    if signature != row.signature:
        await tx.move_dispatch(replace(row, signature=signature))
    return Parcel(
        dispatch=row.id,
        sealing=Sealing(row.sealing),
        data=row.sealed or b"",
        test=row.test,
        reply_token=row.reply_token,
        signature=signature,
    )


async def _signature(
    reader: Reader, log: LogName, row: DispatchRow, signer: SigningKey
) -> bytes | None:
    """Return the signature of a sealed package; None if HPKE seals it."""
    sealed = row.sealed or b""
    if row.sealing == Sealing.HPKE.value:
        if not sealed.startswith(MAGIC):
            raise _changed(row)
        return None
    if _is_signed(row, signer):
        return row.signature
    digest = await _digest_when_sealed(reader, log, row)
    if digest is None:
        raise WrongStateError(
            "not_signed",
            Phrase(
                "this package has no signature of ours, and the audit log does "
                "not say any more what was sealed: recall the case, and send it "
                "anew"
            ),
        )
    if digest != sha256(sealed).hexdigest():
        raise _changed(row)
    try:
        return sign_file(signer, sealed)
    except (SealedPackageError, SignatureError):
        raise _changed(row) from None


def _is_signed(row: DispatchRow, signer: SigningKey) -> bool:
    if row.sealed is None or row.signature is None:
        return False
    try:
        verify_file(signing_certificate(signer), row.sealed, row.signature)
    except SignatureError:
        return False
    return True


def _changed(row: DispatchRow) -> CorruptRowError:
    why = Phrase("the package that it keeps is not the one that was sealed")
    return CorruptRowError("dispatches", None, row.id, why)


async def _digest_when_sealed(
    reader: Reader, log: LogName, row: DispatchRow
) -> str | None:
    """Return the SHA-256 that the event of a dispatch's making names, if it still does.

    Which class an entry is of nobody vouches for here; what its opening says is
    authentic, and no other event names dispatch, package and digest.
    """
    size = await reader.log_size(log)
    first = await first_since(reader, log, size, row.made_at)
    for place in range(first, min(size, first + _MOST), _AT_ONCE):
        records = await reader.records(log, place, _AT_ONCE)
        for index, record in enumerate(records, place):
            if _tells_of_making(log, index, record):
                opening = await reader.opening(log, index, DETAIL)
                said = {} if opening is None else _read(log, index, opening.payload)
                named = said.get("dispatch"), said.get("package")
                if named == (row.id, row.package_id):
                    return str(said.get("digest"))
    return None


def _tells_of_making(log: LogName, index: int, record: bytes) -> bool:
    try:
        return decode_audit_record(record).event is Event.DISPATCH_MADE
    except MalformedError:
        raise CorruptLogError(log, index, Phrase("it is no audit event")) from None


def _read(log: LogName, index: int, payload: bytes) -> Detail:
    try:
        return decode(payload, dict[str, str | int | bool | None])
    except MalformedError:
        raise CorruptLogError(log, index, Phrase("it is no audit event")) from None


# The name of the provider in its own certificate, by which partners verify packages.
#
# It is kept when a node is made, and never changed: with another name the certificate
# would be another one, which no partner has compared. A node from before that was kept
# has a certificate without a name, and goes on with it.

_NAME: Final = "case-certificate-name"


async def name_certificate(tx: Transaction, node: str) -> None:
    """Keep the name of a node that is made."""
    await tx.set_meta(_NAME, node.encode())


async def certificate_name(reader: Reader) -> str | None:
    """Return the name in the certificate; None for one from before."""
    kept = await reader.meta(_NAME)
    return None if kept is None else kept.decode()
