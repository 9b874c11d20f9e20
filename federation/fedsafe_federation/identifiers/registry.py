# SPDX-License-Identifier: Apache-2.0
"""The canonicalisers in force, by kind and version.

The identifier of a canonicaliser ("phone/1") is part of a token's input, so a
rule never changes under its number: a new rule is a new version. Every module
of a kind is imported when it is first asked, and loads its library only for
values that need it.
"""

from typing import Final, NamedTuple

from fedsafe_policies.vocabulary import IdentifierKind

CANONICALISERS: Final[dict[IdentifierKind, str]] = {
    IdentifierKind.EMAIL: "email/1",
    IdentifierKind.PHONE: "phone/1",
    IdentifierKind.USERNAME: "username/1",
    IdentifierKind.DEVICE: "device/1",
    IdentifierKind.PAYMENT: "payment/1",
    IdentifierKind.IP: "ip/1",
    IdentifierKind.URL: "url/1",
}
"""The version of each kind's rules that new tokens are made with."""


class Canonical(NamedTuple):
    """An identifier in the one form that all nodes give it.

    No dataclass, whose module alone takes longer to import than this room's share
    of a cold start.
    """

    kind: IdentifierKind
    canonicaliser: str
    value: str

    def __repr__(self) -> str:
        """Name the rules and not the value: this may reach a log."""
        return f"Canonical({self.canonicaliser})"


def canonicalise(
    kind: IdentifierKind,
    raw: str,
    *,
    region: str | None = None,
    namespace: str | None = None,
) -> Canonical:
    """Bring an identifier as somebody wrote it into its canonical form.

    Args:
        kind: What the identifier is.
        raw: The identifier as written.
        region: For phone numbers in national form, the ISO 3166 country code.
        namespace: For user names and devices, the platform or issuer; without
            it the value is read as `namespace:value`.

    Raises:
        IdentifierError: It has no canonical form; the error holds no value.
    """
    value = _value_of(kind, raw, region, namespace)
    return Canonical(kind, CANONICALISERS[kind], value)


def _value_of(  # noqa: PLR0911 - one return a kind
    kind: IdentifierKind, raw: str, region: str | None, namespace: str | None
) -> str:
    # ruff: noqa: PLC0415 - one kind's rules cost nothing to who never asks for it
    match kind:
        case IdentifierKind.EMAIL:
            from fedsafe_federation.identifiers.email import canonical_email

            return canonical_email(raw)
        case IdentifierKind.PHONE:
            from fedsafe_federation.identifiers.phone import canonical_phone

            return canonical_phone(raw, region)
        case IdentifierKind.USERNAME:
            from fedsafe_federation.identifiers.username import canonical_username

            return canonical_username(raw, namespace)
        case IdentifierKind.DEVICE:
            from fedsafe_federation.identifiers.device import canonical_device

            return canonical_device(raw, namespace)
        case IdentifierKind.PAYMENT:
            from fedsafe_federation.identifiers.payment import canonical_payment

            return canonical_payment(raw)
        case IdentifierKind.IP:
            from fedsafe_federation.identifiers.ip import canonical_ip

            return canonical_ip(raw)
        case IdentifierKind.URL:
            from fedsafe_federation.identifiers.url import canonical_url

            return canonical_url(raw)
