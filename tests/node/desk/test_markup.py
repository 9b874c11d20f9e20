# SPDX-License-Identifier: Apache-2.0
"""Whatever a value holds, it is text in the page, and nothing else."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.desk.described import Cell, Table
from fedsafe_node.desk.markup import cell_markup, facts_markup, table_markup

_TEXTS = st.text(alphabet="ab<>&\"'/=`{}()\n ", min_size=1, max_size=12).map(
    lambda text: f"<script>{text}</script>"
)
_PLAIN = st.builds(
    Cell,
    text=_TEXTS,
    opaque=st.booleans(),
    machine=_TEXTS | st.just(""),
    href=_TEXTS | st.just(""),
)


@st.composite
def _tables(draw: st.DrawFn, cells: st.SearchStrategy[Cell]) -> Table:
    head = draw(st.lists(_TEXTS, min_size=1, max_size=3))
    row = st.tuples(*(cells for _ in head))
    rows = draw(st.lists(row, min_size=1, max_size=3))
    return Table(tuple(head), tuple(rows), draw(_TEXTS | st.just("")))


def _parts(cells: st.SearchStrategy[Cell]) -> st.SearchStrategy[Cell]:
    pairs = st.lists(st.tuples(_TEXTS, cells), min_size=1, max_size=3)
    rows = pairs.map(lambda each: Cell(rows=tuple(each)))
    return rows | _tables(cells).map(lambda each: Cell(table=each))


_CELLS = st.recursive(_PLAIN, _parts, max_leaves=6)


class _Seen(HTMLParser):
    """What a browser makes of it: elements, their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.values: list[str] = []
        self.text = ""
        self.feed(str(html))  # of Markup, a sum would be escaped anew
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names.update(name for name, _ in attrs)
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def _texts(cell: Cell, *, inside: bool) -> list[str]:
    if cell.rows:
        return [
            text
            for name, value in cell.rows
            for text in (name, *_texts(value, inside=inside))
        ]
    if cell.table is None:
        return [cell.text]
    head, rows = cell.table.head, cell.table.rows
    told = [] if inside else [cell.table.caption, *head]
    for row in rows:
        for name, each in zip(head, row, strict=True):
            told += [name] if inside else []
            told += _texts(each, inside=True)
    return told


_TAGS = {
    *("a", "code", "time", "dl", "div", "dt", "dd", "ul", "li", "span"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
_NAMES = {
    *("class", "href", "datetime", "role", "tabindex", "aria-label"),
    *("scope", "data-label"),
}


def _words(text: str) -> str:
    return "".join(text.split())


@given(_CELLS)
def test_what_a_value_holds_is_text(cell: Cell) -> None:
    seen = _Seen(cell_markup(cell))

    assert seen.tags <= _TAGS
    assert seen.names <= _NAMES
    assert _words(seen.text) == _words("".join(_texts(cell, inside=False)))


@given(_TEXTS, _CELLS)
def test_names_and_values_are_text(name: str, cell: Cell) -> None:
    seen = _Seen(facts_markup([(name, cell)]))

    assert seen.tags <= _TAGS
    assert _words(seen.text) == _words(name + "".join(_texts(cell, inside=False)))


@given(_tables(_PLAIN))
def test_a_table_says_each_column_beside_its_value(table: Table) -> None:
    seen = _Seen(table_markup(table))

    assert seen.tags <= _TAGS
    assert seen.names <= _NAMES
    assert seen.values.count(table.caption or ", ".join(table.head)) >= 1
    for name in table.head:
        assert seen.values.count(name) >= len(table.rows)
