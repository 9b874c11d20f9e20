# SPDX-License-Identifier: Apache-2.0
"""What somebody had entered into a form that was not taken, until they have logged in.

It goes through the browser, since the node keeps nothing for people who have not logged
in. Each form bears a mark of the person for whom its page was made; what was entered is
sealed together with it, so that nobody reads it out of the page of the log-in. Once
somebody has logged in, it is offered to whom the mark stands for, and to nobody else:
another person may sit there by then.
"""

import hmac
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from fedsafe_node.desk.act import PASSKEY, PROOF
from fedsafe_node.desk.fields import SECRETS
from fedsafe_node.desk.frame import NOT_FOR_ROLE, show_wrong
from fedsafe_node.desk.view import WRITER, Page, View, opens
from fedsafe_policies.ground.catalogue import Phrase

_KIND: Final = "form of the desk"
_BARE: Final = frozenset({"token", "once", WRITER, PROOF, PASSKEY})
NOT_YOURS: Final = Phrase(
    "What had been entered before this log-in is another person's: it is not shown to "
    "you, and is gone."
)


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A form that was not taken: where it goes, whose it is, and its fields."""

    target: str
    writer: str
    fields: list[tuple[str, str]]


def seal_form(view: View) -> str:
    """Seal what was entered into the form that a page takes; empty if it is nobody's.

    What proves something or is secret is not kept.
    """
    writer = view.text(WRITER)
    if not writer:
        return ""
    fields = [
        (name, value)
        for name, values in view.posted.items()
        for value in values
        if name not in _BARE and name.rpartition(".")[2] not in SECRETS
    ]
    kept = msgspec.json.encode(Kept(view.request.path, writer, fields))
    # Short enough, mostly, to go to a provider of identities and back.
    sealed = view.desk.vault.seal_away(_KIND, zlib.compress(kept))
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def show_sealed(view: View, sealed: str, *, status: int) -> web.StreamResponse:
    """Show a form that was kept to the person who wrote it, to be sent again."""
    kept = _opened(view, sealed)
    if kept is None or not is_writer(view, kept.writer):
        return show_wrong(view, 403, NOT_YOURS)
    found = page_at(view.desk.pages, kept.target)
    if found is None or not opens(view, found):
        return show_wrong(view, 403, NOT_FOR_ROLE)
    return view.show(
        "kept.html",
        status=status,
        target=kept.target,
        kept=kept.fields,
        kept_title=found.title,
    )


def is_writer(view: View, mark: str) -> bool:
    """Whether a form's mark stands for whoever has logged in."""
    return hmac.compare_digest(mark.encode(), view.writer().encode())


def _opened(view: View, sealed: str) -> Kept | None:
    try:
        away = urlsafe_b64decode(sealed.encode() + b"=" * (-len(sealed) % 4))
    except ValueError:
        return None
    content = view.desk.vault.open_away(_KIND, away)
    if content is None:
        return None
    return msgspec.json.decode(zlib.decompress(content), type=Kept)


def page_at(pages: Sequence[Page], target: str) -> Page | None:
    """Find the page that takes forms at a path."""
    steps = target.split("/")
    for page in pages:
        parts = page.target.split("/")
        if page.method == "POST" and not page.open and len(parts) == len(steps):
            pairs = zip(parts, steps, strict=True)
            if all(part == step or part.startswith("{") for part, step in pairs):
                return page
    return None
