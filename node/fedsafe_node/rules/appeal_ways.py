# SPDX-License-Identifier: Apache-2.0
"""Where a person contests what is listed about them; never a way that does not work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fedsafe_federation.exchange.handshake import RIGHTS_FORM, RIGHTS_FORM_PHONE
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Appeal
from fedsafe_node.ground.config import Config
from fedsafe_node.rules.policy_context import Situation

PUBLIC_FORM: Final = "/rights"
"""The path of the public form, the same at every member."""
_SPOKEN: Final[Mapping[Kind, str]] = {
    Kind.EMAIL: RIGHTS_FORM,
    Kind.PHONE: RIGHTS_FORM_PHONE,
}
"""What a member says whose form takes identifiers of that kind."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways beside the own form: whom to write to, and who else takes requests.

    `post` is name and address, `dpo` the data protection officer's mailbox, and `forms`
    are those of other members for each kind of identifier that they take.
    """

    contact: str
    post: str | None = None
    dpo: str | None = None
    forms: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)


def ways_of(situation: Situation) -> Ways:
    """Name every way that works beside the own form."""
    config, others = situation.config, sorted(situation.others())
    provider = config.provider
    named = (provider.legal_name or config.name, provider.address)
    return Ways(
        contact=config.contact,
        post=None if provider.address is None else ", ".join(filter(None, named)),
        dpo=config.dpo_contact,
        forms={
            kind: tuple(form for form in forms if form is not None)
            for kind in _SPOKEN
            if any(forms := [form_at(situation, name, kind) for name in others])
        },
    )


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
