# SPDX-License-Identifier: Apache-2.0
"""What the node itself says of an attempt, in German; a server's words stay its own."""

from typing import Final

from fedsafe_policies.ground.catalogue import Phrase

_SECTION: Final = "node.toml has no section "
_PROOFS: Final = (
    Phrase("SFTP needs its library: pip install 'fedsafe[sftp]'"),
    Phrase("another file has this package's name"),
    Phrase("another file has this signature's name"),
    Phrase("certificate, key or ca cannot be used"),
    Phrase("it did not keep the file"),
    Phrase("it does not answer, or not in time"),
    Phrase("it knows no login"),
    Phrase("it leads into an inner network, and sending.inside does not name that"),
    Phrase("it offers no TLS"),
    Phrase("it refuses the login"),
    Phrase("it refuses this node's certificate"),
    Phrase("it speaks no TLS that can be trusted"),
    Phrase("its certificate is not trusted"),
    Phrase("its certificate is not trusted: it has expired"),
    Phrase(
        "its certificate is not trusted: it has extensions, so it must be of version 3 "
        "(RFC 5280 4.1.2.1)"
    ),
    Phrase("its certificate is not trusted: it is for another address"),
    Phrase("its certificate is not trusted: it is for another name"),
    Phrase("its certificate is not trusted: it is not valid yet"),
    Phrase(
        "its certificate is not trusted: it lacks the authority key identifier "
        "(RFC 5280 4.2.1.1)"
    ),
    Phrase("its certificate is not trusted: no authority known here has signed it"),
    Phrase(
        "its certificate is not trusted: the authority's basic constraints are not "
        "critical (RFC 5280 4.2.1.9)"
    ),
    Phrase(
        "its certificate is not trusted: the authority's lacks the key usage "
        "(RFC 5280 4.2.1.3)"
    ),
    Phrase(
        "its certificate is not trusted: the authority's lacks the subject key "
        "identifier (RFC 5280 4.2.1.2)"
    ),
    Phrase("its certificate is not trusted: what signed it is no authority"),
    Phrase("it was there already"),
    Phrase("no address is known there"),
    Phrase("no answer came after the package went"),
    Phrase("nobody has compared the host key of this server"),
    Phrase("nothing answers there"),
    Phrase("the key file for SFTP cannot be used"),
    Phrase("the line was cut after the mail went"),
    Phrase("the line was cut at the renaming"),
    Phrase("too many mails are under way"),
    Phrase("what is kept here is not what was sealed, as far as anybody can tell"),
    Phrase("what is kept here is no sealed package"),
    Phrase("what was read back is not what was written"),
)


_LACKS: Final = Phrase("node.toml has no section {}")
_BY_TEXT: Final = {each.english: each for each in _PROOFS}


def in_words(proof: str, *, language: str) -> str:
    """Return what was said of an attempt, in the reader's language if known here."""
    if proof.startswith(_SECTION):
        return _LACKS.said(language).format(proof.removeprefix(_SECTION))
    return _BY_TEXT[proof].said(language) if proof in _BY_TEXT else proof
