# SPDX-License-Identifier: Apache-2.0
"""A sealed package is taken out, for a person to hand over where no channel leads."""

from dataclasses import dataclass
from hashlib import sha256

from fedsafe_node.cases.keeping import CaseKeeper
from fedsafe_node.dispatch.messages import PackageAnswer
from fedsafe_node.errors import NotFoundError, WrongStateError
from fedsafe_node.log.audit import Event
from fedsafe_node.principal import Principal
from fedsafe_node.sending.files import MEDIA_TYPES, name_of
from fedsafe_node.sending.parcels import Parcel, Sealing
from fedsafe_node.store.dispatches_rows import DispatchRow
from fedsafe_node.store.protocol import Transaction
from fedsafe_policies.escalation.dispatching import DispatchState


@dataclass(frozen=True, slots=True)
class SealedPackages:
    """Gives sealed packages to people, and notes to whom."""

    keeper: CaseKeeper

    async def take(
        self, case_id: str, dispatch_id: str, who: Principal
    ) -> PackageAnswer:
        """Give the bytes that a partner's key opens, and nobody else's.

        Raises:
            NotFoundError: there is no such dispatch of this case.
            WrongStateError: it was stopped, is not sealed, or arrived and is gone here.
        """
        office = self.keeper.office

        async def act(tx: Transaction) -> PackageAnswer:
            found = await tx.dispatch(dispatch_id)
            if found is None or found.case_id != case_id:
                raise NotFoundError("dispatch")
            parcel = _parcel(found)
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
            )

        return await office.store.write(act)


def _parcel(found: DispatchRow) -> Parcel:
    """Return what is handed over.

    Raises:
        WrongStateError: nothing may be, or nothing is there.
    """
    if found.state == DispatchState.STOPPED.value:
        raise WrongStateError(
            "wrong_state", "this dispatch was stopped: hand over none"
        )
    if found.acknowledged_at is not None:
        raise WrongStateError(
            "wrong_state", "the partner has acknowledged it, and nothing is kept here"
        )
    if found.sealed is None:
        raise WrongStateError(
            "wrong_state",
            "this partner has no key to seal to: write the paper for it, "
            "`fedsafe case render`",
        )
    return Parcel(
        dispatch=found.id,
        sealing=Sealing(found.sealing),
        data=found.sealed,
        test=found.test,
        reply_token=found.reply_token,
    )
