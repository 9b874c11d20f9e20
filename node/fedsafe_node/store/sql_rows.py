# SPDX-License-Identifier: Apache-2.0
"""From raw rows to the store's types, in the order of their columns."""

from typing import Any, Final

from fedsafe_node.store.rows import (
    CredentialRow,
    DraftRow,
    DraftState,
    NamedRow,
    PeerRow,
    PeerState,
    RestrictionRow,
    SealedOpening,
    SignalRow,
    SignalStatus,
)

SIGNAL_COLUMNS: Final = (
    "row, signal_id, origin, plane, scope, epoch, generation, media_kind, token, "
    "match_until, erase_after, status, own, log, idx, grp"
)


def sealed_row(row: Any) -> SealedOpening:  # noqa: ANN401 - a raw row
    """Read an opening as stored."""
    index, group, period, sealed, erased_at = row
    return SealedOpening(
        index=index, group=group, period=period, sealed=sealed, erased_at=erased_at
    )


def signal_row(row: Any) -> SignalRow:  # noqa: ANN401 - a raw row
    """Read a signal."""
    return SignalRow(
        row=row[0],
        signal_id=row[1],
        origin=row[2],
        plane=row[3],
        scope=row[4],
        epoch=row[5],
        generation=row[6],
        media_kind=row[7],
        token=row[8],
        match_until=row[9],
        erase_after=row[10],
        status=SignalStatus(row[11]),
        own=bool(row[12]),
        log=row[13],
        index=row[14],
        group=row[15],
    )


def restriction_row(row: Any) -> RestrictionRow:  # noqa: ANN401 - a raw row
    """Read a restriction statement."""
    digest, origin, author, sequence, effect, statement = row
    return RestrictionRow(
        digest=digest,
        origin=origin,
        author=author,
        sequence=sequence,
        effect=effect,
        statement=statement,
    )


def named_row(row: Any) -> NamedRow:  # noqa: ANN401 - a raw row
    """Read a name that a statement restricts."""
    origin, signal_id, effect, digest = row
    return NamedRow(origin=origin, signal_id=signal_id, effect=effect, digest=digest)


def draft_row(row: Any) -> DraftRow:  # noqa: ANN401 - a raw row
    """Read a draft."""
    return DraftRow(
        signal_id=row[0],
        author=row[1],
        created_at=row[2],
        period=row[3],
        sealed=row[4],
        state=DraftState(row[5]),
        decided_by=row[6],
        decided_at=row[7],
        plane=row[8],
        scope=row[9],
    )


def peer_row(row: Any) -> PeerRow:  # noqa: ANN401 - a raw row
    """Read a peer."""
    origin, cursor, root, checkpoint, synced_at, state = row
    return PeerRow(
        origin=origin,
        cursor=cursor,
        root=root,
        checkpoint=checkpoint,
        synced_at=synced_at,
        state=PeerState(state),
    )


def credential_row(row: Any) -> CredentialRow:  # noqa: ANN401 - a raw row
    """Read a credential."""
    return CredentialRow(
        id=row[0],
        name=row[1],
        role=row[2],
        secret_hash=row[3],
        created_at=row[4],
        expires_at=row[5],
    )
