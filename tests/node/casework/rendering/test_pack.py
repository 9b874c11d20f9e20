# SPDX-License-Identifier: Apache-2.0
import io
import re
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from tests.node.casework.rendering.long_papers import MANY, Q4, case_of
from tests.support.maximal import AT

from fedsafe_node.casework.rendering.document import Chart
from fedsafe_node.casework.rendering.forms import render_pack
from fedsafe_node.casework.rendering.html import svg
from fedsafe_node.casework.rendering.pack import (
    Quarter,
    measures_against,
    quarter_pack,
)
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.vocabulary import Language, Step, Written

SVG: Final = "{http://www.w3.org/2000/svg}"


def _pack(cases: list[Elements], language: Language, written: Written) -> bytes:
    matrix = shipped_matrix()
    return render_pack(cases, Q4, matrix, language, written=written, made_at=AT).content


@pytest.mark.promise("LR-53")
@pytest.mark.parametrize("language", Language)
def test_features_measures_and_effects_of_many_cases_are_told(
    language: Language,
) -> None:
    text = _pack(MANY, language, Written.TEXT).decode()

    assert "direct_messages: 22" in text
    assert re.search("(Dauerhafte Sperre|Permanent ban): 12", text)
    assert re.search("(Verwarnung|Warning): 10", text)
    assert "2026-Q4" in text
    assert "Chat GmbH" in text


@pytest.mark.parametrize("written", [Written.HTML, Written.TEXT])
def test_fewer_than_ten_cases_are_never_told(written: Written) -> None:
    text = _pack(MANY, Language.DE, written).decode()

    assert "live_chat" not in text
    assert "Entfernung des Inhalts" not in text


@pytest.mark.promise("LR-53")
def test_no_single_case_is_in_a_pack() -> None:
    text = _pack(MANY, Language.DE, Written.HTML).decode()

    for name in ("case-7", "user-99", "192.0.2.7", "message-4", "Bahnhof", "hold-8"):
        assert name not in text


def test_a_number_that_would_tell_of_the_rest_is_left_out() -> None:
    cases = [*[case_of("chat", Step.L6)] * 11, case_of("chat", Step.L1)]

    assert measures_against(cases, "chat", 10) == {}
    assert measures_against(cases[:11], "chat", 10) == {"L6": 11}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sets(st.sampled_from(sorted(Step))), max_size=40), st.data())
def test_neither_a_number_nor_its_rest_is_small(
    taken: list[set[Step]], data: st.DataObject
) -> None:
    fewest = data.draw(st.integers(10, 12))
    cases = [case_of("chat", *sorted(steps)) for steps in taken]

    for n in measures_against(cases, "chat", fewest).values():
        assert n >= fewest
        assert len(cases) - n == 0 or len(cases) - n >= fewest


def test_a_quarter_without_cases_says_so() -> None:
    text = _pack([], Language.EN, Written.TEXT).decode()

    assert text.count("Too few cases (fewer than 10).") == 5


def test_a_chart_is_an_svg_with_title_text_and_table() -> None:
    page = _pack(MANY, Language.EN, Written.HTML).decode()
    drawings = re.findall("<svg.*?</svg>", page, re.DOTALL)
    ids = re.findall('id="([^"]+)"', page)

    assert len(drawings) >= 4
    assert len(ids) == len(set(ids))
    for drawing in drawings:
        root = ET.fromstring(drawing)  # noqa: S314 - written by ourselves
        named = (root.get("aria-labelledby") or "").split()
        title, text = root.find(f"{SVG}title"), root.find(f"{SVG}desc")

        assert root.get("role") == "img"
        assert title is not None
        assert text is not None
        assert [title.get("id"), text.get("id")] == named
        assert title.text
        assert text.text
    assert page.count("<caption>") == len(drawings)


def test_what_a_chart_says_is_never_markup() -> None:
    chart = Chart("<b>", "</desc><script>", ("a", "b"), (("<i>&", 3),))

    assert ET.fromstring(svg(chart)).find(f"{SVG}desc") is not None  # noqa: S314
    assert "<script" not in svg(chart)


def test_a_pack_is_a_tagged_pdf() -> None:
    reader = PdfReader(io.BytesIO(_pack(MANY, Language.DE, Written.PDF)))
    root: Any = reader.trailer["/Root"]
    text = "".join(page.extract_text() for page in reader.pages)

    assert root["/MarkInfo"]["/Marked"]
    assert "direct_messages" in text
    assert "Jugendschutzbeauftragte" in text


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026-Q1", "2026-01-01", "2026-04-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
    ],
)
def test_a_quarter_goes_from_its_first_moment_to_the_next(
    text: str, begins: str, ends: str
) -> None:
    quarter = Quarter.parse(text)

    assert str(quarter) == text
    assert f"{quarter.begins:%Y-%m-%d}" == begins
    assert f"{quarter.ends:%Y-%m-%d}" == ends


@pytest.mark.parametrize("text", ["2026", "2026-Q5", "2026-Q0", "1999-Q1", "Q1", ""])
def test_what_is_no_quarter_is_refused(text: str) -> None:
    with pytest.raises(RenderingError, match="2026-Q4"):
        Quarter.parse(text)


def test_a_case_without_measures_is_counted_for_its_feature_only() -> None:
    document = quarter_pack([case_of("chat")] * 10, Q4, shipped_matrix(), Language.EN)
    charts = [
        block
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Chart)
    ]

    assert charts[0].bars == (("chat", 10),)
