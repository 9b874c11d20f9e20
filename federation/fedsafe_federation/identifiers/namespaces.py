# SPDX-License-Identifier: Apache-2.0
"""The namespaces in which user names and device identifiers mean something.

A namespace is a short name of the tables below or a domain. A known domain is
read as its short name, so that two providers who write `x.com` and `twitter`
meet; any other domain, written as an A-label, stands for itself.
"""

from re import compile as compile_pattern
from typing import Final

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_policies.vocabulary import IdentifierKind

PLATFORMS: Final[dict[str, tuple[str, ...]]] = {
    "bluesky": ("bsky.app", "bsky.social"),
    "discord": ("discord.com", "discord.gg", "discordapp.com"),
    "epic": ("epicgames.com", "fortnite.com"),
    "facebook": ("facebook.com", "fb.com"),
    "instagram": ("instagram.com",),
    "kik": ("kik.com",),
    "knuddels": ("knuddels.de",),
    "matrix": ("matrix.org",),
    "minecraft": ("minecraft.net",),
    "nintendo": ("nintendo.com",),
    "pinterest": ("pinterest.com",),
    "playstation": ("playstation.com", "psn"),
    "reddit": ("reddit.com",),
    "roblox": ("roblox.com",),
    "signal": ("signal.org", "signal.me"),
    "snapchat": ("snapchat.com",),
    "steam": ("steamcommunity.com", "steampowered.com"),
    "telegram": ("telegram.org", "telegram.me", "t.me"),
    "threads": ("threads.com", "threads.net"),
    "tiktok": ("tiktok.com",),
    "twitch": ("twitch.tv",),
    "x": ("x.com", "twitter", "twitter.com"),
    "xbox": ("xbox.com", "xbox live"),
    "youtube": ("youtube.com", "youtu.be"),
}
"""Platforms, and what else their namespace is written as."""

AT_BEFORE_NAME: Final = frozenset(
    {
        "bluesky",
        "discord",
        "instagram",
        "pinterest",
        "snapchat",
        "telegram",
        "threads",
        "tiktok",
        "twitch",
        "x",
        "youtube",
    }
)
"""Platforms that show an @ before a name and allow none within it."""

VENDORS: Final[dict[str, tuple[str, ...]]] = {
    "amazon-afai": ("afai",),
    "android-gaid": ("aaid", "adid", "gaid"),
    "apple-idfa": ("idfa",),
    "apple-idfv": ("idfv",),
    "lg-lgudid": ("lgudid",),
    "microsoft-msai": ("msai",),
    "roku-rida": ("rida",),
    "samsung-tifa": ("tifa",),
    "vizio-vida": ("vida",),
}
"""Issuers of device identifiers, and the abbreviations in use for them."""

_DOMAIN: Final = compile_pattern(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])"
)


def _names(table: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {
        alias: name for name, aliases in table.items() for alias in (name, *aliases)
    }


_BY_KIND: Final = {
    IdentifierKind.USERNAME: _names(PLATFORMS),
    IdentifierKind.DEVICE: _names(VENDORS),
}


def resolve_namespace(kind: IdentifierKind, written: str) -> str:
    """Return the one name of a namespace.

    Raises:
        IdentifierError: It is neither known nor a domain.
    """
    namespace = written.strip().lower()
    known = _BY_KIND[kind].get(namespace) or _BY_KIND[kind].get(
        namespace.removeprefix("www.")
    )
    if known is not None:
        return known
    if not _DOMAIN.fullmatch(namespace):
        raise IdentifierError(kind, IdentifierFault.NAMESPACE_UNKNOWN)
    return namespace


def is_namespace(written: str) -> bool:
    """Tell whether a name is a known platform's or vendor's, or a domain."""
    for kind in _BY_KIND:
        try:
            resolve_namespace(kind, written)
        except IdentifierError:
            continue
        return True
    return False


def split_namespace(
    kind: IdentifierKind, text: str, namespace: str | None
) -> tuple[str, str]:
    """Return the namespace and the rest of `namespace:rest`.

    A namespace that the caller names need not be written in the value again.

    Raises:
        IdentifierError: There is no namespace, or it is not known.
    """
    written, colon, rest = text.partition(":")
    if namespace is None:
        if not colon:
            raise IdentifierError(kind, IdentifierFault.NAMESPACE_MISSING)
        return resolve_namespace(kind, written), rest.strip()
    resolved = resolve_namespace(kind, namespace)
    return resolved, rest.strip() if colon and written == resolved else text
