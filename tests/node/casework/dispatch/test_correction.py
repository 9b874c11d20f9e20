# SPDX-License-Identifier: Apache-2.0
"""Who is called about a correction, on both sides."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, tables
from tests.support.maximal import MAXIMAL
from tests.support.package_desk import ADDRESS
from tests.support.taken_cases import Hands

from fedsafe_node.acts.cases import Reached
from fedsafe_node.casework.dispatch.correction import correction_documents
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.dispatches import RecallReason
from fedsafe_policies.escalation.package import Contact, present
from fedsafe_policies.escalation.partners import Standing
from fedsafe_policies.escalation.vocabulary import Element

__all__ = ["ada", "ben", "desk", "tables", "team"]

CHAIN = (Contact(function="Dezernatsleitung", phone="+49 30 0000002"),)


@pytest.fixture
def post(desk: Any) -> Hands:  # noqa: ANN401
    return Hands(desk)


@pytest.fixture
async def case(post: Hands, ada: Principal, ben: Principal) -> str:
    await post.enter(ada, ben, chain=CHAIN, hours="rund um die Uhr")
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    return case


async def test_a_correction_says_who_of_the_sender_is_called_back(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.take(case, ada)
    await post.recall(case, ada)
    correction = await post.correction(case, ada)
    opened = await post.opened(correction.dispatch)
    _, about, words = (document.content for document in opened.documents)

    known = opened.package.elements
    assert present(known) == {
        *(Element.CASE, Element.SENDER, Element.CONTACT, Element.REPLY)
    }
    assert (known.sender, known.contact) == (MAXIMAL.sender, MAXIMAL.contact)
    assert msgspec.json.decode(about)["call_back"] == {
        "provider": "Chat GmbH",
        "function": "Bereitschaft Kinderschutz",
        "phone": "+49 30 0000001",
        "address": "abuse@chat.example.de",
    }
    assert words.decode().count("Bereitschaft Kinderschutz, +49 30 0000001") == 2


async def test_where_the_case_names_nobody_the_node_s_own_address_is_there(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.take(case, ada)
    await post.recall(case, ada)
    correction = await post.correction(case, ada)
    package = (await post.opened(correction.dispatch)).package
    bare = msgspec.structs.replace(
        package,
        elements=msgspec.structs.replace(
            package.elements, sender=UNSET, contact=UNSET, reply=UNSET
        ),
    )
    row = await post.desk.store.read(
        lambda reader: reader.dispatch(correction.dispatch)
    )
    assert row is not None
    reason = RecallReason.WRONG_FACTS
    about, words = correction_documents(row, reason, bare, ADDRESS)

    assert msgspec.json.decode(about.content)["call_back"] == {"address": ADDRESS}
    assert words.content.decode().count(ADDRESS) == 2


async def test_whoever_sees_a_recall_through_is_told_whom_to_call(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.take(case, ada)
    found = await post.recall(case, ada)
    shown = [each.reach for each in found]
    tasks = [each.reach for each in await post.tasks(case, ada)]

    for reach in (*shown, *tasks):
        assert reach is not None
        assert (reach.name, reach.hours) == ("Erfundene Stelle", "rund um die Uhr")
        assert reach.standing is Standing.VERIFIED
        assert reach.chain == [
            Reached(function="Dauerdienst", phone="+49 30 0000001"),
            Reached(function="Dezernatsleitung", phone="+49 30 0000002"),
        ]


async def test_an_entry_that_changed_says_that_nobody_has_verified_it(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.change(ada, phone="+49 30 0000009")
    (stopped,) = await post.recall(case, ada)

    assert stopped.reach is not None
    assert stopped.reach.standing is Standing.UNVERIFIED
    assert stopped.reach.chain[0].phone == "+49 30 0000009"


async def test_of_what_is_acknowledged_nobody_is_called(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.notes.acknowledge(case, sent, post.acknowledged(), ada)
    (before,) = (await post.dispatches.list(case, ada)).dispatches
    await post.recall(case, ada)
    correction = (await post.correction(case, ada)).dispatch
    await post.notes.hand(case, correction, post.handed(), ada)
    delivered = await post.correction(case, ada)
    await post.notes.acknowledge(case, correction, post.acknowledged(), ada)
    after = await post.correction(case, ada)

    assert before.reach is None
    assert delivered.reach is not None
    assert after.reach is None
