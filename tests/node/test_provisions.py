# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import msgspec
import pytest
from tests.node.fleet import config_of

from fedsafe_node.config import Place
from fedsafe_node.errors import ConfigError
from fedsafe_node.provisions import Provisions, read_provisions
from fedsafe_policies.policy import shipped
from fedsafe_policies.vocabulary import IdentifierKind

CONFIG = config_of("a.demo", 8443)
LISTS = """
format = 1
dated = 2026-11-24

[lists.school]
kind = "ip"
match = "network"
version = 1
source = "own"
entries = ["84.12.0.0/16"]
"""


def test_what_nobody_changes_is_what_is_shipped(tmp_path: Path) -> None:
    assert read_provisions(Place(tmp_path), CONFIG) == Provisions(shipped("synthetic"))


def test_a_provider_has_lists_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lists.toml").write_text(LISTS)
    config = msgspec.structs.replace(CONFIG, do_not_share="lists.toml")
    given = read_provisions(Place(tmp_path), config)
    find = given.do_not_share.find

    assert find(IdentifierKind.IP, "84.12.3.9", given.policy) == "school"
    assert find(IdentifierKind.EMAIL, "info@a.demo", given.policy) == "role_addresses"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "No such file"),
        (LISTS.replace("/16", "/99"), "line 10: lists.school.entries: want"),
        (LISTS.replace('"network"', '"nearly"'), "line 7: lists.match"),
        (LISTS.replace("format = 1", "format = 1\nspeed = 2"), "line 3: speed"),
    ],
)
def test_lists_that_do_not_fit_are_named(
    tmp_path: Path, text: str | None, told: str
) -> None:
    path = tmp_path / "lists.toml"
    if text is not None:
        path.write_text(text)
    config = msgspec.structs.replace(CONFIG, do_not_share="lists.toml")

    with pytest.raises(ConfigError) as refused:
        read_provisions(Place(tmp_path), config)

    assert str(refused.value).startswith(f"{path}: ")
    assert told in str(refused.value)
