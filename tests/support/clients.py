# SPDX-License-Identifier: Apache-2.0
"""Clients of a node whose processes die: they ask until there is an answer."""

import asyncio
from contextlib import suppress
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout
from tests.support.several import PATIENCE

BUSY = {409, 429, 500, 502, 503}
SIGNAL = {
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "r-1",
    "removed_on": "2026-11-20",
    "source": "notice",
    "detection": "people",
    "findings": ["adult"],
}


def about(number: int) -> dict[str, str]:
    """Name somebody whom nobody else names."""
    return {"kind": "email", "value": f"person-{number}@mail.example"}


def client(base: str, credential: str) -> ClientSession:
    """Be somebody at a node."""
    headers = {"Authorization": f"Bearer {credential}"}
    return ClientSession(base, headers=headers, timeout=ClientTimeout(20))


async def post(
    http: ClientSession, path: str, body: object = None, *, pause: float = 0.05
) -> dict[str, object]:
    """Ask until there is an answer, under one key."""
    headers = {"Idempotency-Key": str(uuid4())}
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(ClientError, OSError, TimeoutError):
                async with http.post(path, json=body, headers=headers) as answer:
                    told: dict[str, object] = await answer.json()
                    if answer.status not in BUSY:
                        assert answer.status < 300, told
                        return told
            await asyncio.sleep(pause)
