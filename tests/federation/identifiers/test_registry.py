# SPDX-License-Identifier: Apache-2.0
"""What is loaded when, and names that must not collide."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from fedsafe_federation import identifiers
from fedsafe_federation.identifiers import CANONICALISERS
from fedsafe_federation.identifiers.namespaces import (
    AT_BEFORE_NAME,
    PLATFORMS,
    VENDORS,
)
from fedsafe_policies.vocabulary import IdentifierKind

LIBRARIES = (
    "ada_url",
    "dataclasses",
    "email_validator",
    "ipaddress",
    "msgspec",
    "phonenumbers",
    "precis_i18n",
    "schwifty",
)
LOADED = f"""
import sys
from fedsafe_federation.identifiers import canonicalise
from fedsafe_policies.vocabulary import IdentifierKind
{{act}}
print(sorted(set({LIBRARIES!r}) & set(sys.modules)))
"""


def loaded_after(act: str) -> str:
    command = [sys.executable, "-c", LOADED.format(act=act)]
    # Coverage would load libraries of its own into the child.
    bare = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=bare)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "act",
    [
        "",
        "canonicalise(IdentifierKind.EMAIL, 'Anna@Example.de')",
        "canonicalise(IdentifierKind.USERNAME, 'Anna', namespace='x')",
    ],
)
def test_plain_values_load_no_library(act: str) -> None:
    assert loaded_after(act) == "[]"


def test_a_kind_loads_only_its_own_library() -> None:
    act = "canonicalise(IdentifierKind.PHONE, '+49 151 23456789')"

    assert loaded_after(act) == "['phonenumbers']"


def test_every_kind_has_a_canonicaliser() -> None:
    assert list(CANONICALISERS) == list(IdentifierKind)
    assert all(
        identifier == f"{kind.name.lower()}/1"
        for kind, identifier in CANONICALISERS.items()
    )


@pytest.mark.parametrize("table", [PLATFORMS, VENDORS], ids=["platforms", "vendors"])
def test_no_alias_names_two_namespaces(table: dict[str, tuple[str, ...]]) -> None:
    names = Counter(name for pair in table.items() for name in (pair[0], *pair[1]))

    assert max(names.values()) == 1
    assert all(name == name.lower().strip() for name in names)


def test_at_sign_rule_names_known_platforms() -> None:
    assert set(PLATFORMS) >= AT_BEFORE_NAME


def test_public_face_is_what_it_says() -> None:
    assert identifiers.__all__ == ["CANONICALISERS", "Canonical", "canonicalise"]
    assert all(hasattr(identifiers, name) for name in identifiers.__all__)
