# SPDX-License-Identifier: Apache-2.0
"""Where a person contests what is listed about them; never a way that does not work."""

from typing import Final

from fedsafe_federation.handshake import RIGHTS_FORM
from fedsafe_node.config import Config
from fedsafe_node.lookup_messages import Appeal
from fedsafe_node.situation import Situation

PUBLIC_FORM: Final = "/rights"
"""The path of the public form, the same at every member."""


def form_of(config: Config) -> str | None:
    """Return the address of the public form; None while it can prove nobody's address.

    It mails codes: without a mail server nobody gets further than its first page.
    """
    return None if config.mail is None else config.url + PUBLIC_FORM


def spoken(config: Config) -> tuple[str, ...]:
    """Name what this node tells other members of itself, beside what it can do."""
    return (RIGHTS_FORM,) if form_of(config) is not None else ()


def appeal_path(situation: Situation, origin: str) -> Appeal:
    """Say where a signal of *origin* is contested: here, and at who has listed it.

    Of the other one's form only if it has said that it takes requests.
    """
    config, url = situation.config, situation.url_of(origin)
    takes = RIGHTS_FORM in situation.features.get(origin, ())
    return Appeal(
        form=form_of(config),
        contact=config.contact,
        origin_form=None if url is None or not takes else url + PUBLIC_FORM,
    )
