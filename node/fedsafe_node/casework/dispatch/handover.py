# SPDX-License-Identifier: Apache-2.0
"""A sealed package is taken out, for a person to hand over where no channel leads.

Who took it may have handed it over, until they say that they kept it back. That they
took it is kept before they get a byte, so no end of this process loses it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_node.acts.dispatches import PackageAnswer
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.cases.packages import is_recalled
from fedsafe_node.casework.dispatch.package import NONE, mark_of
from fedsafe_node.casework.dispatch.signing import parcel_of
from fedsafe_node.casework.dispatch.view import sends
from fedsafe_node.casework.transports.parcels import MEDIA_TYPES, name_of
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.store.casework_rows import DispatchRow, TakingRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

MOST_TIMES: Final = 50
"""How often one person takes a package out: who goes on without end fills the disk."""


@dataclass(frozen=True, slots=True)
class SealedPackages:
    """Gives sealed packages to people, and notes to whom."""

    keeper: CaseKeeper
    signer: Callable[[], SigningKey] = field(repr=False)

    async def take(
        self, case_id: str, dispatch_id: str, who: Principal
    ) -> PackageAnswer:
        """Give the bytes that a partner's key opens, and nobody else's.

        Raises:
            NotFoundError: there is no such dispatch of this case.
            WrongStateError: it was recalled, is not sealed, or arrived and is gone
                here; the partner's entry is another by now, sending is off, nothing
                says any more what was sealed, or this person took it too often.
            CorruptRowError: what is kept is not what was sealed.
            CorruptLogError: what says that is damaged.
        """
        office = self.keeper.office

        async def act(tx: Transaction) -> PackageAnswer:
            found = await tx.dispatch(dispatch_id)
            if found is None or found.case_id != case_id:
                raise NotFoundError(Phrase("no such dispatch"))
            await _check(tx, found)
            _check_sealed(found)
            parcel = await parcel_of(tx, office.trail.log, found, self.signer())
            await _keep_taking(tx, found, who.name, office.now())
            digest = sha256(parcel.data).hexdigest()
            await office.note(
                tx,
                Event.DISPATCH_TAKEN,
                who.name,
                {
                    "case": case_id,
                    "dispatch": found.id,
                    "partner": found.partner,
                    "digest": digest,
                },
            )
            return PackageAnswer(
                name=name_of(parcel),
                media_type=MEDIA_TYPES[parcel.sealing],
                sha256=digest,
                content=parcel.data,
                signature=parcel.signature,
            )

        return await office.store.write(act)


async def _keep_taking(tx: Transaction, found: DispatchRow, by: str, now: int) -> None:
    """Keep who has the package, and since when.

    Taken once more by the same person it is kept once more: what came of the first one,
    noted afterwards, says nothing of this one.

    Raises:
        WrongStateError: this person has taken it as often as anybody may.
    """
    known = await tx.takings(found.id)
    own = [each for each in known if each.by == by]
    if any(each.at >= now and each.kept_back_at is None for each in own):
        return
    if len(own) >= MOST_TIMES:
        raise WrongStateError(
            "taken_often",
            Phrase(
                "you have taken this package out {most} times: hand over "
                "what you have, or let somebody else take it"
            ).filled(most=MOST_TIMES),
        )
    taking = TakingRow(dispatch_id=found.id, number=len(known) + 1, by=by, at=now)
    await tx.add_taking(taking)


async def _check(reader: Reader, found: DispatchRow) -> None:
    """Refuse what may not be handed over.

    Raises:
        WrongStateError: it may not, and why.
    """
    if await is_recalled(reader, found):
        raise WrongStateError(
            "dispatch_recalled",
            Phrase("this dispatch was recalled: keep the package back"),
        )
    if found.acknowledged_at is not None:
        raise WrongStateError(
            "already_noted",
            Phrase("the partner has acknowledged it, and nothing is kept here"),
        )
    if not await sends(reader):
        raise WrongStateError(
            "sending_off",
            Phrase("all sending is switched off: `fedsafe case sending on`"),
        )
    partner = await reader.partner(found.partner)
    if partner is None or mark_of(partner) != found.mark:
        raise WrongStateError(
            "partner_changed",
            Phrase(
                "the partner's entry is another than the one that it was sealed "
                "for: recall the case, and send it anew"
            ),
        )


def _check_sealed(found: DispatchRow) -> None:
    """Refuse what has nothing to hand over.

    Raises:
        WrongStateError: it is not sealed, or was erased.
    """
    if found.sealed is None and found.sealing != NONE:
        raise WrongStateError("wiped", Phrase("this package was erased with its case"))
    if found.sealed is None:
        raise WrongStateError(
            "no_partner_key",
            Phrase(
                "this partner has no key to seal to: write the paper for it, "
                "`fedsafe case render`"
            ),
        )
