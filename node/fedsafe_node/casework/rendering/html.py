# SPDX-License-Identifier: Apache-2.0
"""A document as one HTML page: no script, no picture, nothing loaded from elsewhere.

Headings, named values and tables are marked up as what they are, so that a screen
reader tells them; a chart is an SVG with title and description, and its table.
"""

from html import escape
from typing import Final

from fedsafe_node.casework.rendering.document import (
    Blanks,
    Block,
    Chart,
    Document,
    Facts,
    Paragraph,
    Section,
)

_STYLE: Final = """
body { font: 1rem/1.45 system-ui, sans-serif; color: #111; background: #fff;
  margin: 2rem auto; max-width: 48rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #888; padding: .3rem .5rem; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { width: 14rem; background: #f2f2f2; font-weight: 600; }
td p, th p { margin: 0; } td.number { text-align: right; }
.mark { border: 3px solid #a00; color: #a00; font-size: 1.4rem; font-weight: 700;
  padding: .3rem .6rem; text-align: center; letter-spacing: .2em; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
@page { size: A4; margin: 18mm; } @media print { body { margin: 0; } }
""".strip()
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_ROW: Final = 26
_LEFT: Final = 220
_WIDTH: Final = 640
_ROOM: Final = 60
"""The measures of a chart, in its own units."""


def html(document: Document) -> bytes:
    """Write a document as a page in UTF-8."""
    body = [f"<h1>{escape(document.title)}</h1>"]
    if document.banner:
        body.insert(0, f'<p class="mark" role="note">{escape(document.banner)}</p>')
    body += [f"<p>{escape(text)}</p>" for text in document.lead]
    charts = 0
    for section in document.sections:
        body.append(_section(section, charts))
        charts += sum(isinstance(block, Chart) for block in section.blocks)
    title = " · ".join(filter(None, (document.banner, document.title)))
    return (
        "<!doctype html>\n"
        f'<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta name="author" content="{escape(document.author)}">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>\n{_STYLE}{_running(document.running)}\n</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    ).encode()


def _running(text: str) -> str:
    """Put a text above each printed page, and the page's number below."""
    if not text:
        return ""
    # A string of CSS in a page: no letter may end the string, the rule or the element.
    said = "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in text)
    return (
        f'\n@page {{ @top-left {{ content: "{said}"; font-size: 8pt; }}\n'
        '  @bottom-right { content: counter(page) " / " counter(pages); } }'
    )


def _section(section: Section, charts: int) -> str:
    parts = [f"<h2>{escape(section.heading)}</h2>"] if section.heading else []
    for block in section.blocks:
        parts.append(_block(block, charts))
        charts += isinstance(block, Chart)
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _block(block: Block, number: int) -> str:
    match block:
        case Paragraph():
            return f'<p class="text">{escape(block.text)}</p>'
        case Facts():
            rows = "".join(
                f'<tr><th scope="row">{escape(fact.name)}</th><td>'
                + "".join(f'<p class="text">{escape(line)}</p>' for line in fact.lines)
                + "</td></tr>\n"
                for fact in block.facts
            )
            return f"<table>\n{rows}</table>"
        case Blanks():
            rows = "".join(
                f'<tr><th scope="row">{escape(name)}</th><td>&nbsp;</td></tr>\n'
                for name in block.names
            )
            return f"<table>\n{rows}</table>"
        case Chart():
            return _chart(block, number)


def _chart(chart: Chart, number: int) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in chart.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{n}</td></tr>\n'
        for name, n in chart.bars
    )
    return (
        f"<figure>\n{svg(chart, number)}\n"
        f"<figcaption>{escape(chart.title)}</figcaption>\n</figure>\n"
        f"<table>\n<caption>{escape(chart.title)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"
    )


def svg(chart: Chart, number: int = 0) -> str:
    """Write a chart as SVG that says what it shows; `number` makes ids unique."""
    most = max((n for _, n in chart.bars), default=1)
    height = _ROW * max(len(chart.bars), 1)
    bars = "".join(_bar(at, name, n, most) for at, (name, n) in enumerate(chart.bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_WIDTH}" '
        f'height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'aria-labelledby="chart-{number}-title chart-{number}-text">\n'
        f'<title id="chart-{number}-title">{escape(chart.title)}</title>\n'
        f'<desc id="chart-{number}-text">{escape(chart.description)}</desc>\n'
        f'<g font-family="sans-serif" font-size="13" fill="#111">\n{bars}</g>\n</svg>'
    )


def _bar(at: int, name: str, number: int, most: int) -> str:
    width = max(1, round((_WIDTH - _LEFT - _ROOM) * number / most))
    line, top = at * _ROW + 17, at * _ROW + 4
    return (
        f'<text x="{_LEFT - 8}" y="{line}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{width}" height="18" fill="#1f5c99"/>'
        f'<text x="{_LEFT + width + 6}" y="{line}">{number}</text>\n'
    )
