# SPDX-License-Identifier: Apache-2.0
"""What strangers write where people read it later: markup, formulas, tricks of text."""

from datetime import timedelta
from typing import Final

from tests.support.desk import Reader
from tests.support.desk_house import House

_DOES: Final = "window.ran=1"
MARKUP: Final = {
    "script": f"<script>{_DOES}</script>",
    "script after script": f"</script><script>{_DOES}</script>",
    "image that fails": f"<img src=x onerror={_DOES}>",
    "svg that loads": f"<svg onload={_DOES}>",
    "attribute closed by two quotes": f'"><img src=x onerror={_DOES}>',
    "attribute closed by one quote": f"'><svg/onload={_DOES}>",
    "field that takes the focus": f'" autofocus onfocus="{_DOES}" x="',
    "handler in one quote": f"' onmouseover='{_DOES}' x='",
    "handler in backticks": f"`onerror=`{_DOES}",
    "link that runs": f"<a href=javascript:{_DOES}>x</a>",
    "address that runs": f"javascript:{_DOES}",
    "script after title": f"</title><script>{_DOES}</script>",
    "script after text area": f"</textarea><script>{_DOES}</script>",
    "script after list": f"</select><script>{_DOES}</script>",
    "element": "<b data-ran=1>bold</b>",
    "plain text to the end": "<plaintext data-ran=1>",
    "comment": "<!-- <main>",
    "comment closed": "--><i data-ran=1>",
    "base of addresses": "<base href=//planted.example>",
    "stylesheet": "<link rel=stylesheet href=/planted.css>",
    "reload": "<meta http-equiv=refresh content=0>",
    "frame": "<iframe src=/planted>",
    "form": "<form action=/planted><button>",
    "style": "<style>*{display:none}</style>",
    "expression of a template": "{{ 7*7 }}",
    "statement of a template": "{% raw %}",
    "expression of a script": "${7*7}",
    "entity by name": "&lt;script&gt;",
    "entity by number": "&#x3c;b&#x3e;",
    "escaped for an address": "%3Cscript%3E",
    "element in mixed case": "<ScRiPt data-ran=1>",
    "element of formulas": "<math><mtext data-ran=1>",
}
"""Markup and scripts; some would run, some would alter what a page is made of."""
FORMULAS: Final = {
    "formula": "=1+1",
    "formula of a command": "+cmd|x",
    "formula of a number": "-2+3",
    "formula of a sum": "@SUM(A1)",
    "formula of a link": '=HYPERLINK("x")',
}
"""What a spreadsheet would reckon."""
TRICKS: Final = {
    "right to left": "user\u202etxt.exe",
    "isolate": "\u2066a\u2069b",
    "no width": "a\u200bb",
    "lines that would be a header": "a\r\nSet-Cookie: x=1",
    "line": "a\nb",
    "marks on a letter": "e" + "\u0301" * 12,
}
"""What misleads an eye or a head of an answer."""
NAMED: Final = MARKUP | FORMULAS | TRICKS
PAYLOADS: Final = tuple(NAMED.values())
_A_WHILE: Final = timedelta(minutes=1)


async def plant(house: House) -> None:
    """Write them wherever a form of the desk takes a text; it may refuse any."""
    async with Reader(house.origin) as reader:
        await reader.log_in(house.staff, "olaf")
        for at, each in enumerate(PAYLOADS):
            await _send(
                reader,
                "/desk/house/people/new/add",
                {"name": f"stranger{at}", "display": each[:64]},
            )
    house.fleet.clock.advance(_A_WHILE)
    async with Reader(house.origin) as reader:
        await reader.log_in(house.staff, "dora")
        for each in PAYLOADS:
            await _send(
                reader,
                "/desk/persons/breaches/new/open",
                {
                    "aware_at": "2026-11-24T10:00",
                    "kinds": ["integrity"],
                    "note": each,
                },
            )
        for each in PAYLOADS[::4]:
            await _send(
                reader,
                "/desk/log/holds/new/add",
                {"reason": each, "until": "2026-12-24T10:00", "subject_ref": each},
            )
            await _send(reader, "/desk/log/account", {"subject_ref": each})


async def _send(reader: Reader, path: str, given: dict[str, str | list[str]]) -> None:
    await reader.open(path)
    shown = await reader.send(path, given)
    assert shown.status < 500, (path, given, shown.text[:300])
    assert "data-ran=1>" not in shown.html.replace("&gt;", "")
