# SPDX-License-Identifier: Apache-2.0
"""Where a person contests what is listed about them."""

from typing import Final

from fedsafe_node.lookup_messages import Appeal
from fedsafe_node.situation import Situation

PUBLIC_FORM: Final = "/rights"
"""The path of the public form, the same at every member."""


def appeal_path(situation: Situation, origin: str) -> Appeal:
    """Say where a signal of *origin* is contested: here, and at who has listed it."""
    config, url = situation.config, situation.url_of(origin)
    return Appeal(
        form=config.url + PUBLIC_FORM,
        contact=config.contact,
        origin_form=None if url is None else url + PUBLIC_FORM,
    )
