# SPDX-License-Identifier: Apache-2.0
"""Values and tables as HTML, each word of them escaped.

A page has hundreds of cells: a template takes ten times as long for each, and
meanwhile the node answers nobody else.
"""

from collections.abc import Sequence

from markupsafe import Markup, escape

from fedsafe_node.desk.described import Cell, Table


def cell_markup(cell: Cell, inside: bool = False) -> Markup:  # noqa: FBT001, FBT002 - templates say it by place
    """Write a value; *inside* a table, a table of its own becomes a list."""
    return Markup(_cell(cell, inside))  # noqa: S704 - every word in it is escaped


def facts_markup(rows: Sequence[tuple[str, Cell]]) -> Markup:
    """Write names and their values."""
    return Markup(f'<dl class="facts">\n{_pairs(rows, inside=False)}</dl>')  # noqa: S704 - as above


def table_markup(table: Table) -> Markup:
    """Write a table; who turns over its columns hears its caption, or their names."""
    return Markup(_table(table))  # noqa: S704 - as above


def _cell(cell: Cell, inside: bool) -> str:  # noqa: FBT001 - as above
    said = _said(cell, inside)
    return f"{said} <small>{escape(cell.note)}</small>" if cell.note else said


def _said(cell: Cell, inside: bool) -> str:  # noqa: FBT001 - as above
    if cell.rows:
        return f'<dl class="inner">{_pairs(cell.rows, inside=inside)}</dl>'
    if cell.table is not None:
        return _list(cell.table) if inside else _table(cell.table)
    text = escape(cell.text)
    if cell.href:
        long = ' class="long"' if cell.opaque else ""
        return f'<a href="{escape(cell.href)}"{long}>{text}</a>'
    if cell.machine:
        return f'<time datetime="{escape(cell.machine)}">{text}</time>'
    return f'<code class="opaque">{text}</code>' if cell.opaque else text


def _pairs(rows: Sequence[tuple[str, Cell]], *, inside: bool) -> str:
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd>{_cell(value, inside)}</dd></div>\n"
        for name, value in rows
    )


def _list(table: Table) -> str:
    rows = (
        " ".join(
            f"<span>{escape(name)}</span> {_cell(each, inside=True)}"
            for name, each in zip(table.head, row, strict=True)
            if each.text or each.rows or each.table
        )
        for row in table.rows
    )
    return f'<ul class="inner">{"".join(f"<li>{row}</li>" for row in rows)}</ul>'


def _table(table: Table) -> str:
    head = [str(escape(name)) for name in table.head]
    label = escape(table.caption) if table.caption else ", ".join(head)
    caption = f"<caption>{label}</caption>\n" if table.caption else ""
    columns = "".join(f'<th scope="col">{name}</th>' for name in head)
    rows = "\n".join(
        "".join(
            ("<tr>", *(_column(*each) for each in zip(head, row, strict=True)), "</tr>")
        )
        for row in table.rows
    )
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{label}"><table>\n'
        f"{caption}<thead><tr>{columns}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
    )


def _column(name: str, cell: Cell) -> str:
    return f'<td data-label="{name}">{_cell(cell, inside=True)}</td>'
