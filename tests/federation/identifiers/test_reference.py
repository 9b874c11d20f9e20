# SPDX-License-Identifier: Apache-2.0
"""The reference page names every rule set, code, namespace and special host."""

from pathlib import Path
from re import MULTILINE, findall

import pytest

from fedsafe_federation.errors import IdentifierFault
from fedsafe_federation.identifiers import CANONICALISERS
from fedsafe_federation.identifiers.email import PROVIDERS
from fedsafe_federation.identifiers.namespaces import (
    AT_BEFORE_NAME,
    PLATFORMS,
    VENDORS,
)

PAGE = (Path(__file__).parents[3] / "docs/reference/identifiers.md").read_text()


def part(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_each_canonicaliser_has_its_heading() -> None:
    headings = findall(r"^## (\w+/\d+)$", PAGE, MULTILINE)

    assert headings == list(CANONICALISERS.values())


def test_codes_are_those_of_the_errors() -> None:
    told = findall(r"^\| `(\w+)` \|", part("Refusals"), MULTILINE)

    assert sorted(told) == sorted(IdentifierFault)


def test_provider_hosts_are_those_of_the_table() -> None:
    rows = part("email/1").partition("|---|---|---|---|")[2].splitlines()
    told = [host for row in rows if row for host in row.split("|")[1].split(",")]

    assert sorted(host.strip() for host in told) == sorted([*PROVIDERS, "every other"])


def test_platforms_and_issuers_are_those_of_the_tables() -> None:
    shown, _, names = part("username/1").partition("\nNames: ")
    with_at = shown.partition("before the name")[2]

    assert findall(r"`([\w-]+)`", names) == sorted(PLATFORMS)
    assert findall(r"`([\w-]+)`", with_at) == sorted(AT_BEFORE_NAME)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_issuer_is_named(vendor: str) -> None:
    assert f"`{vendor}`" in part("device/1")
