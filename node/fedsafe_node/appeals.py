# SPDX-License-Identifier: Apache-2.0
"""Where a person contests what is listed about them; never a way that does not work."""

from collections.abc import Mapping
from typing import Final

from fedsafe_federation.handshake import RIGHTS_FORM, RIGHTS_FORM_PHONE
from fedsafe_node.config import Config
from fedsafe_node.lookup_messages import Appeal
from fedsafe_node.messages import Kind
from fedsafe_node.situation import Situation

PUBLIC_FORM: Final = "/rights"
"""The path of the public form, the same at every member."""
_SPOKEN: Final[Mapping[Kind, str]] = {
    Kind.EMAIL: RIGHTS_FORM,
    Kind.PHONE: RIGHTS_FORM_PHONE,
}
"""What a member says whose form takes identifiers of that kind."""


def provable_kinds(config: Config) -> tuple[Kind, ...]:
    """Name the kinds of identifiers whose control the public form can prove.

    It sends codes: by the mail server to addresses, by the provider's hook to numbers.
    Without either nobody gets further than its first page.
    """
    ways = {Kind.EMAIL: config.mail, Kind.PHONE: config.phone}
    return tuple(kind for kind, way in ways.items() if way is not None)


def form_of(config: Config) -> str | None:
    """Return the address of the public form; None while it can prove nothing."""
    return config.url + PUBLIC_FORM if provable_kinds(config) else None


def spoken(config: Config) -> tuple[str, ...]:
    """Name what this node tells other members of itself, beside what it can do."""
    return tuple(_SPOKEN[kind] for kind in provable_kinds(config))


def form_at(situation: Situation, name: str, kind: Kind) -> str | None:
    """Return the form of another member, if it has said that it takes that kind."""
    url = situation.url_of(name)
    takes = _SPOKEN.get(kind) in situation.features.get(name, ())
    return None if url is None or not takes else url + PUBLIC_FORM


def appeal_path(situation: Situation, origin: str, kind: Kind) -> Appeal:
    """Say where a signal of *origin* is contested: here, and at who has listed it.

    A form only if it can prove an identifier of that *kind*; of the other one's only
    if it has said so.
    """
    config = situation.config
    return Appeal(
        form=form_of(config) if kind in provable_kinds(config) else None,
        contact=config.contact,
        origin_form=form_at(situation, origin, kind),
    )
