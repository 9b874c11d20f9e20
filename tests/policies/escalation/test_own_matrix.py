# SPDX-License-Identifier: Apache-2.0
"""A provider's own matrix gives no more than the one that is shipped."""

from importlib.resources import files
from typing import Final

import pytest
from msgspec import UNSET
from tests.support.maximal import MAXIMAL

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.matrix import load_matrix, shipped_matrix
from fedsafe_policies.escalation.own_matrix import (
    load_own_matrix,
    looser_cells,
    matrix_effects,
)
from fedsafe_policies.escalation.projection import Circumstances, project
from fedsafe_policies.escalation.vocabulary import Condition, PartnerClass

TEXT: Final = files("fedsafe_policies").joinpath("data/minimisation.toml").read_text()
HEAD: Final = "[partners.law_enforcement.cells]\n"


def with_row(old: str, new: str) -> bytes:
    """Change a line of the row for law enforcement."""
    before, after = TEXT.split(HEAD)
    assert old in after
    return (before + HEAD + after.replace(old, new, 1)).encode()


def test_the_shipped_matrix_is_as_strict_as_itself() -> None:
    assert load_own_matrix(TEXT.encode(), shipped_matrix()) == shipped_matrix()
    assert matrix_effects(shipped_matrix(), shipped_matrix()) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('suspicion = "required"', 'suspicion = "never"'),
        ('suspicion = "required"', 'suspicion = { when = ["to_save"] }'),
        ('suspicion = "required"', ""),
    ],
)
def test_what_gives_less_is_taken_and_goes_into_no_package(old: str, new: str) -> None:
    own = load_own_matrix(with_row(old, new), shipped_matrix())
    nothing = Circumstances(granted=frozenset(), consented=frozenset())
    made = project(MAXIMAL, {}, PartnerClass.LAW_ENFORCEMENT, own, nothing)
    (effect,) = matrix_effects(shipped_matrix(), own)

    assert made.elements.suspicion is UNSET
    assert made.matrix == own.reference != shipped_matrix().reference
    assert effect.key == "minimisation.law_enforcement.suspicion"
    assert effect.direction == "stricter"
    (back,) = matrix_effects(own, shipped_matrix())
    assert back.direction == "looser"


def test_each_condition_that_is_added_to_a_cell_is_refused_with_its_line() -> None:
    for partner in PartnerClass:
        for element, cell in shipped_matrix().row(partner).items():
            if not cell.conditions:
                continue
            written = next(
                line
                for line in row_of(partner).splitlines()
                if line.startswith(f"{element} = ")
            )
            for condition in set(Condition) - cell.conditions:
                more = written.replace("[", f'["{condition}", ')
                row = row_of(partner).replace(written, more)
                text = TEXT.replace(row_of(partner), row)
                with pytest.raises(PolicyFileError) as refused:
                    load_own_matrix(text.encode(), shipped_matrix())
                assert f"partners.{partner}.cells.{element}" in str(refused.value)
                assert "line " in str(refused.value)


def row_of(partner: PartnerClass) -> str:
    """Return the cells of a class as they are written."""
    _, after = TEXT.split(f"[partners.{partner}.cells]\n")
    return after.split("\n[")[0]


def test_a_provider_that_was_stricter_may_be_as_strict_as_before_again() -> None:
    text = TEXT.replace("fewest = 10", "fewest = 30").encode()
    own = load_matrix(text)

    assert [each.key for each in looser_cells(shipped_matrix(), own)] == ["fewest"]
    assert list(looser_cells(own, shipped_matrix())) == []
