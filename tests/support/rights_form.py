# SPDX-License-Identifier: Apache-2.0
"""The form for persons, filled in as a browser does."""

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urlencode

from aiohttp import ClientSession
from tests.support.fleet import Fleet

from fedsafe_node.rights.control_proof import Proofs

PLACE = "192.0.2.7"
EN = {"Accept-Language": "en-GB,en;q=0.9,de;q=0.1"}


def proofs_of(fleet: Fleet, name: str = "b.demo") -> Proofs:
    proofs = fleet[name].services.proofs
    assert isinstance(proofs, Proofs)
    return proofs


class Page(HTMLParser):
    """What a reader's machine makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[Mapping[str, str | None]]:
        return [found for name, found in self.tags if name == tag]

    def check(self) -> None:
        """Check what everybody needs: language, labels, hints, no script."""
        (html,) = self.all("html")
        assert html["lang"] in {"de", "en"}
        assert [*self.all("title"), *self.all("h1"), *self.all("main")] != []
        labelled = {label["for"] for label in self.all("label")}
        ids = {found["id"] for _, found in self.tags if "id" in found}
        for field in (*self.all("input"), *self.all("select")):
            if field.get("type") != "hidden":
                assert field["id"] in labelled
                described = field.get("aria-describedby") or ""
                assert set(described.split()) <= ids
        assert self.all("script") == []
        assert not any(
            name.startswith("on") for _, found in self.tags for name in found
        )
        for name, found in self.tags:  # a link loads nothing
            where = found.get("src") or (name != "a" and found.get("href")) or ""
            assert "://" not in where


async def posted(
    session: ClientSession, path: str, *, status: int = 200, **fields: str
) -> str:
    return await post_all(session, path, fields, status=status)


async def post_all(
    session: ClientSession, path: str, fields: Mapping[str, str], *, status: int
) -> str:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields)
    async with session.post(path, data=body, headers=headers) as response:
        assert response.status == status
        assert response.headers["Cache-Control"] == "no-store"
        framing = response.headers["Content-Security-Policy"]
        assert framing == "frame-ancestors 'none'"
        assert ("Retry-After" in response.headers) is (status in {429, 503})
        text = await response.text()
    Page(text).check()
    return text


def hidden(text: str, name: str) -> str:
    (value,) = [
        found["value"] for found in Page(text).all("input") if found.get("name") == name
    ]
    assert value is not None
    return value
