# SPDX-License-Identifier: Apache-2.0
"""What the node itself says of an attempt, in German; a server's words stay its own."""

from collections.abc import Mapping
from typing import Final

_SECTION: Final = "node.toml has no section "
_GERMAN: Final[Mapping[str, str]] = {
    "SFTP needs its library: pip install 'fedsafe[sftp]'": (
        "SFTP braucht seine Bibliothek: pip install 'fedsafe[sftp]'"
    ),
    "another file has this package's name": (
        "eine andere Datei trägt den Namen dieses Pakets"
    ),
    "another file has this signature's name": (
        "eine andere Datei trägt den Namen dieser Signatur"
    ),
    "certificate, key or ca cannot be used": (
        "certificate, key oder ca lässt sich nicht verwenden"
    ),
    "it did not keep the file": "dort blieb die Datei nicht liegen",
    "it does not answer, or not in time": "antwortet nicht oder nicht rechtzeitig",
    "it knows no login": "kennt keine Anmeldung",
    "it leads into an inner network, and sending.inside does not name that": (
        "führt in ein inneres Netz, das sending.inside nicht nennt"
    ),
    "it offers no TLS": "bietet kein TLS an",
    "it refuses the login": "lehnt die Anmeldung ab",
    "it refuses this node's certificate": "lehnt das Zertifikat dieses Knotens ab",
    "it speaks no TLS that can be trusted": "spricht kein TLS, dem zu trauen ist",
    "its certificate is not trusted": "dem Zertifikat ist nicht zu trauen",
    "its certificate is not trusted: it has expired": (
        "dem Zertifikat ist nicht zu trauen: es ist abgelaufen"
    ),
    "its certificate is not trusted: it has extensions, so it must be of version 3 "
    "(RFC 5280 4.1.2.1)": (
        "dem Zertifikat ist nicht zu trauen: es hat Erweiterungen, muss also von "
        "Version 3 sein (RFC 5280 4.1.2.1)"
    ),
    "its certificate is not trusted: it is for another address": (
        "dem Zertifikat ist nicht zu trauen: es gilt für eine andere Adresse"
    ),
    "its certificate is not trusted: it is for another name": (
        "dem Zertifikat ist nicht zu trauen: es gilt für einen anderen Namen"
    ),
    "its certificate is not trusted: it is not valid yet": (
        "dem Zertifikat ist nicht zu trauen: es gilt noch nicht"
    ),
    "its certificate is not trusted: it lacks the authority key identifier "
    "(RFC 5280 4.2.1.1)": (
        "dem Zertifikat ist nicht zu trauen: ihm fehlt die Kennung des Schlüssels "
        "seiner Zertifizierungsstelle (authority key identifier, RFC 5280 4.2.1.1)"
    ),
    "its certificate is not trusted: no authority known here has signed it": (
        "dem Zertifikat ist nicht zu trauen: keine hier bekannte "
        "Zertifizierungsstelle hat es unterschrieben"
    ),
    "its certificate is not trusted: the authority's basic constraints are not "
    "critical (RFC 5280 4.2.1.9)": (
        "dem Zertifikat ist nicht zu trauen: die basic constraints der "
        "Zertifizierungsstelle sind nicht kritisch (RFC 5280 4.2.1.9)"
    ),
    "its certificate is not trusted: the authority's lacks the key usage "
    "(RFC 5280 4.2.1.3)": (
        "dem Zertifikat ist nicht zu trauen: dem der Zertifizierungsstelle fehlt "
        "die Schlüsselverwendung (key usage, RFC 5280 4.2.1.3)"
    ),
    "its certificate is not trusted: the authority's lacks the subject key "
    "identifier (RFC 5280 4.2.1.2)": (
        "dem Zertifikat ist nicht zu trauen: dem der Zertifizierungsstelle fehlt "
        "die Kennung ihres Schlüssels (subject key identifier, RFC 5280 4.2.1.2)"
    ),
    "its certificate is not trusted: what signed it is no authority": (
        "dem Zertifikat ist nicht zu trauen: unterschrieben hat keine "
        "Zertifizierungsstelle"
    ),
    "it was there already": "war schon dort",
    "no address is known there": "dort ist keine Adresse bekannt",
    "no answer came after the package went": ("nach dem Paket kam keine Antwort mehr"),
    "nobody has compared the host key of this server": (
        "den Schlüssel dieses Servers hat niemand verglichen"
    ),
    "nothing answers there": "dort antwortet nichts",
    "the key file for SFTP cannot be used": (
        "die Schlüsseldatei für SFTP lässt sich nicht verwenden"
    ),
    "the line was cut after the mail went": "die Verbindung brach nach der Mail ab",
    "the line was cut at the renaming": "die Verbindung brach beim Umbenennen ab",
    "too many mails are under way": "zu viele Mails sind unterwegs",
    "what is kept here is not what was sealed, as far as anybody can tell": (
        "was hier liegt, ist nicht das Versiegelte, soweit sich das sagen lässt"
    ),
    "what is kept here is no sealed package": (
        "was hier liegt, ist kein versiegeltes Paket"
    ),
    "what was read back is not what was written": (
        "zurückgelesen wurde etwas anderes als geschrieben"
    ),
}


def in_words(proof: str, *, german: bool) -> str:
    """Return what was said of an attempt, in the language where the node said it."""
    if not german:
        return proof
    if proof.startswith(_SECTION):
        return f"in node.toml fehlt der Abschnitt {proof.removeprefix(_SECTION)}"
    return _GERMAN.get(proof, proof)
