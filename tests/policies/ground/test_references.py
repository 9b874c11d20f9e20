# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.ground.references import is_case_number, is_contact, is_reference


@pytest.mark.parametrize(
    "label",
    ["r-grooming-1", "house.7/b", "doc:dpia-2", "R2026", "parrot-rule", "a" * 64],
)
def test_a_label_refers(label: str) -> None:
    assert is_reference(label)


@pytest.mark.promise("LR-02")
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


@pytest.mark.parametrize(
    "number",
    ["case-7", "file-2026-31", "2026-000123", "T/4711", "note:18", "7", "2026/17-b4"],
)
def test_a_case_has_a_number(number: str) -> None:
    assert is_case_number(number)


@pytest.mark.parametrize(
    "told",
    [
        "mustermann",
        "max.mustermann",
        "max.mustermann7",
        "max-mustermann-7",
        "max.mustermann:gmail.com",
        "gmail.com/7",
        "10.0.0.1",
        "host:192.168.17.23",
        "2001:db8::7",
        "2001:db8::8a2e:370:7334",
        "4915-1234-5678",
        "0151/23456789",
        "0151.2345678",
        "Hauptstr.17-10115-Berlin",
        "pedo-offender-and-rapist-7",
        "DE89-3704-0044-0532-0130-00",
        "4111-1111-1111-1111",
        "4915112345678",
        "StGB-176",
    ],
)
def test_what_may_be_a_person_is_no_case_number(told: str) -> None:
    assert not is_case_number(told)


@given(
    st.from_regex(r"[3-9][0-9]{8,13}", fullmatch=True),
    st.lists(st.sampled_from(["", "-", ".", "/", ":"]), min_size=14, max_size=14),
)
def test_no_long_number_hides_behind_separators(digits: str, cuts: list[str]) -> None:
    cut = "".join(digit + cut for digit, cut in zip(digits, cuts, strict=False))

    assert not is_case_number(f"tel-{cut.rstrip('-./:')}")


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
