# SPDX-License-Identifier: Apache-2.0
"""Whose account a `subject_ref` names: that of the service which uses it.

Two applications of one provider may call different people `4711`. Within the node an
account is therefore known by service and reference together, as `shop/4711`; in what
leaves the node they stand apart, as `service` and `subject_ref`, so that each
application reads its own word. A service is the holder of a credential, whatever its
credentials are called and however often they are replaced.

What was sealed before services were told has a reference alone, as have the accounts
that a case names. It counts for each service: what somebody is granted reaches it, what
is held stays, and who must hear nothing hears nothing.
"""

from typing import Final

UNNAMED: Final = "unnamed-"
"""How a reference begins that the node has made up for an account."""


_SLASH: Final = "/"


def join(service: str, reference: str) -> str:
    """Name an account by its service and its reference."""
    if reference.startswith(UNNAMED):  # how all of these begin, whosever they are
        return f"{reference}{_SLASH}{service}"
    return f"{service}{_SLASH}{reference}"


def split(subject: str) -> tuple[str | None, str]:
    """Give service and reference of an account; of an old one no service."""
    first, slash, second = subject.partition(_SLASH)
    if not slash:
        return None, subject
    return (second, first) if first.startswith(UNNAMED) else (first, second)


def account_of(subject: str | None) -> tuple[str | None, str | None]:
    """Give service and reference as they leave the node, of nobody neither."""
    return (None, None) if subject is None else split(subject)


def is_about(kept: str | None, subject: str) -> bool:
    """Whether what names *kept* is about an account."""
    if kept is None or kept == subject:
        return kept is not None
    (service, reference), (other, word) = split(kept), split(subject)
    return reference == word and None in {service, other}
