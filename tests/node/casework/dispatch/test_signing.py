# SPDX-License-Identifier: Apache-2.0
"""Nothing is signed, or leaves, because somebody put it into the database."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.databases import Behind
from tests.support.openssl_desk import smime
from tests.support.outbox import HOOK, MAIL, Other
from tests.support.package_desk import ADDRESS, Post
from tests.support.sealed_package import partner, pem

from fedsafe_crypto.errors import SignatureError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.certificates import (
    certificate_fingerprint,
    signing_certificate,
)
from fedsafe_federation.casework.file_signature import sign_file, verify_file
from fedsafe_node.acts.dispatches import PackageAnswer, RecallCase
from fedsafe_node.acts.partners import VerifyPartner
from fedsafe_node.casework.dispatch.handover import SealedPackages
from fedsafe_node.casework.dispatch.outbox import Outbox
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.ground.errors import CorruptLogError, CorruptRowError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.casework_rows import DispatchRow
from fedsafe_policies.escalation.channels import Channel
from fedsafe_policies.escalation.dispatches import (
    DispatchState,
    Outcome,
    RecallReason,
)
from fedsafe_policies.escalation.matrix import shipped_matrix

__all__ = ["ada", "ben", "desk", "tables", "team"]

OTHER: Final = SigningKey.generate()
UNSIGNED: Final = "UPDATE dispatches SET signature = NULL"
"""As what an older release has sealed."""
SILENT: Final = "UPDATE openings SET sealed = NULL, erased_at = 1"
"""As when the audit log says no more than that there was something."""


DAMAGED: Final = "UPDATE entries SET record = x'00'"


class Mailed(Post):
    """A case that was sealed as S/MIME, and waits."""

    def __init__(self, desk: Any, behind: Behind) -> None:  # noqa: ANN401
        super().__init__(desk)
        self.behind = behind
        self.packages = SealedPackages(desk.keeper, lambda: self.signer)
        self.other = Other()
        self.outbox = Outbox(desk.keeper, self.other, lambda: 0.0, lambda: self.signer)

    async def queue(self, ada: Principal, ben: Principal, *channels: Channel) -> str:
        certificate = partner().certificate
        await self.enter(
            ada, None, key=None, certificate=pem(certificate), channels=channels
        )
        call = VerifyPartner(
            revision=1,
            reference="call-1",
            certificate_fingerprint=certificate_fingerprint(certificate),
        )
        await self.partners.verify("bka", call, ben)
        case = await self.approved(ada, ben)
        await self.send(case, ada)
        return case

    async def take(self, case: str, who: Principal) -> PackageAnswer:
        sent = await self.only(case, who)
        return await self.packages.take(case, sent.dispatch, who)

    async def row(self, case: str) -> DispatchRow:
        rows = await self.desk.store.read(lambda reader: reader.dispatches(case))
        return rows[0]

    def signed(self, data: bytes, signature: bytes | None) -> bool:
        """Tell whether the provider has signed that."""
        try:
            verify_file(signing_certificate(self.signer), data, signature or b"")
        except SignatureError:
            return False
        return True


@pytest.fixture
def mailed(desk: Any, behind: Behind) -> Mailed:  # noqa: ANN401
    return Mailed(desk, behind)


def put(sealed: bytes, signature: bytes | None = None) -> str:
    """Write what a thief does who can write to the database, and has no key."""
    beside = "" if signature is None else f", signature = x'{signature.hex()}'"
    return f"UPDATE dispatches SET sealed = x'{sealed.hex()}'{beside}"  # noqa: S608


THEFTS: Final[dict[str, Callable[[], str]]] = {
    "another": lambda: put(smime()),
    "another-unsigned": lambda: f"{put(smime())}; {UNSIGNED}",
    "signed-by-another": lambda: put(smime(), sign_file(OTHER, smime())),
    "none-at-all": lambda: put(b"damaged"),
}


async def test_a_package_is_signed_while_it_is_sealed_and_never_again(
    mailed: Mailed, ada: Principal, ben: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await mailed.queue(ada, ben)
    row = await mailed.row(case)

    def never(*_: object) -> None:
        pytest.fail("it was signed once more")

    monkeypatch.setattr("fedsafe_node.casework.dispatch.signing.sign_file", never)
    taken = await mailed.take(case, ada)

    assert row.sealed is not None
    assert mailed.signed(row.sealed, row.signature)
    assert (taken.content, taken.signature) == (row.sealed, row.signature)


@pytest.mark.parametrize("theft", THEFTS)
async def test_what_somebody_put_in_place_of_a_package_is_neither_signed_nor_sent(
    mailed: Mailed, ada: Principal, ben: Principal, theft: str
) -> None:
    case = await mailed.queue(ada, ben, MAIL, HOOK)
    assert mailed.behind.change(THEFTS[theft]()) > 0
    error = await refused(mailed.take(case, ada))
    await mailed.outbox.run()
    await mailed.outbox.run()
    found = await mailed.only(case, ada)

    assert isinstance(error, CorruptRowError)
    assert (error.table, error.name) == ("dispatches", found.dispatch)
    assert mailed.other.took == []
    assert [(each.way, each.outcome) for each in found.attempts] == [
        ("mail", Outcome.MISCONFIGURED),
        ("webhook", Outcome.MISCONFIGURED),
    ]
    assert "not what was sealed" in (found.attempts[0].proof or "")
    assert (found.state, found.takings) == (DispatchState.BY_HAND, [])
    assert not mailed.signed(smime(), (await mailed.row(case)).signature)


async def test_a_package_that_only_fedsafe_opens_is_not_signed_as_another(
    mailed: Mailed, ada: Principal, ben: Principal
) -> None:
    await mailed.enter(ada, ben)
    case = await mailed.approved(ada, ben)
    await mailed.send(case, ada)
    sealed = await mailed.take(case, ada)
    for theft in (put(smime()), f"{put(smime())}, sealing = 'smime'"):
        assert mailed.behind.change(theft) == 1
        assert isinstance(await refused(mailed.take(case, ada)), CorruptRowError)

    assert sealed.signature is None


@pytest.mark.parametrize("renewed", [False, True])
async def test_what_the_audit_log_knows_is_signed_where_no_signature_counts(
    mailed: Mailed, ada: Principal, ben: Principal, *, renewed: bool
) -> None:
    case = await mailed.queue(ada, ben)
    if renewed:
        mailed.signer = SigningKey.generate()
    else:
        assert mailed.behind.change(UNSIGNED) == 1
    taken = await mailed.take(case, ada)
    mailed.behind.change(SILENT)
    again = await mailed.take(case, ada)

    assert mailed.signed(taken.content, taken.signature)
    assert again.signature == taken.signature
    assert (await mailed.row(case)).signature == taken.signature


async def test_what_an_older_release_has_queued_is_brought_with_its_signature(
    mailed: Mailed, ada: Principal, ben: Principal
) -> None:
    case = await mailed.queue(ada, ben, MAIL)
    assert mailed.behind.change(UNSIGNED) == 1
    await mailed.outbox.run()
    ((parcel, _),) = mailed.other.took

    assert mailed.signed(parcel.data, parcel.signature)
    assert (await mailed.row(case)).signature == parcel.signature


async def test_what_nobody_knows_to_be_what_was_sealed_stays(
    mailed: Mailed, ada: Principal, ben: Principal
) -> None:
    case = await mailed.queue(ada, ben, MAIL)
    mailed.behind.change(SILENT)
    signed = await mailed.take(case, ada)
    assert mailed.behind.change(UNSIGNED) == 1
    error = await refused(mailed.take(case, ada))
    await mailed.outbox.run()
    found = await mailed.only(case, ada)

    assert mailed.signed(signed.content, signed.signature)
    assert isinstance(error, WrongStateError)
    assert "recall the case, and send it anew" in str(error)
    assert mailed.other.took == []
    assert found.state is DispatchState.BY_HAND


async def test_a_damaged_audit_log_lets_nothing_be_signed(
    mailed: Mailed, ada: Principal, ben: Principal
) -> None:
    case = await mailed.queue(ada, ben)
    mailed.behind.change(f"{UNSIGNED}; {DAMAGED}")

    assert isinstance(await refused(mailed.take(case, ada)), CorruptLogError)


async def test_a_signature_goes_with_its_package(
    mailed: Mailed, ada: Principal, ben: Principal
) -> None:
    store, kept = mailed.desk.store, []
    acknowledged = await mailed.queue(ada, ben)
    sent = await mailed.only(acknowledged, ada)
    await mailed.notes.hand(acknowledged, sent.dispatch, mailed.handed(), ada)
    given = mailed.acknowledged()
    await mailed.notes.acknowledge(acknowledged, sent.dispatch, given, ada)
    kept.append(await mailed.row(acknowledged))
    recalled = await mailed.approved(ada, ben)
    await mailed.send(recalled, ada)
    recalls = Recalls(
        mailed.desk.keeper, shipped_matrix, lambda: mailed.signer, ADDRESS
    )
    await recalls.recall(recalled, RecallCase(reason=RecallReason.WRONG_FACTS), ada)
    kept.append(await mailed.row(recalled))
    erased = await mailed.approved(ada, ben)
    await mailed.send(erased, ada)
    before = await mailed.row(erased)
    await store.write(lambda tx: tx.erase_dispatch(before.id))
    kept.append(await mailed.row(erased))

    assert before.signature is not None
    assert [(each.sealed, each.signature) for each in kept] == [(None, None)] * 3


async def test_a_correction_has_a_signature_of_its_own(
    mailed: Mailed, ada: Principal, ben: Principal
) -> None:
    case = await mailed.queue(ada, ben)
    first = await mailed.take(case, ada)
    recalls = Recalls(
        mailed.desk.keeper, shipped_matrix, lambda: mailed.signer, ADDRESS
    )
    await recalls.recall(case, RecallCase(reason=RecallReason.WRONG_FACTS), ada)
    rows = await mailed.desk.store.read(lambda reader: reader.dispatches(case))
    (row,) = [each for each in rows if each.recalls is not None]
    taken = await mailed.packages.take(case, row.id, ada)

    assert mailed.signed(taken.content, taken.signature)
    assert taken.signature == row.signature != first.signature
