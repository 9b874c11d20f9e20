# SPDX-License-Identifier: Apache-2.0
import io
import json
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_cli.signals.revocations import REASONS
from fedsafe_cli.terminal import inputs
from fedsafe_cli.terminal.inputs import Account, Fault, Hints
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts import bodies as messages
from fedsafe_node.acts import lookup as lookup_messages
from fedsafe_node.words.codes import GRADES, KINDS, PHENOMENA, SURFACES
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.vocabulary import Grade, Phenomenon, Surface

HINTS = Hints(kind="email")


def pattern(kind: type, field: str) -> str:
    hint = get_type_hints(kind, include_extras=True)[field]
    found = [hint, *get_args(hint)]
    metas = [meta for entry in found for meta in getattr(entry, "__metadata__", ())]
    found_pattern = next(m.pattern for m in metas if isinstance(m, msgspec.Meta))
    # fullmatch needs no guard against a line's end
    return (found_pattern or "").replace(r"(?!\n)", "")


def test_kinds_and_forms_are_the_ones_of_the_api() -> None:
    assert set(inputs.KINDS) == {kind.value for kind in messages.Kind}
    assert inputs.REGION.pattern == pattern(messages.Question, "region")
    assert inputs.NAMESPACE.pattern == pattern(messages.Question, "namespace")
    assert inputs.SUBJECT_REF.pattern == pattern(lookup_messages.Subject, "subject_ref")
    assert inputs.MOST_QUESTIONS == lookup_messages.MAX_QUESTIONS
    assert {*REASONS} == {reason.value for reason in Reason}


def test_every_code_that_a_match_can_hold_has_its_words() -> None:
    assert set(KINDS) == set(inputs.KINDS)
    assert set(GRADES) == set(Grade)
    assert set(SURFACES) == set(Surface)
    assert {code: (row.name.de, row.name.en) for code, row in phenomena().items()} == {
        Phenomenon(code): (name.said("de"), name.english)
        for code, name in PHENOMENA.items()
    }


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_every_line_is_an_account_or_a_fault(parts: list[bytes], most: int) -> None:
    text = b"\n".join(parts)
    lines = list(inputs.read_lines(io.BytesIO(text), most))
    items = list(inputs.from_lines(lines, HINTS))

    assert len(items) == text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    assert all(isinstance(item, Account | Fault) for item in items)


@given(st.binary(max_size=200).filter(lambda line: b"\n" not in line))
def test_a_line_that_fits_comes_through_unchanged(line: bytes) -> None:
    got = inputs.read_lines(io.BytesIO(b"first\n" + line + b"\n"), 300)

    assert list(got) == [b"first", line.removesuffix(b"\r")]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "value", "questions", "subject_ref", "x"]),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_an_account_or_a_fault(document: Any) -> None:  # noqa: ANN401
    line = json.dumps(document).encode()
    (item,) = inputs.from_records([line], HINTS)

    assert isinstance(item, Account | Fault)


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("anna", "kind"),
        ("shoe:45", "kind"),
        ("email:", "empty"),
        ("email: ", "empty"),
        ("email:a\0b", "nul"),
        ("email:a\udcff", "encoding"),
        ("email:" + "x" * 4_097, "too_long"),
    ],
)
def test_an_argument_out_of_form_says_how(argument: str, code: str) -> None:
    (item,) = inputs.from_arguments([argument], Hints(), None)

    assert isinstance(item, Fault)
    assert item.code == code


def test_a_namespace_goes_only_to_kinds_that_have_one() -> None:
    hints = Hints(namespace="play.example", region="DE")
    items = inputs.from_arguments(
        ["email:a@b.de", "username:x", "phone:1"], hints, None
    )
    found = [item.questions[0] for item in items if isinstance(item, Account)]

    assert [set(question) - {"kind", "value"} for question in found] == [
        set(),
        {"namespace"},
        {"region"},
    ]


def test_seventeen_questions_are_no_account() -> None:
    (item,) = inputs.from_arguments(["ip:9.9.9.9"] * 17, Hints(), "u-1")

    assert isinstance(item, Fault)
    assert item.code == "questions"


def test_a_repr_shows_no_value() -> None:
    account = Account(({"kind": "email", "value": "anna@example.de"},))

    assert "anna" not in repr(account)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("email", "email:a@b.de", "kind_twice"),
        ("phone", "Phone:+49301234567", "kind_twice"),
        ("email", "Anna <a@b.de>", "not_bare"),
        ("email", '"x<y>"@b.de', None),
        ("username", "username:anna", None),
    ],
)
def test_a_value_that_is_not_bare_is_told_so_without_it(
    kind: str, value: str, code: str | None
) -> None:
    (item,) = inputs.from_lines([value.encode()], Hints(kind=kind))

    if code is None:
        assert isinstance(item, Account)
    else:
        assert isinstance(item, Fault)
        assert item.code == code
        assert "a@b.de" not in str(item.detail)
