# SPDX-License-Identifier: Apache-2.0
import io
import itertools
from collections.abc import Iterator
from typing import Any, Final

import pytest
from msgspec import UNSET, structs
from pypdf import PdfReader
from tests.node.casework.rendering.long_papers import MANY, Q4
from tests.node.casework.rendering.papers import PAPERS, WHOLE, context, packed
from tests.support.maximal import AT

from fedsafe_node.casework.rendering.forms import render, render_pack
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.vocabulary import (
    Form,
    Language,
    Mark,
    PartnerClass,
    Written,
)

MARKS: Final = (None, *Mark)
EMERGENCY: Final = (Form.LETTER, PartnerClass.POLICE_EMERGENCY)


def _case(
    form: Form, partner: PartnerClass, language: Language, mark: Mark | None
) -> bytes:
    package = packed(partner, test=mark is Mark.TEST)
    return render(package, form, context(language, mark), written=Written.PDF).content


def _pack(language: Language) -> bytes:
    pack = (MANY, Q4, shipped_matrix(), language)
    return render_pack(*pack, written=Written.PDF, made_at=AT).content


def _all() -> Iterator[Any]:
    """Go through all that FedSafe writes as PDF, as parameters of a test."""
    for (form, partner), language, mark in itertools.product(PAPERS, Language, MARKS):
        name = f"{form}-{partner}-{language}-{mark}"
        yield pytest.param(_case, (form, partner, language, mark), id=name)
    for language in Language:
        yield pytest.param(_pack, (language,), id=f"pack-{language}")


def _tree(content: bytes) -> Any:  # noqa: ANN401 - of any PDF
    root: Any = PdfReader(io.BytesIO(content)).trailer["/Root"]
    return root["/StructTreeRoot"]


def _elements(node: Any, kind: str) -> Iterator[Any]:  # noqa: ANN401 - of any PDF
    """Go through the elements of one kind, in the order of reading."""
    node = node.get_object()
    if isinstance(node, list):
        for each in node:
            yield from _elements(each, kind)
    elif isinstance(node, dict):
        if node.get("/S") == kind:
            yield node
        yield from _elements(node["/K"], kind) if "/K" in node else ()


def _rows(node: Any) -> list[list[tuple[str, Any]]]:  # noqa: ANN401 - of any PDF
    """Return the rows of a part, as kinds and table attributes of their cells."""
    rows: list[list[tuple[str, Any]]] = []
    for row in _elements(node, "/TR"):
        cells = [cell.get_object() for cell in row["/K"]]
        own = [next(a for a in cell["/A"] if a["/O"] == "/Table") for cell in cells]
        rows.append([(cell["/S"], a) for cell, a in zip(cells, own, strict=True)])
    return rows


@pytest.mark.parametrize(("write", "about"), list(_all()))
def test_every_row_of_every_paper_has_a_header_that_names_it(
    write: Any,  # noqa: ANN401 - one of the writers above
    about: tuple[Any, ...],
) -> None:
    tree = _tree(write(*about))
    heads = sum(len(_rows(head)) for head in _elements(tree, "/THead"))
    rows = _rows(tree)
    named = [row for row in rows if row[0][1]["/Scope"] == "/Row"]

    assert rows
    assert len(named) == len(rows) - heads
    for (kind, _), *others in named:
        assert kind == "/TH"
        assert [kind for kind, _ in others] == ["/TD"]
        assert not any("/Headers" in attributes for _, attributes in others)


def test_rows_that_go_on_overleaf_have_their_headers() -> None:
    assert WHOLE.content is not UNSET
    said = structs.replace(
        WHOLE.content[0], text="Schreib mir, sonst sage ich es allen. " * 18
    )
    known = structs.replace(WHOLE, content=(said,) * 30)
    package = packed(PartnerClass.LAW_ENFORCEMENT, known)
    about = context(known=known)
    written = render(package, Form.LETTER, about, written=Written.PDF).content
    cells = [row[0] for row in _rows(_tree(written))]

    assert len(PdfReader(io.BytesIO(written)).pages) >= 3
    assert {kind for kind, _ in cells} == {"/TH"}


@pytest.mark.parametrize("language", Language)
def test_a_chart_has_headers_of_its_columns_too(language: Language) -> None:
    tree = _tree(_pack(language))
    heads = [row for head in _elements(tree, "/THead") for row in _rows(head)]

    assert len(heads) >= 4
    for cells in heads:
        assert [kind for kind, _ in cells] == ["/TH", "/TH"]
        assert {attributes["/Scope"] for _, attributes in cells} == {"/Column"}


def test_tagging_changes_nothing_else_that_a_file_says_of_itself() -> None:
    content = _case(*EMERGENCY, Language.DE, None)
    about = PdfReader(io.BytesIO(content)).metadata

    assert content.startswith(b"%PDF-1.7")
    assert about is not None
    assert about.title == "Mitteilung über den Verdacht einer Straftat"
    assert about.creation_date == about.modification_date == AT
    assert about.producer is None
    assert content == _case(*EMERGENCY, Language.DE, None)


def test_a_letter_does_not_end_on_a_page_of_its_own() -> None:
    content = _case(*EMERGENCY, Language.DE, None)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]

    assert len(pages) == 2
    assert "Mit freundlichen Grüßen" in pages[1]
    assert "Rückfragen beantwortet" in pages[1]
