# SPDX-License-Identifier: Apache-2.0
"""German for what a node says of itself to `fedsafe doctor`, and for what is checked.

The English text is the pattern, as in `texts`.
"""

from collections.abc import Mapping
from typing import Final

NODE_SAID: Final[Mapping[str, str]] = {
    # its store and its disk
    "full since {when}": "Datenträger voll seit {when}",
    "busy since {when}": "Datenbank belegt seit {when}",
    "failed since {when}": "Datenbank gestört seit {when}",
    "failing": "Schreiben scheitert",
    "full since {when}; it cannot be read": (
        "Datenträger voll seit {when}; nicht lesbar"
    ),
    "busy since {when}; it cannot be read": (
        "Datenbank belegt seit {when}; nicht lesbar"
    ),
    "failed since {when}; it cannot be read": (
        "Datenbank gestört seit {when}; nicht lesbar"
    ),
    "failing; it cannot be read": "Schreiben scheitert; nicht lesbar",
    "short: {free} MiB free; make room": "knapp: {free} MiB frei; Platz schaffen",
    "full: {free} MiB free, and the reserve is given up; make room": (
        "voll: {free} MiB frei, und die Reserve ist aufgebraucht; Platz schaffen"
    ),
    "unfinished: {named}": "unvollendet: {named}",
    "{waiting} wait for a person": "{waiting} warten auf einen Menschen",
    "{floods} wait for a ruling": "{floods} warten auf eine Entscheidung",
    "{late} signals are overdue; see `fedsafe signal sample`": (
        "{late} Signale sind überfällig; siehe `fedsafe signal sample`"
    ),
    "{probations} run; see `fedsafe trial list`": (
        "{probations} laufen; siehe `fedsafe trial list`"
    ),
    # its memory
    "other processes of its user can read it, and a crash may dump it": (
        "andere Prozesse seines Benutzers können ihn lesen, und ein Absturz kann ihn "
        "auf den Datenträger schreiben"
    ),
    "run the node on Linux; elsewhere turn core dumps off, and let nothing else run "
    "as its user": (
        "den Knoten unter Linux laufen lassen; sonst Speicherabzüge abschalten und "
        "nichts anderes als sein Benutzer laufen lassen"
    ),
    "keys can be written to swap: {named}": (
        "Schlüssel können ausgelagert werden: {named}"
    ),
    "let the node lock its memory (LimitMEMLOCK=infinity in its unit, ulimit -l "
    "unlimited), or turn swap off: docs/howto/operate.md, as a service": (
        "den Knoten seinen Speicher sperren lassen (LimitMEMLOCK=infinity in seiner "
        "Unit, ulimit -l unlimited) oder Auslagern abschalten: docs/howto/operate.md, "
        "as a service"
    ),
    "no core and no other reader; this machine has no swap": (
        "kein Abzug, kein anderer Leser; diese Maschine lagert nichts aus"
    ),
    "no core, no other reader, no swap": (
        "kein Abzug, kein anderer Leser, kein Auslagern"
    ),
    # the others
    "exchanges nothing: {why}": "tauscht nichts aus: {why}",
    "the members know other keys of this node than are here: restore the newest, or "
    "let them expel this node and invite it anew": (
        "die Mitglieder kennen andere Schlüssel dieses Knotens als hier liegen: die "
        "neuesten zurückholen, oder sich ausschließen und neu einladen lassen"
    ),
    "two valid versions {number}, made so by {names}: the members are split; agree by "
    "telephone with the others who is expelled": (
        "zwei gültige Fassungen {number}, verursacht von {names}: die Mitglieder sind "
        "gespalten; am Telefon mit den anderen klären, wer ausgeschlossen wird"
    ),
    "this node rests: it lacks the policy of the federation": (
        "dieser Knoten ruht: ihm fehlt die Richtlinie der Föderation"
    ),
    "its additions wait for witnesses": "sein Zugang wartet auf Zeugen",
    "what came of it lately is in quarantine here": (
        "was zuletzt von dort kam, ist hier in Quarantäne"
    ),
    "stale": "veraltet",
    "its address lies in an inner network: it is not asked": (
        "seine Adresse liegt in einem inneren Netz: es wird nicht gefragt"
    ),
    "if it is yours, name the network in node.toml (peering.inside) and start the node "
    "again": (
        "ist es das eigene, das Netz in node.toml nennen (peering.inside) und den "
        "Knoten neu starten"
    ),
    "openings are lacking": "es fehlen Inhalte",
    "no receipt since {when}": "keine Quittung seit {when}",
    "no receipt since {when}; it gets no new openings": (
        "keine Quittung seit {when}; es bekommt keine neuen Inhalte"
    ),
    "wait for witnesses since {when}": "warten seit {when} auf Zeugen",
    "they have seen more than this node has": (
        "sie haben mehr gesehen, als dieser Knoten hat"
    ),
    "they refuse this node: is its clock right?": (
        "sie weisen diesen Knoten ab: geht seine Uhr richtig?"
    ),
    "away since {when}": "abwesend seit {when}",
    "has shown two trees": "hat zwei Bäume gezeigt",
    "generation {generation} waits for a threshold of {threshold} instead of {was}: "
    "two people at each member have to agree": (
        "Generation {generation} wartet auf eine Schwelle von {threshold} statt {was}: "
        "zwei Personen bei jedem Mitglied müssen zustimmen"
    ),
    "generation {generation} was to be shared anew by {day}; missing: {names}": (
        "Generation {generation} war bis {day} neu aufzuteilen; es fehlen: {names}"
    ),
    "generation {generation} was to be shared anew by {day}; nobody was found "
    "missing": (
        "Generation {generation} war bis {day} neu aufzuteilen; wer fehlt, ist offen"
    ),
    "{count} members that left hold shares of generation {generation}, and {threshold} "
    "make the key": (
        "{count} ausgetretene Mitglieder halten Anteile der Generation {generation}, "
        "und {threshold} ergeben den Schlüssel"
    ),
    # no node answers
    "no node is running at {path}": "unter {path} läuft kein Knoten",
    "start it with `fedsafe node run --config {path}`": (
        "starten mit `fedsafe node run --config {path}`"
    ),
    "the node at {path} did not answer within {seconds} s": (
        "der Knoten unter {path} hat in {seconds} s nicht geantwortet"
    ),
    "see `fedsafe doctor` and the node's log": (
        "siehe `fedsafe doctor` und das Betriebsprotokoll des Knotens"
    ),
    "the socket {path} belongs to another user": (
        "der Socket {path} gehört einem anderen Benutzer"
    ),
    "run this command as the node's user": "als Benutzer des Knotens aufrufen",
    "the node at {path}: {why}": "der Knoten unter {path}: {why}",
    "there is no node here or in ~/.fedsafe": (
        "hier und in ~/.fedsafe liegt kein Knoten"
    ),
    "name its directory with --config DIR or FEDSAFE_CONFIG, or make one with `fedsafe "
    "node init`": (
        "sein Verzeichnis mit --config DIR oder FEDSAFE_CONFIG nennen, oder einen mit "
        "`fedsafe node init` anlegen"
    ),
    "{path} does not exist": "{path} gibt es nicht",
    "--config takes a node's directory, as `fedsafe node init --dir` made it": (
        "--config nimmt das Verzeichnis eines Knotens, wie `fedsafe node init --dir` "
        "es angelegt hat"
    ),
}
CHECKS: Final[Mapping[str, str]] = {
    "python": "Python",
    "versions": "Versionen",
    "libsodium": "libsodium",
    "clock": "Uhr",
    "disk": "Datenträger",
    "room": "Platz",
    "permissions": "Rechte der Dateien",
    "configuration": "Konfiguration",
    "dpo_contact": "Datenschutzbeauftragte",
    "pages": "Seiten der Datenbank",
    "letters": "Briefe",
    "form": "Formular",
    "phone": "Telefonnummern",
    "server": "Datenbankserver",
    "policy": "Richtlinie",
    "node": "Knoten",
    "node: store": "Knoten: Speicher",
    "node: disk": "Knoten: Datenträger",
    "node: memory": "Knoten: Arbeitsspeicher",
    "node: keys to destroy": "Knoten: zu vernichtende Schlüssel",
    "node: charter": "Knoten: Charta",
    "node: reviews": "Knoten: Prüfungen",
    "node: cases": "Knoten: Fälle",
    "node: floods": "Knoten: Trefferfluten",
    "node: sample": "Knoten: Stichprobe",
    "node: probation": "Knoten: Bewährung",
    "node: policy": "Knoten: Richtlinie",
    "node: witnesses": "Knoten: Zeugen",
    "node: feed of {member}": "Knoten: Feed von {member}",
    "node: erasures at {member}": "Knoten: Löschungen bei {member}",
    "node: additions of {member}": "Knoten: Zugang von {member}",
    "node: log {log}": "Knoten: Protokoll {log}",
    "budgets": "Budgets",
    "keys": "Schlüssel",
    "evaluations of {member}": "Auswertungen von {member}",
    "peer {member}": "Mitglied {member}",
    "resharing": "neue Anteile",
    "share": "Schlüsselanteil",
    "charter": "Charta",
    "appeals": "Beschwerden",
    "holders": "Anteile",
    "threshold": "Schwelle",
    "notices": "Mitteilungen",
    "texts": "Texte",
    "receipts": "Quittungen",
    "breaches": "Datenpannen",
    "cases": "Fälle",
    "orders": "Anordnungen",
    "mail": "E-Mail-Adressen",
    "requests": "Anträge von Personen",
    "identity checks": "Identitätsfeststellungen",
    "requests that wait": "wartende Anträge",
    "sending": "Versand",
    "packages": "Fallpakete",
    "packages taken": "entnommene Fallpakete",
    "epoch": "Epoche",
    "media keys": "Medienschlüssel",
    "outside key": "äußerer Schlüssel",
    "epoch before": "vorige Epoche",
    "store": "Speicher",
    "seal": "Siegel des Speichers",
    "log {log}": "Protokoll {log}",
}
"""What is checked; settings of node.toml and tables of the store stay as they are."""
