# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` says of deadlines that are over."""

from collections.abc import Iterator, Mapping
from typing import Any

from fedsafe_cli.diagnosis import Finding, Level


def overdue(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say which deadlines are over: of breaches, cases and orders."""
    if late := status.get("breaches_overdue"):
        way_out = "tell the authority, then `fedsafe breach notify`"
        found = f"the 72 hours are over for {late} breaches"
        yield Finding("breaches", Level.FAIL, found, way_out)
    if late := status.get("cases_overdue"):
        way_out = "`fedsafe case list` says which, and what they owe"
        found = f"{late} cases are overdue"
        yield Finding("cases", Level.FAIL, found, way_out)
    if late := status.get("orders_overdue"):
        way_out = "`fedsafe order list` says which; the legal adviser answers them"
        found = f"{late} orders of authorities are overdue"
        yield Finding("orders", Level.FAIL, found, way_out)
