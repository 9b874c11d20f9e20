# SPDX-License-Identifier: Apache-2.0
"""The codes of a case in words; a code that is newer than this is shown as it is.

What takes long to load is loaded once such words are wanted.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from fedsafe_policies.reasons import Text

Code = TypeVar("Code", bound=StrEnum)


def partners_named(codes: Iterable[str], *, german: bool) -> str:
    """Name classes of partner."""
    from fedsafe_policies.escalation.matrix import shipped_matrix  # noqa: PLC0415
    from fedsafe_policies.escalation.vocabulary import PartnerClass  # noqa: PLC0415

    matrix = shipped_matrix()
    return _named(
        codes, PartnerClass, lambda each: matrix.partner(each).name, german=german
    )


def elements_named(codes: Iterable[str], *, german: bool) -> str:
    """Name elements of a case, with their codes, by which they are entered."""
    from fedsafe_policies.escalation.matrix import shipped_matrix  # noqa: PLC0415
    from fedsafe_policies.escalation.vocabulary import Element  # noqa: PLC0415

    name = shipped_matrix().element_name
    return _named(codes, Element, name, german=german, coded=True)


def conditions_named(codes: Iterable[str], *, german: bool) -> str:
    """Say what is recorded for a case."""
    from fedsafe_policies.escalation.matrix import shipped_matrix  # noqa: PLC0415
    from fedsafe_policies.escalation.vocabulary import Condition  # noqa: PLC0415

    name = shipped_matrix().condition_name
    return _named(codes, Condition, name, german=german, coded=True)


def role_named(code: str, *, german: bool) -> str:
    """Name who does a step."""
    from fedsafe_policies.wording import said  # noqa: PLC0415

    text = said(code)
    return text.de if german else text.en.replace("_", " ")


def _named(
    codes: Iterable[str],
    words: type[Code],
    name: Callable[[Code], "Text"],
    *,
    german: bool,
    coded: bool = False,
) -> str:
    found = []
    for code in codes:
        if code not in set(words):
            found.append(code)
            continue
        text = name(words(code))
        told = text.de if german else text.en
        found.append(f"{told} ({code})" if coded else told)
    return "; ".join(found)
