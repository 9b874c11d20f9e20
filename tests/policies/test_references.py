# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.references import is_contact, is_reference


@pytest.mark.parametrize(
    "label",
    ["r-grooming-1", "house.7/b", "doc:dpia-2", "R2026", "parrot-rule", "a" * 64],
)
def test_a_label_refers(label: str) -> None:
    assert is_reference(label)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "he wrote to a child",
        "StGB-176",
        "176-stgb",
        "paragraph-184b",
        "§184b",
        "anna@example.de",
        "4915112345678",
        "tel:015112345678",
        "/9j/4AAQSkZJRg",
        "data:image/png;base64",
        "a" * 65,
        "rule\n",
        "régle",
    ],
)
def test_what_tells_is_no_reference(told: str) -> None:
    assert not is_reference(told)


@given(st.text())
def test_a_reference_never_holds_a_blank(value: str) -> None:
    if is_reference(value):
        assert value.isascii()
        assert value == "".join(value.split())


@pytest.mark.parametrize(
    "contact",
    [
        "https://safety.example.org/evidence",
        "https://a.demo",
        "abuse@a.demo",
        "trust-safety@example.org",
    ],
)
def test_a_desk_is_a_contact(contact: str) -> None:
    assert is_contact(contact)


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "http://a.demo",
        "anna.muster@example.org",
        "abuse@",
        "https://a.demo/?name=anna",
        "https://a.demo/" + "a" * 200,
        "call me",
    ],
)
def test_a_person_is_no_contact(contact: str) -> None:
    assert not is_contact(contact)
