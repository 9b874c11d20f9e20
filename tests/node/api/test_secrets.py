# SPDX-License-Identifier: Apache-2.0
"""Planted values come out of no answer, log line or metric, in no encoding."""

import base64
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from tests.node.api.conftest import STAFF_TOKEN, Api

VALUE = "anna.geheim@example.de"
STAFF = {"Authorization": f"Bearer {STAFF_TOKEN}"}
TOKEN = "fs1_GEHEIM" + "g" * 37
MARKS = ("geheim", "GEHEIM", base64.b64encode(b"geheim")[:6].decode())
PLANTS: Mapping[str, object] = {
    "value": {"questions": [{"kind": "email", "value": VALUE}]},
    "kind": {"questions": [{"kind": VALUE, "value": "x"}]},
    "field": {"questions": [{"kind": "email", "value": "x", VALUE: 1}]},
    "reference": {"questions": [], "subject_ref": VALUE},
    "account": {"subject_ref": VALUE, "reason": "mistake"},
    "purpose": {"questions": [{"kind": "email", "value": "x"}], "purpose": VALUE},
    "top": VALUE,
}


def spellings() -> Iterator[bytes]:
    for plant in PLANTS.values():
        yield json.dumps(plant).encode()
    yield VALUE.encode()
    yield VALUE.encode("utf-16")
    yield b"\xff" + VALUE.encode()


async def test_nothing_planted_comes_out(api: Api) -> None:
    seen: list[str] = []
    headers = {
        "Content-Type": "application/json",
        "X-Request-Id": VALUE,
        "User-Agent": VALUE,
        "Idempotency-Key": VALUE,
    }
    paths = (
        "/v1/lookup",
        "/v1/signals",
        "/v1/signals/import",
        "/v1/signals/approve",
        "/v1/signals/revoke",
        f"/v1/signals/{quote(VALUE)}/revoke",
        f"/v1/{quote(VALUE)}",
        f"/v1/lookup?value={quote(VALUE)}",
        "/v1/evaluate",
        "/v1/founding",
    )
    for failure in (None, KeyError(VALUE), ValueError(VALUE), OSError(5, VALUE)):
        api.memory.failure = failure
        for path in paths:
            for body in spellings():
                response = await api.http.post(path, data=body, headers=headers)
                seen.append(await response.text() + str(response.headers))
    bad = {"Authorization": f"Bearer {TOKEN}"}
    response = await api.http.get(f"/v1/status?{quote(VALUE)}", headers=bad)
    seen.append(await response.text())
    api.memory.failure = None
    seen.append(await (await api.http.get("/v1/metrics", headers=STAFF)).text())

    everything = "".join(seen) + api.log.getvalue()
    assert [mark for mark in MARKS if mark in everything] == []
    assert "answered" in everything


async def test_the_search_would_find_it(api: Api) -> None:
    reference = {"questions": [{"kind": "ip", "value": "x"}], "subject_ref": "geheim"}
    text = await (await api.http.post("/v1/lookup", json=reference)).text()

    assert any(mark in text for mark in MARKS)
