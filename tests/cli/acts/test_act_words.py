# SPDX-License-Identifier: Apache-2.0
"""What waits for a second person is said in words, and no code of it is left."""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec import inspect
from tests.support.shown_partners import ACT

from fedsafe_node.acts.people import RoleRequest
from fedsafe_node.audit.account_erasure import _Content as Erasing
from fedsafe_node.audit.breaches.service import Closing
from fedsafe_node.audit.pseudonym_reveal import _Content as Revealing
from fedsafe_node.casework.cases.release import Dispatch
from fedsafe_node.log.span import Part
from fedsafe_node.members.ceremonies.resharing_requests import Rotation
from fedsafe_node.members.charter.votes import Vote
from fedsafe_node.members.quarantine import Ending
from fedsafe_node.people.gate import Opening
from fedsafe_node.people.policy_changes import Change
from fedsafe_node.review.confirmation import Confirmation
from fedsafe_node.review.flood_rulings import Raise
from fedsafe_node.rights.appeals import OnAppeal
from fedsafe_node.rights.grants import Grant
from fedsafe_node.rights.identity_checks import Check
from fedsafe_node.rights.withheld import Silence
from fedsafe_node.words.acts import FIELDS, KINDS, UNSAID
from fedsafe_policies.vocabulary import Act

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

CONTENTS: Final[dict[Act, type]] = {
    Act.APPEAL_RULING: OnAppeal,
    Act.BREACH_SILENCE: Closing,
    Act.CHARTER_CHANGE: Vote,
    Act.DISPATCH: Dispatch,
    Act.EXPORT_WITH_OPENINGS: Part,
    Act.FLOOD_BOUND: Raise,
    Act.GATE_OPENING: Opening,
    Act.IDENTITY_CHECK: Check,
    Act.KEY_ROTATION: Rotation,
    Act.PERMANENT_BAN: Confirmation,
    Act.POLICY_CHANGE: Change,
    Act.PSEUDONYM_REVEAL: Revealing,
    Act.QUARANTINE_END: Ending,
    Act.RECIPIENT_SILENCE: Silence,
    Act.REQUEST_GRANT: Grant,
    Act.ROLE_GRANT: RoleRequest,
    Act.SUBJECT_ERASURE: Erasing,
}
"""What a second person is shown, by what it is about."""
NO_CONTENT: Final = {Act.ACTOR_SIGNAL, Act.OWN_BAN, Act.MEDIA_SIGNAL}
"""Drafts, which are approved as such."""
TOLD: Final = [{"key": "kept", "direction": "looser", "de": "anders", "en": "else"}]
BARE: Final = re.compile(r"\b[a-z]+_[a-z_]+\b")
WORD: Final = re.compile(r"[^\W\d]{4,}")
NAMES: Final = {
    *("Name", "olaf", "reference", "Generation", "Register", "BDSG", "Person"),
    *("Grooming", "Exhibitionismus", "Sextortion", "Shop", "NCMEC", "CyberTipline"),
    *("INHOPE", "Land", "private"),
}
"""What is the same in both languages, and what stands for a reference."""


SCALARS: Final[dict[type, Any]] = {
    inspect.BoolType: True,
    inspect.IntType: 1_795_000_000,
    inspect.DateType: "2026-12-20",
    inspect.BytesType: "c2VjcmV0",
}


def values(kind: inspect.Type) -> list[Any]:
    """Give some value of a type, of a code all of them."""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        kind = kind.type if isinstance(kind, inspect.Metadata) else kind.types[0]
    match kind:
        case inspect.EnumType():
            assert issubclass(kind.cls, StrEnum)
            return [each.value for each in kind.cls]
        case inspect.VarTupleType() | inspect.ListType():
            return [values(kind.item_type)]
        case inspect.StructType():
            return list(_rows(kind))
        case _:
            return [SCALARS.get(type(kind), "reference-1")]


def _rows(kind: inspect.StructType) -> Iterator[dict[str, Any]]:
    fields = {each.name: values(each.type) for each in kind.fields}
    for number in range(max(len(each) for each in fields.values())):
        yield {name: each[number % len(each)] for name, each in fields.items()}


def acts(kind: Act) -> list[dict[str, Any]]:
    struct = inspect.type_info(CONTENTS[kind])
    assert isinstance(struct, inspect.StructType)
    return [
        ACT
        | {"act": f"{number:032x}", "kind": kind.value}
        | {"content": row | ({"effects": TOLD} if "effects" in row else {})}
        for number, row in enumerate(_rows(struct))
    ]


def test_every_act_has_a_name_and_is_looked_at_here() -> None:
    assert KINDS.keys() == {each.value for each in Act}
    assert CONTENTS.keys() | NO_CONTENT == set(Act)


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_every_field_of_an_act_has_a_name(kind: Act) -> None:
    fields = {name for each in acts(kind) for name in each["content"]}

    assert fields - FIELDS.keys() - UNSAID == set()


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_no_code_and_no_english_is_left_of_an_act(
    ask: "Run", node: "FakeNode", kind: Act
) -> None:
    listed = acts(kind)
    node.always("GET /v1/acts", {"acts": listed})
    english = ask("act", "list").out
    german = ask("act", "list", "--lang", "de").out
    document = ask("act", "list", "--json").document["acts"]

    assert sorted(set(BARE.findall(english + german))) == []
    same = set(WORD.findall(german)) & set(WORD.findall(english))
    assert sorted(same - NAMES) == []
    assert [each["kind"] for each in document] == [kind.value] * len(listed)
    assert "effects" in json.dumps(document) or "effects" not in listed[0]["content"]
