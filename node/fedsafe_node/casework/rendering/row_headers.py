# SPDX-License-Identifier: Apache-2.0
"""Names of rows, tagged as headers in a written PDF.

Typst tags as headers only what stands in the head of a table; its function for other
cells is behind a switch that its Python wheel does not have. In all our tables the
first cell of a row names the row, so this is mended in the written file. Nothing that
is drawn changes.
"""

import io
from collections.abc import Iterator
from typing import Any, Final

from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject

_TYPE: Final = NameObject("/S")


def with_row_headers(written: bytes) -> bytes:
    """Return a tagged PDF in which the first cell of each row is the row's header.

    A cell then names no headers of its own: readers find them by their scope.
    """
    source = PdfReader(io.BytesIO(written))
    writer = PdfWriter(clone_from=source, keep_initial_header=True)
    for row in _rows(writer.root_object["/StructTreeRoot"]):
        cells = [cell.get_object() for cell in row["/K"]]
        if cells[0][_TYPE] == "/TD":
            cells[0][_TYPE] = NameObject("/TH")
            _of_table(cells[0])[NameObject("/Scope")] = NameObject("/Row")
            for cell in cells:
                _of_table(cell).pop("/Headers", None)
    writer.metadata = source.metadata  # the writer would put its own name there
    mended = io.BytesIO()
    writer.write(mended)
    return mended.getvalue()


def _rows(root: Any) -> Iterator[Any]:  # noqa: ANN401 - whatever a PDF holds
    """Go through the rows of all tables, also of those within cells."""
    left = [root]
    while left:
        node = left.pop().get_object()
        if isinstance(node, list):
            left += node
        elif isinstance(node, dict):
            if node.get(_TYPE) == "/TR":
                yield node
            # A part that goes on overleaf names its page and has no parts of its own.
            left += [node["/K"]] if "/K" in node else ()


def _of_table(cell: Any) -> Any:  # noqa: ANN401 - as above
    """Return what a cell says of itself as part of a table, as Typst's cells all do."""
    parts = (part.get_object() for part in cell["/A"].get_object())
    return next(part for part in parts if part["/O"] == "/Table")
