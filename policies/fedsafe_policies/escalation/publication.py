# SPDX-License-Identifier: Apache-2.0
"""What partners can read beforehand: the package's JSON Schema and the matrix.

``python -m fedsafe_policies.escalation.publication schema`` writes
`docs/reference/case-package.schema.json`, ``… matrix`` the table of
`docs/reference/case-package.md`; a test compares both.
"""

import sys
from inspect import cleandoc
from typing import Any, Final

import msgspec

from fedsafe_policies.escalation.matrix import Cell, Handling, Matrix, shipped_matrix
from fedsafe_policies.escalation.package import FORMAT, CasePackage
from fedsafe_policies.escalation.vocabulary import Element, PartnerClass

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> bytes:
    """Write the package's closed JSON Schema, in the dialect 2020-12."""
    (root,), parts = msgspec.json.schema_components(
        [CasePackage], ref_template="#/$defs/{name}"
    )
    for part in parts.values():
        if "description" in part:  # a docstring; Python 3.13 strips its margin
            part["description"] = cleandoc(part["description"])
    parts["CasePackage"]["properties"]["unavailable"]["propertyNames"] = {
        "enum": sorted(Element)
    }
    document: dict[str, Any] = {
        "$schema": _DIALECT,
        "$id": f"urn:fedsafe:{FORMAT}",
        "title": "FedSafe case package, version 1",
        **root,
        "$defs": dict(sorted(parts.items())),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def matrix_table(matrix: Matrix) -> str:
    """Write the matrix as a table in Markdown, one line for each element."""
    head = "| element | " + " | ".join(f"`{name}`" for name in PartnerClass) + " |\n"
    rule = "|---" * (len(PartnerClass) + 1) + "|\n"
    rows = "".join(
        f"| `{element}` | "
        + " | ".join(_said(matrix.cell(name, element)) for name in PartnerClass)
        + " |\n"
        for element in Element
    )
    return head + rule + rows


def _said(cell: Cell) -> str:
    match cell.handling:
        case Handling.REQUIRED:
            return "**yes**"
        case Handling.CONDITIONAL:
            return "if " + " or ".join(f"`{each}`" for each in sorted(cell.conditions))
        case Handling.AGGREGATE:
            return "counted"
        case Handling.HASH_ONLY:
            return "digests"
        case Handling.NEVER:
            return "no"


if __name__ == "__main__":
    if sys.argv[1:] == ["matrix"]:
        sys.stdout.write(matrix_table(shipped_matrix()))
    else:
        sys.stdout.write(schema().decode())
