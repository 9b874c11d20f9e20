# SPDX-License-Identifier: Apache-2.0
"""What strangers write where people read it later: markup, formulas, tricks of text."""

from datetime import timedelta
from typing import Final

from tests.support.desk import Reader
from tests.support.desk_house import House

_DOES: Final = "window.ran=1"
_MARKUP: Final = (
    f"<script>{_DOES}</script>",
    f"</script><script>{_DOES}</script>",
    f"<img src=x onerror={_DOES}>",
    f"<svg onload={_DOES}>",
    f'"><img src=x onerror={_DOES}>',
    f"'><svg/onload={_DOES}>",
    f'" autofocus onfocus="{_DOES}" x="',
    f"' onmouseover='{_DOES}' x='",
    f"`onerror=`{_DOES}",
    f"<a href=javascript:{_DOES}>x</a>",
    f"javascript:{_DOES}",
    f"</title><script>{_DOES}</script>",
    f"</textarea><script>{_DOES}</script>",
    f"</select><script>{_DOES}</script>",
    "<b data-ran=1>bold</b>",
    "<plaintext data-ran=1>",
    "<!-- <main>",
    "--><i data-ran=1>",
    "<base href=//planted.example>",
    "<link rel=stylesheet href=/planted.css>",
    "<meta http-equiv=refresh content=0>",
    "<iframe src=/planted>",
    "<form action=/planted><button>",
    "<style>*{display:none}</style>",
    "{{ 7*7 }}",
    "{% raw %}",
    "${7*7}",
    "&lt;script&gt;",
    "&#x3c;b&#x3e;",
    "%3Cscript%3E",
    "<ScRiPt data-ran=1>",
    "<math><mtext data-ran=1>",
)
_FORMULAS: Final = ("=1+1", "+cmd|x", "-2+3", "@SUM(A1)", '=HYPERLINK("x")')
_TEXT: Final = (
    "user\u202etxt.exe",
    "\u2066a\u2069b",
    "a\u200bb",
    "a\r\nSet-Cookie: x=1",
    "a\nb",
    "e" + "\u0301" * 12,
)
_A_WHILE: Final = timedelta(minutes=1)
PAYLOADS: Final = _MARKUP + _FORMULAS + _TEXT


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
