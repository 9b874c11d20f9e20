# SPDX-License-Identifier: Apache-2.0
"""A person takes out a sealed package to hand it over, as long as it may go."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.openssl_desk import CMS, PUBLIC, VERIFY, equip, run
from tests.support.package_desk import ADDRESS, KEY, Post
from tests.support.sealed_package import partner, pem

from fedsafe_federation.casework.certificates import certificate_fingerprint
from fedsafe_federation.casework.container import open_package
from fedsafe_node.acts.dispatches import RecallCase, SwitchSending
from fedsafe_node.acts.partners import VerifyPartner
from fedsafe_node.casework.dispatch.handover import SealedPackages
from fedsafe_node.casework.dispatch.outbox import SendingSwitch
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.casework.dispatch.signing import name_certificate
from fedsafe_node.ground.errors import CorruptRowError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.dispatches import RecallReason
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.vocabulary import Role

__all__ = ["ada", "ben", "desk", "tables", "team"]


@pytest.fixture
def post(desk: Any) -> Post:  # noqa: ANN401
    return Post(desk)


@pytest.fixture
def packages(post: Post) -> SealedPackages:
    return SealedPackages(post.desk.keeper, lambda: post.signer)


@pytest.fixture
async def case(post: Post, ada: Principal, ben: Principal) -> str:
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    return case


async def test_what_is_taken_opens_with_the_partner_s_key_and_is_noted(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)
    taken = await packages.take(case, sent.dispatch, ada)
    opened = open_package(taken.content, KEY)
    event, _, told = (await post.desk.team.events())[-1]

    assert str(opened.package.package_id) == sent.package
    assert taken.name == f"fedsafe-{sent.dispatch}.fedsafe"
    assert taken.sha256 == sha256(taken.content).hexdigest()
    assert event == "dispatch.taken"
    assert taken.sha256 in told
    assert taken.signature is None  # `fedsafe open` alone reads it


@pytest.mark.parametrize("named", [False, True])
async def test_what_openssl_opens_is_taken_with_a_signature_of_the_whole_file(  # noqa: PLR0913
    post: Post,
    packages: SealedPackages,
    ada: Principal,
    ben: Principal,
    tmp_path: Path,
    *,
    named: bool,
) -> None:
    if named:
        await post.desk.store.write(lambda tx: name_certificate(tx, "chat.example.de"))
    certificate = partner().certificate
    await post.enter(ada, None, key=None, certificate=pem(certificate))
    call = VerifyPartner(
        revision=1,
        reference="call-1",
        certificate_fingerprint=certificate_fingerprint(certificate),
    )
    await post.partners.verify("bka", call, ben)
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    sent = await post.only(case, ada)
    taken = await packages.take(case, sent.dispatch, ada)
    again = await packages.take(case, sent.dispatch, ada)
    folder = equip(tmp_path)
    known = (await post.partners.list(ada)).certificate
    (folder / "provider.pem").write_text(known)
    assert taken.signature is not None
    (folder / "case.p7m").write_bytes(taken.content)
    (folder / "case.p7m.sig").write_bytes(taken.signature)

    assert taken.name == f"fedsafe-{sent.dispatch}.p7m"
    assert run(folder, f"{PUBLIC} && {VERIFY.format('case.p7m')} && {CMS}")
    assert again.signature == taken.signature
    recalls = Recalls(post.desk.keeper, shipped_matrix, lambda: post.signer, ADDRESS)
    await recalls.recall(case, RecallCase(reason=RecallReason.WRONG_FACTS), ada)
    found = (await post.dispatches.list(case, ada)).dispatches
    (correction,) = [each for each in found if each.recalls]
    (folder / "case.p7m").write_bytes(
        (await packages.take(case, correction.dispatch, ada)).content
    )
    assert run(folder, CMS)


async def test_what_is_no_sealed_package_any_more_is_neither_signed_nor_given(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)

    async def damage(tx: Transaction) -> None:
        row = await tx.dispatch(sent.dispatch)
        assert row is not None
        await tx.move_dispatch(msgspec.structs.replace(row, sealed=b"damaged"))

    await post.desk.store.write(damage)
    with pytest.raises(CorruptRowError, match="dispatches"):
        await packages.take(case, sent.dispatch, ada)


async def test_one_person_takes_a_package_only_so_often(
    post: Post,
    packages: SealedPackages,
    ada: Principal,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fedsafe_node.casework.dispatch.handover.MOST_TIMES", 2)
    eve = await post.desk.hire("eve", Role.ESCALATION_OFFICER)
    sent = await post.only(case, ada)
    for who in (ada, ada, eve):
        post.desk.team.pass_time(1)
        await packages.take(case, sent.dispatch, who)
    post.desk.team.pass_time(1)
    error = await refused(packages.take(case, sent.dispatch, ada))
    again = await packages.take(case, sent.dispatch, eve)
    taken = [each.by for each in (await post.only(case, ada)).takings]

    assert (error.code, "2 times" in str(error)) == ("taken_often", True)
    assert again.content
    assert taken == ["ada", "ada", "eve", "eve"]


async def test_a_dispatch_is_taken_of_its_own_case_only(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)

    for there, dispatch in (("0a" * 16, sent.dispatch), (case, "0a" * 16)):
        with pytest.raises(NotFoundError):
            await packages.take(there, dispatch, ada)


async def test_what_was_acknowledged_is_kept_no_longer(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    await post.notes.acknowledge(case, sent.dispatch, post.acknowledged(), ada)
    error = await refused(packages.take(case, sent.dispatch, ada))

    assert error.code == "already_noted"
    assert "acknowledged" in str(error)


async def test_what_was_erased_with_its_case_is_said_to_be_that(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    await post.desk.store.write(lambda tx: tx.erase_dispatch(sent.dispatch))
    error = await refused(packages.take(case, sent.dispatch, ada))

    assert "erased" in str(error)


async def test_what_was_recalled_before_it_left_is_given_to_nobody(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)
    recalls = Recalls(post.desk.keeper, shipped_matrix, lambda: post.signer, ADDRESS)
    await recalls.recall(case, RecallCase(reason=RecallReason.WRONG_FACTS), ada)
    error = await refused(packages.take(case, sent.dispatch, ada))

    assert "recalled" in str(error)


async def test_what_was_recalled_after_it_arrived_is_given_to_nobody(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    recalls = Recalls(post.desk.keeper, shipped_matrix, lambda: post.signer, ADDRESS)
    await recalls.recall(case, RecallCase(reason=RecallReason.WRONG_FACTS), ada)
    error = await refused(packages.take(case, sent.dispatch, ada))
    row = await post.desk.store.read(lambda reader: reader.dispatch(sent.dispatch))

    assert "recalled" in str(error)
    assert row is not None
    assert row.sealed is None


async def test_nothing_is_taken_for_an_entry_that_changed_or_while_sending_is_off(
    post: Post, packages: SealedPackages, ada: Principal, case: str
) -> None:
    sent = await post.only(case, ada)
    switch = SendingSwitch(post.desk.team.office)
    await switch.switch(SwitchSending(sends=False), ada)
    off = await refused(packages.take(case, sent.dispatch, ada))
    await switch.switch(SwitchSending(sends=True), ada)
    await post.change(ada, function="Frühdienst")
    changed = await refused(packages.take(case, sent.dispatch, ada))

    assert "switched off" in str(off)
    assert "sealed for" in str(changed)


async def test_a_partner_without_a_key_gets_a_paper_instead(
    post: Post, packages: SealedPackages, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben, key=None)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    error = await refused(packages.take(case, sent.dispatch, ada))

    assert "fedsafe case render" in str(error)
