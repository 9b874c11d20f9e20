# SPDX-License-Identifier: Apache-2.0
"""E-mail addresses (`email/1`).

Syntax and IDNA are email-validator's, without any look at the DNS. The local
part is folded (NFKC, casefold), the domain becomes its A-label. Dots and plus
tags are dropped only for the hosts of `PROVIDERS`, which never let two people
have mailboxes that differ in them; everywhere else they stay, for a false match
is worse than a missed one.
"""

from functools import cache
from re import compile as compile_pattern
from typing import Final, NamedTuple, Protocol
from unicodedata import normalize

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.unicode import admit, fold
from fedsafe_policies.vocabulary import IdentifierKind

CANONICALISER: Final = "email/1"


class Provider(NamedTuple):
    """How one host writes the same mailbox in several ways."""

    domain: str
    dots_ignored: bool


_GOOGLE: Final = Provider(domain="gmail.com", dots_ignored=True)
_PROTON: Final = Provider(domain="proton.me", dots_ignored=False)

PROVIDERS: Final[dict[str, Provider]] = {
    "gmail.com": _GOOGLE,
    "googlemail.com": _GOOGLE,
    "proton.me": _PROTON,
    "protonmail.com": _PROTON,
    "pm.me": _PROTON,
} | {
    domain: Provider(domain=domain, dots_ignored=False)
    for domain in (
        "fastmail.com",
        "hotmail.com",
        "hotmail.de",
        "icloud.com",
        "live.com",
        "live.de",
        "outlook.com",
        "outlook.de",
    )
}
"""Hosts whose mailbox names hold no plus, so that a plus starts a tag."""

_ATOM: Final = r"[a-z0-9_!#$%&'*+\-/=?^`{|}~]+"
# Labels with hyphens in third and fourth place, all-digit ends and special-use
# domains are left to the library.
_LABEL: Final = r"(?![a-z0-9-]{2}--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN: Final = compile_pattern(
    rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+"
    r"(?!(?:arpa|invalid|local|localhost|onion|test)\Z)[a-z]{2,63})"
)
_MAX_ADDRESS: Final = 254
_MAX_DOMAIN: Final = 253
_MOST_WRITTEN: Final = 1_024  # four code points may compose to one


class _Validated(Protocol):
    @property
    def local_part(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def ascii_domain(self) -> str: ...


class _Validate(Protocol):
    def __call__(self, address: str, /) -> _Validated: ...


@cache
def _validator() -> _Validate:
    from email_validator import validate_email  # noqa: PLC0415 - loads dozens of ms

    def validate(address: str, /) -> _Validated:
        return validate_email(
            address,
            allow_quoted_local=True,
            check_deliverability=False,
            test_environment=True,  # the reserved domain .test is syntax like another
        )

    return validate


def canonical_email(raw: str) -> str:
    """Return the canonical form of an e-mail address.

    Raises:
        IdentifierError: It is no address that mail could reach.
    """
    text = admit(IdentifierKind.EMAIL, raw)
    if text.isascii() and len(text) <= _MAX_ADDRESS:
        plain = _PLAIN.fullmatch(text.lower())
        if plain is not None and len(plain[2]) <= _MAX_DOMAIN:
            return _fold_provider(plain[1], plain[2])
    if len(text) > _MOST_WRITTEN:
        raise IdentifierError(IdentifierKind.EMAIL, IdentifierFault.TOO_LONG)
    return _fold_provider(*_validated_parts(text))


def _validated_parts(text: str) -> tuple[str, str]:
    """Return folded local part and A-label domain by the library's rules."""
    local, at, domain = normalize("NFKC", text).rpartition("@")
    if not (at and local and domain):
        raise IdentifierError(IdentifierKind.EMAIL, IdentifierFault.MALFORMED)
    # Versions of UTS 46 disagree on the capital sharp s, so it is mapped here.
    domain = domain.replace("\u1e9e", "\u00df")
    try:
        parts = _validator()(f"{fold(local)}@{domain}")
    except ValueError:
        raise IdentifierError(IdentifierKind.EMAIL, _blame(domain)) from None
    # An A-label can hide a character that the written form may not hold.
    admit(IdentifierKind.EMAIL, parts.domain)
    return parts.local_part, parts.ascii_domain.lower()


def _blame(domain: str) -> IdentifierFault:
    try:
        _validator()(f"a@{domain}")
    except ValueError:
        return IdentifierFault.BAD_DOMAIN
    return IdentifierFault.BAD_LOCAL_PART


def _fold_provider(local: str, domain: str) -> str:
    provider = PROVIDERS.get(domain)
    if provider is None:
        return f"{local}@{domain}"
    local = local.partition("+")[0]
    if provider.dots_ignored:
        local = local.replace(".", "")
    if not local or local.startswith('"'):
        raise IdentifierError(IdentifierKind.EMAIL, IdentifierFault.BAD_LOCAL_PART)
    return f"{local}@{provider.domain}"
