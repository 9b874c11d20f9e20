# SPDX-License-Identifier: Apache-2.0
import io
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from pypdf import PdfReader
from tests.node.casework.rendering.papers import PAPERS, WHOLE, context, packed
from tests.support.maximal import AT

from fedsafe_node.casework.rendering.document import (
    Chart,
    Document,
    Fact,
    Facts,
    Paragraph,
    Section,
)
from fedsafe_node.casework.rendering.forms import render
from fedsafe_node.casework.rendering.pdf import drawn, pdf
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.package import Excerpt
from fedsafe_policies.escalation.vocabulary import (
    Form,
    Language,
    Mark,
    PartnerClass,
    Written,
)


def _page(text: str, *blocks: Chart | Facts) -> Document:
    section = Section("Heading", (Paragraph(text), *blocks))
    return Document(
        language=Language.EN,
        title="Title",
        author="Chat GmbH",
        banner="",
        lead=(),
        sections=(section,),
    )


def _tags(node: Any) -> list[str]:  # noqa: ANN401 - whatever a PDF holds
    """List the tags of a structure tree in their order."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [tag for each in node for tag in _tags(each)]
    if not isinstance(node, dict):
        return []
    own = [str(node["/S"])] if "/S" in node else []
    return own + _tags(node.get("/K", []))


def _text(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return "\n".join(page.extract_text() for page in pages)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("form", "partner"), PAPERS)
def test_a_pdf_is_tagged_titled_and_in_a_named_language(
    form: Form, partner: PartnerClass, language: Language
) -> None:
    about = context(language, Mark.DRAFT)
    paper = render(packed(partner), form, about, written=Written.PDF)
    reader = PdfReader(io.BytesIO(paper.content))
    root: Any = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_object().get_data().decode()
    tags = _tags(root["/StructTreeRoot"])

    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title
    assert "pdfuaid:part>1<" in metadata
    assert {"/H1", "/Table", "/TR", "/TD"} <= set(tags)
    assert tags.index("/Title") < tags.index("/H1")


def test_a_pdf_is_read_in_the_order_in_which_it_stands() -> None:
    sheet = (packed(PartnerClass.LAW_ENFORCEMENT), Form.PORTAL_SHEET, context())
    text = _text(render(*sheet, written=Written.PDF).content)
    order = ("Gefährdungssachverhalt", "Chat GmbH", "user-99", "192.0.2.7", "Vorgangs")

    assert [text.index(each) for each in order] == sorted(map(text.index, order))
    assert "ENTWURF" not in text
    assert "0f" * 32 in text


def test_the_same_document_is_the_same_pdf() -> None:
    assert pdf(_page("Hello"), AT) == pdf(_page("Hello"), AT)


@pytest.mark.parametrize(
    "text",
    ['#read("/etc/passwd")', "$x^2$", "*bold* _it_ = h", "#let", '"\\u{41}"', "// x"],
)
def test_what_a_case_says_is_never_a_command(text: str) -> None:
    written = _text(pdf(_page(text, Facts((Fact("name", (text,)),))), AT))

    assert written.count(text) == 2


def test_letters_that_the_fonts_lack_are_written_as_code_points() -> None:
    said = "Zoë Łukasz Ελένη Юлия 日 😀"
    written = _text(pdf(_page(said), AT))

    assert "Zoë Łukasz Ελένη Юлия [U+65E5] [U+1F600]" in written


def test_every_letter_that_counts_as_drawn_is_drawn() -> None:
    letters = [chr(code) for code in range(0x3000)]
    sure = [each for each in letters if drawn(each) == each]

    assert len(sure) > 900
    assert pdf(_page(" ".join(sure)), AT)
    assert all(unicodedata.category(each)[0] != "M" for each in sure)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_becomes_a_pdf(text: str) -> None:
    assert pdf(_page(text), AT).startswith(b"%PDF-")


def test_a_word_longer_than_a_line_copies_unchanged() -> None:
    url = "https://chat.example.de/" + "a1b2" * 60
    written = _text(pdf(_page("", Facts((Fact("url", (url,)),))), AT))

    assert url in written.replace("\n", "")


def test_a_chart_says_in_words_and_in_a_table_what_it_shows() -> None:
    chart = Chart("Features", "Direct messages most", ("feature", "n"), (("chat", 12),))
    content = pdf(_page("", chart), AT)
    root: Any = PdfReader(io.BytesIO(content)).trailer["/Root"]
    tags = _tags(root["/StructTreeRoot"])

    assert {"/Figure", "/Caption", "/TH"} <= set(tags)
    assert "chat" in _text(content)


def test_without_its_library_a_pdf_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)

    with pytest.raises(RenderingError, match=r"fedsafe\[pdf\]") as refused:
        pdf(_page("Hello"), AT)

    assert refused.value.code == "no_pdf"


def test_a_long_case_is_written_whole() -> None:
    many = tuple(Excerpt(text=f"Passage {n}. " * 20) for n in range(50))
    known = structs.replace(WHOLE, content=many)
    sheet = (packed(PartnerClass.LAW_ENFORCEMENT, known), Form.LETTER, context())
    text = _text(render(*sheet, written=Written.PDF).content)

    assert all(f"Passage {n}." in text for n in range(50))
