# SPDX-License-Identifier: Apache-2.0
"""What a change of do-not-share lists is called: looser wherever it may let pass."""

import json

import pytest

from fedsafe_policies.documents.do_not_share import (
    DoNotShareLists,
    load_lists,
    shipped_lists,
)
from fedsafe_policies.documents.provision_effects import list_effects


def own(**fields: object) -> DoNotShareLists:
    written = {"kind": "ip", "match": "network", "entries": ["84.12.0.0/16"], **fields}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in written.items())
    head = "format = 1\ndated = 2026-09-01\n[lists.school]\nversion = 9\n"
    return load_lists(f'{head}source = "own"\n{lines}'.encode(), shipped_lists())


@pytest.mark.parametrize(
    ("fields", "direction", "told"),
    [
        ({"match": "whole"}, "looser", "compared is now ip/whole, was ip/network"),
        ({"kind": "phone"}, "looser", "compared is now phone/network, was ip/network"),
        ({"entries": ["84.12.0.0/16", "84.13.0.0/16"]}, "stricter", "1 entries more"),
        ({"entries": ["84.13.0.0/16"]}, "looser", "1 fewer"),
    ],
)
def test_a_list_that_may_let_something_pass_is_called_looser(
    fields: dict[str, object], direction: str, told: str
) -> None:
    (effect,) = list_effects(own(), own(**fields))

    assert effect.direction == direction
    assert told in effect.text.en
    assert effect.text.de != effect.text.en


def test_a_new_list_of_ones_own_is_stricter_and_looser_without_it() -> None:
    (there,) = list_effects(shipped_lists(), own())
    (back,) = list_effects(own(), shipped_lists())

    assert (there.direction, back.direction) == ("stricter", "looser")
