# SPDX-License-Identifier: Apache-2.0
"""The lines of the story, in German and in English."""

from typing import Final

LINES: Final[dict[str, tuple[str, str]]] = {
    "input": (
        (
            "Eingabe: {persons} erfundene Kennungen in {kinds} Arten{real}, "
            "{pictures} Bilder."
        ),
        (
            "Input: {persons} invented identifiers of {kinds} kinds{real}, "
            "{pictures} pictures."
        ),
    ),
    "real": (
        " (URLs und IP-Adressen echt)",
        " (URLs and IP addresses real)",
    ),
    "founded": (
        (
            "Drei Anbieter haben sich ohne Zentrale zusammengeschlossen: "
            "{names}; je {threshold} von {count} rechnen ein Token gemeinsam "
            "aus."
        ),
        (
            "Three providers federated without a centre: {names}; any "
            "{threshold} of {count} compute a token together."
        ),
    ),
    "proposed": (
        (
            "a.demo: anna schlägt {count} dauerhafte Sperren vor ({seconds:.1f}"
            " s); allein freigeben kann sie keine ({why})."
        ),
        (
            "a.demo: anna proposes {count} permanent bans ({seconds:.1f} s); "
            "she cannot approve one alone ({why})."
        ),
    ),
    "approved": (
        (
            "a.demo: ben prüft und gibt {count} frei ({seconds:.1f} s), dazu "
            "{media} Hashes eines Bildes; auch die gingen nicht allein."
        ),
        (
            "a.demo: ben reviews and approves {count} ({seconds:.1f} s), and "
            "{media} hashes of a picture; those take two people as well."
        ),
    ),
    "travelled": (
        (
            "Gereist sind {count} Signale: je ein Token von 16 Byte und ein "
            "verschlüsselter Umschlag; Sperre zu Treffer bei b.demo in {ms:.0f}"
            " ms."
        ),
        (
            "What travelled: {count} signals, each a token of 16 bytes and a "
            "sealed envelope; from approval to a match at b.demo in {ms:.0f} "
            "ms."
        ),
    ),
    "found": (
        (
            "{name}: {found} von {count} anders geschriebenen Kennungen "
            "gefunden, {wrong} von {strangers} fremden ({rate:.0f} je s)."
        ),
        (
            "{name}: found {found} of {count} identifiers that were typed "
            "differently, {wrong} of {strangers} strangers ({rate:.0f} a "
            "second)."
        ),
    ),
    "pictures": (
        (
            "c.demo: {found} von {count} veränderten Bildern erkannt, wie es "
            "PDQ vorsieht (Abstände {distances})."
        ),
        (
            "c.demo: recognised {found} of {count} altered pictures, just as "
            "PDQ has it (distances {distances})."
        ),
    ),
    "command": (
        (
            "`fedsafe lookup` bei b.demo: Status {match} für die gesperrte, "
            "{none} für eine unbekannte Person, in {ms:.0f} ms. Ein Anlass zur "
            "Prüfung, kein Urteil."
        ),
        (
            "`fedsafe lookup` at b.demo: status {match} for the banned person, "
            "{none} for a stranger, in {ms:.0f} ms. A reason to review, not a "
            "verdict."
        ),
    ),
    "own": (
        (
            "c.demo sperrt für sich allein: c.demo findet die Person wieder, "
            "a.demo und b.demo erfahren nichts."
        ),
        (
            "c.demo bans one for itself: c.demo finds the person again, a.demo "
            "and b.demo learn nothing."
        ),
    ),
    "revoked": (
        (
            "a.demo widerruft ein Signal: nach {ms:.0f} ms trifft es bei b.demo"
            " nicht mehr."
        ),
        ("a.demo revokes a signal: after {ms:.0f} ms it no longer matches at b.demo."),
    ),
    "thief": (
        (
            "Wer b.demo bestiehlt, hält {files} Dateien mit {mib:.1f} MiB in "
            "der Hand und liest darin {found} von {count} Personen."
        ),
        (
            "Who steals b.demo's directory holds {files} files of {mib:.1f} MiB"
            " and reads {found} of {count} persons in them."
        ),
    ),
    "audit": (
        ("Protokoll von {name}: {events}; {logs} Protokolle geprüft, alle unversehrt."),
        "Audit log of {name}: {events}; {logs} logs verified, all intact.",
    ),
    "nodes": (
        "Knoten: {nodes}",
        "Nodes: {nodes}",
    ),
    "stay": (
        (
            "Alles läuft, bis Strg-C. Zum Ausprobieren: {fedsafe} lookup --config"
            " {dir}/b.demo email:{value}"
        ),
        (
            "Everything stays up until Ctrl-C. Try: {fedsafe} lookup --config "
            "{dir}/b.demo email:{value}"
        ),
    ),
    "failed": (
        "NICHT ERFÜLLT: {claim}",
        "DOES NOT HOLD: {claim}",
    ),
}
