# SPDX-License-Identifier: Apache-2.0
"""The words of results, in German and in English.

Results are for the people who work with them and come in both languages; help,
errors and hints are for whoever installs and scripts, and are English.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

PHENOMENA: Final[dict[str, tuple[str, str]]] = {
    "grooming": ("Cybergrooming", "Grooming"),
    "exhibitionism": ("Exhibitionismus", "Exhibitionism"),
    "sexualised_language": ("Sexualisierte Sprache", "Sexualised language"),
    "abuse_depiction": ("Missbrauchsdarstellung", "Depiction of abuse"),
    "sextortion": ("Sextortion", "Sextortion"),
    "sexting_exposure": ("Bloßstellung nach Sexting", "Exposure after sexting"),
    "unwanted_confrontation": ("Ungewollte Konfrontation", "Unwanted confrontation"),
    "violent_fantasy_chat": (
        "Chatten zu Gewaltfantasien an Kindern",
        "Chat about violence against children",
    ),
    "sex_doll_order": (
        "Bestellung von Sexpuppen mit Kinderkörpern",
        "Order of child-like sex dolls",
    ),
    "avatar_acts": (
        "Sexuelle Handlungen mit kindgesteuerten Avataren",
        "Sexual acts with avatars steered by children",
    ),
}
GRADES: Final[dict[str, tuple[str, str]]] = {
    "confirmed_media": ("bestätigt durch Medienfund", "confirmed by media"),
    "confirmed_conduct": ("bestätigtes Verhalten", "confirmed conduct"),
    "single_report": ("einzelne Meldung", "single report"),
}
PROVENANCES: Final[dict[str, tuple[str, str]]] = {
    "own_finding": ("eigene Feststellung", "own finding"),
    "relayed": ("von anderen mitgeteilt", "relayed"),
    "imported_list": ("aus einer Liste übernommen", "imported list"),
}
FINDINGS: Final[dict[str, tuple[str, str]]] = {
    "adult": ("volljährig", "an adult"),
    "aimed_at_minor": ("gegen Minderjährige gerichtet", "aimed at a minor"),
    "repeated": ("wiederholt", "repeated"),
    "targeted": ("gezielt", "targeted"),
}
SURFACES: Final[dict[str, tuple[str, str]]] = {
    "public_content": ("öffentliche Inhalte", "public content"),
    "hosted_private": ("privat gespeicherte Inhalte", "privately hosted content"),
    "ni_ics_private": ("private Nachrichten", "private messages"),
    "registration": ("Registrierung", "registration"),
    "shop": ("Shop", "shop"),
}
KINDS: Final[dict[str, tuple[str, str]]] = {
    "email": ("E-Mail-Adresse", "e-mail address"),
    "phone": ("Telefonnummer", "phone number"),
    "username": ("Benutzername", "username"),
    "device": ("Gerätekennung", "device id"),
    "payment": ("Zahlungsmittel", "payment means"),
    "ip": ("IP-Adresse", "IP address"),
    "url": ("URL", "URL"),
    "sha256": ("Datei (SHA-256)", "file (SHA-256)"),
    "sha1": ("Datei (SHA-1)", "file (SHA-1)"),
    "md5": ("Datei (MD5)", "file (MD5)"),
    "blake3": ("Datei (BLAKE3)", "file (BLAKE3)"),
    "pdq": ("Bild (PDQ)", "picture (PDQ)"),
}
ORIENTATIONS: Final[dict[str, tuple[str, str]]] = {
    "original": ("nicht gedreht", "not turned"),
    "rotated_90": (
        "um 90° im Uhrzeigersinn gedreht",
        "turned by 90° clockwise",
    ),
    "rotated_180": ("auf dem Kopf", "upside down"),
    "rotated_270": (
        "um 90° gegen den Uhrzeigersinn gedreht",
        "turned by 90° counterclockwise",
    ),
    "mirrored_top_bottom": (
        "gespiegelt, oben und unten vertauscht",
        "mirrored, top and bottom exchanged",
    ),
    "mirrored_left_right": (
        "gespiegelt, links und rechts vertauscht",
        "mirrored, left and right exchanged",
    ),
    "mirrored_rotated_270": (
        "gespiegelt, dann um 90° gegen den Uhrzeigersinn gedreht",
        "mirrored, then turned by 90° counterclockwise",
    ),
    "mirrored_rotated_90": (
        "gespiegelt, dann um 90° im Uhrzeigersinn gedreht",
        "mirrored, then turned by 90° clockwise",
    ),
}
"""How a picture lies beside the listed one."""

SIGNAL_WORDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "plane": {"actor": ("Person", "actor"), "media": ("Datei", "media")},
    "provenance": PROVENANCES,
    "scope": {"self": ("nur hier", "self"), "federation": ("Föderation", "federation")},
    "state": {
        "own": ("eigene Sperre", "own"),
        "draft": ("Entwurf", "draft"),
        "published": ("veröffentlicht", "published"),
        "withdrawn": ("zurückgezogen", "withdrawn"),
        "revoked": ("widerrufen", "revoked"),
        "disputed": ("bestritten, ruht", "disputed"),
        "expired": ("abgelaufen", "expired"),
        "erased": ("gelöscht", "erased"),
    },
}
"""What the codes of a signal mean, by field."""

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "task": (
        "Prüfung {task} des Kontos {account}: siehe `fedsafe task show {task}`",
        "task {task} of account {account}: see `fedsafe task show {task}`",
    ),
    "none": ("kein Signal", "no signal"),
    "review": ("prüfen, {count} Signale", "review, {count} signals"),
    "review_one": ("prüfen, 1 Signal", "review, 1 signal"),
    "incomplete": (
        "kein Signal, aber nicht alle Quellen sind abgedeckt: {origins}",
        "no signal, but some origins are not covered: {origins}",
    ),
    "review_flood": (
        "prüfen, nichts einschränken: das Signal trifft ungewöhnlich viele Konten",
        "review, restrict nothing: the signal matches unusually many accounts",
    ),
    "flood": (
        "Eine Aufgabe ist offen; nur ein Mensch entscheidet, ob das Signal stimmt.",
        "A task is open; only a person decides whether the signal is right.",
    ),
    "on_trial": (
        "auf Probe bis {day}, ohne Wirkung: ein Signal von {origin}",
        "on trial until {day}, without effect: a signal of {origin}",
    ),
    "not_all_read": (
        "kein Signal, aber nicht alles ist lesbar",
        "no signal, but not everything can be read",
    ),
    "unreadable": (
        "Frage {number} ({kind}) ist nicht lesbar: {why}",
        "question {number} ({kind}) cannot be read: {why}",
    ),
    "picture_unread": (
        "als Bild nicht lesbar, nur Byte für Byte verglichen ({why})",
        "cannot be read as a picture, compared by its bytes only ({why})",
    ),
    "ask_again": (
        "der Knoten antwortet vorerst nicht weiter; was er gesagt hat, ist geschrieben",
        "the node answers no more for now; what it has said is written",
    ),
    "hashed": (
        "{total} Dateien, {bad} nicht lesbar",
        "{total} files, {bad} not readable",
    ),
    "matched": (
        "{total} Dateien: {review} zu prüfen, {bad} nicht lesbar, {open} offen",
        "{total} files: {review} to review, {bad} not readable, {open} open",
    ),
    "not_compared": (
        "Frage {number} ({kind}) bezeichnet niemanden: {why}",
        "question {number} ({kind}) names nobody: {why}",
    ),
    "way_out": (
        (
            "Den Wert berichtigen lassen und damit neu fragen, oder weglassen; "
            "unverändert noch einmal zu fragen ändert nichts."
        ),
        (
            "Have the value corrected and ask with that, or leave it out; asking again "
            "unchanged changes nothing."
        ),
    ),
    "fault_empty": ("es steht kein Wert da", "there is no value"),
    "fault_encoding": ("das ist kein UTF-8", "it is not UTF-8"),
    "fault_nul": ("ein NUL-Byte ist darin", "a NUL byte is in it"),
    "fault_too_long": (
        "länger als 4.096 Zeichen",
        "it is longer than 4,096 characters",
    ),
    "fault_kind_twice": (
        "die Art steht noch einmal vor dem Wert",
        "the kind stands before the value once more",
    ),
    "fault_not_bare": (
        "die bloße Adresse, ohne Namen und spitze Klammern",
        "the bare address, without name and angle brackets",
    ),
    "not_covered": (
        "nicht abgedeckt: {origins}",
        "not covered: {origins}",
    ),
    "gate_closed": (
        (
            "Die rechtliche Freigabe dieses Knotens ist zu, darum wurde niemand sonst "
            "gefragt; was fehlt, sagt »fedsafe gate show«."
        ),
        (
            "This node's own legal gate is closed, so nobody else was asked; "
            "`fedsafe gate show` says what it lacks."
        ),
    ),
    "deferred": (
        (
            "noch keine Antwort, bitte wiederholen: Konto eingeschränkt anlegen, "
            "später erneut fragen"
        ),
        "no answer yet, ask again: create the account restricted, ask later",
    ),
    "reminder": (
        (
            "Das ist ein Anlass zur Prüfung, kein Urteil: Konto eingeschränkt anlegen, "
            "prüfen, entscheiden."
        ),
        (
            "This is a reason to review, not a verdict: create the account restricted, "
            "review, decide."
        ),
    ),
    "corroborated": (
        "unabhängig selbst festgestellt von {count} Anbietern",
        "found independently by {count} providers themselves",
    ),
    "corroborated_one": (
        "selbst festgestellt von 1 Anbieter",
        "found by 1 provider itself",
    ),
    "second_hand": (
        "dazu von {count} Anbietern ohne eigene Feststellung; das zählt nicht",
        "said by {count} more without a finding of their own; that does not count",
    ),
    "second_hand_one": (
        "dazu von 1 Anbieter ohne eigene Feststellung; das zählt nicht",
        "said by 1 more without a finding of its own; that does not count",
    ),
    "own": ("eigene Sperre", "own ban"),
    "origin": ("gemeldet von", "origin"),
    "about": ("betrifft", "about"),
    "phenomenon": ("Erscheinungsform", "phenomenon"),
    "grade": ("Beleglage", "grade"),
    "surface": ("Fundort", "surface"),
    "rule": ("Regel", "rule"),
    "dates": ("Zeitpunkte", "dates"),
    "removed": ("entfernt {day}", "removed {day}"),
    "published": ("veröffentlicht {day}", "published {day}"),
    "until": ("gilt bis {day}", "matches until {day}"),
    "distance": ("Abstand {bits} von 256 Bit", "distance {bits} of 256 bits"),
    "contact": ("Rückfragen", "contact"),
    "signal": ("Signal", "signal"),
    "policy_rule": ("erlaubt durch", "allowed by"),
    "decided_by": (
        "{rule} der Richtlinie {policy}",
        "{rule} of policy {policy}",
    ),
    "appeal": ("Widerspruch", "appeal"),
    "appeal_origin": ("… beim Melder", "… at origin"),
    "unnamed": (
        (
            "es nennt niemanden, der es eingetragen hat; sobald es Konten gibt "
            "(`fedsafe account setup`), trägt es jemand ein, der angemeldet ist"
        ),
        (
            "it names nobody who recorded it; once there are accounts (`fedsafe "
            "account setup`), somebody who has logged in records it"
        ),
    ),
    "state": ("Stand", "state"),
    "scope": ("Reichweite", "scope"),
    "group": ("Gruppe", "group"),
    "nodes": ("bestimmt für", "meant for"),
    "plane": ("Ebene", "plane"),
    "author": ("verfasst von", "author"),
    "approver": ("bestätigt von", "approver"),
    "match_until": ("gilt bis", "matches until"),
    "provenance": ("Herkunft", "provenance"),
    "findings": ("festgestellt", "established"),
    "legal_review": ("rechtliche Prüfung", "legal review"),
    "erasure": ("Löschquittungen", "erasure receipts"),
    "erasure_told": (
        "{receipts} von {recipients}, Reste bis {until}",
        "{receipts} of {recipients}, residues until {until}",
    ),
    "recorded": (
        "{count} aufgenommen",
        "{count} recorded",
    ),
    "would": (
        "Probelauf: {count} würden aufgenommen",
        "dry run: {count} would be recorded",
    ),
    "refused": ("{count} abgelehnt", "{count} refused"),
    "read": (
        "gelesen: {lines} Zeilen mit {count} Kennungen",
        "read: {lines} lines with {count} identifiers",
    ),
    "of_lines": (" (Kennungen aus {count} Zeilen)", " (identifiers of {count} lines)"),
    "of_lines_one": (" (Kennungen einer Zeile)", " (identifiers of one line)"),
    "nothing_written": ("nichts wurde geschrieben", "nothing was written"),
    "already_listed": (
        "steht schon auf der Liste: nichts Neues wurde aufgenommen",
        "already listed: nothing new was recorded",
    ),
    "listed_before": ("{count} schon gelistet", "{count} listed already"),
    "twice": ("{count} doppelt in dieser Liste", "{count} twice in this list"),
    "twice_lines": (
        "doppelt in dieser Liste: Zeile {lines}",
        "twice in this list: line {lines}",
    ),
    "placeholder": (
        (
            "dieselbe Kennung ({kind}) steht in {count} Zeilen: {lines}: ein "
            "Platzhalter? Mit --except DATEI bleibt sie weg"
        ),
        (
            "the same identifier ({kind}) stands on {count} lines: {lines}: a "
            "placeholder? --except FILE leaves it out"
        ),
    ),
    "over_rows": ("{count} abgelaufen", "{count} over"),
    "taken_off_before": (
        "{count} früher von der Liste genommen",
        "{count} taken off before",
    ),
    "taken_off_lines": (
        "von der Liste genommen ({reason}): Zeile {lines}",
        "taken off the list ({reason}): line {lines}",
    ),
    "taken_off_anew": (
        "wer als Irrtum von der Liste kam, bleibt es, bis --anew ihn neu aufnimmt",
        "who was taken off as a mistake stays off until --anew lists them",
    ),
    "taken_off_for_good": (
        (
            "nach Entscheidung, Beschwerde oder Löschung nimmt nur `fedsafe signal "
            "add` neu auf, einzeln"
        ),
        (
            "after a ruling, an appeal or an erasure only `fedsafe signal add` lists "
            "somebody again, one at a time"
        ),
    ),
    "anew_told": (
        (
            "--anew: {number} kamen als Irrtum von der Liste und werden wieder "
            "aufgenommen: Zeile {lines}"
        ),
        (
            "--anew: {number} were taken off as a mistake, and are to be listed again: "
            "line {lines}"
        ),
    ),
    "later_line": (
        (
            "Zeile {number}: gesperrt am {removed_on}, gelistet ab {listed}: `fedsafe "
            "signal revoke {signal} --reason superseded`, dann noch einmal importieren"
        ),
        (
            "line {number}: removed on {removed_on}, listed as of {listed}: `fedsafe "
            "signal revoke {signal} --reason superseded`, then import again"
        ),
    ),
    "later_more": (
        "und {count} weitere: --json nennt alle",
        "and {count} more: --json names all",
    ),
    "nameless": ("{count} ohne Kennung", "{count} without an identifier"),
    "already_lines": ("schon gelistet: Zeile {lines}", "listed already: line {lines}"),
    "differing_lines": (
        "anders als das, was schon steht (es bleibt so): Zeile {lines}",
        "other than what stands already, which stays as it is: line {lines}",
    ),
    "differs": (
        "was da steht, sagt etwas anderes: erst widerrufen, dann neu aufnehmen",
        "what stands says something else: revoke it first, then add this anew",
    ),
    "over_kind": (
        (
            "abgelaufen: {count} {kind}, ab der Sperre gelistet für {term} (P9); "
            "Sperren ab {first} zählen noch"
        ),
        (
            "over: {count} {kind}, listed for {term} from the removal (P9); removals "
            "from {first} on still count"
        ),
    ),
    "undo_by": (
        "rückgängig: `fedsafe import undo {run}`",
        "to undo it: `fedsafe import undo {run}`",
    ),
    "resumed": (
        "dieser Import war abgebrochen und geht weiter",
        "this import was broken off, and goes on",
    ),
    "goes_on": (
        "derselbe Befehl noch einmal macht da weiter",
        "the same command again goes on from there",
    ),
    "columns": ("Spalten: {told}", "columns: {told}"),
    "columns_left_out": (
        "weg bleiben {count} andere: {told}",
        "{count} others are left out: {told}",
    ),
    "columns_left_out_one": (
        "weg bleibt eine andere: {told}",
        "one other is left out: {told}",
    ),
    "left_out_where": (
        "{count} durch --where weggelassen",
        "{count} left out by --where",
    ),
    "left_out_own": (
        "{count} weggelassen: die eigene Adresse dieses Knotens",
        "{count} left out: this node's own address",
    ),
    "left_out_except": (
        "{count} durch --except weggelassen",
        "{count} left out by --except",
    ),
    "fault_sum": (
        "{count} Zeilen: {field} ({code})",
        "{count} lines: {field} ({code})",
    ),
    "fault_sum_one": ("1 Zeile: {field} ({code})", "1 line: {field} ({code})"),
    "fault_sum_identifiers": (
        "{count} Zeilen, {identifiers} Kennungen: {field} ({code})",
        "{count} lines, {identifiers} identifiers: {field} ({code})",
    ),
    "fault_sum_identifiers_one": (
        "1 Zeile, {identifiers} Kennungen: {field} ({code})",
        "1 line, {identifiers} identifiers: {field} ({code})",
    ),
    "import_open": ("abgebrochen", "unfinished"),
    "import_done": ("fertig", "finished"),
    "import_undoing": ("wird rückgängig gemacht", "being undone"),
    "import_undone": ("rückgängig gemacht", "undone"),
    "undoing": ("rückgängig", "undoing"),
    "no_imports": ("keine Importe", "no imports"),
    "undone": (
        "rückgängig gemacht: {count} zurückgenommen, {revoked} widerrufen",
        "undone: {count} withdrawn, {revoked} revoked",
    ),
    "undone_already": (
        "war schon rückgängig gemacht: nichts war mehr zu tun",
        "was undone before: nothing was left to do",
    ),
    "met_in": (
        "  vielleicht {run}, {when}, von {who}",
        "  perhaps {run}, {when}, by {who}",
    ),
    "met_again": (
        (
            "{number} davon standen auch in einem anderen Import: importiere diesen "
            "noch einmal, um sie wieder zu listen"
        ),
        (
            "{number} of them came with another import as well: import that again to "
            "list them anew"
        ),
    ),
    "ask_undo": (
        "{count} Signale enden an allen Orten und für immer; was vorher stand, bleibt",
        "{count} signals end everywhere and for good; what stood before stays",
    ),
    "approved": (
        "{count} bestätigt, {bad} abgelehnt",
        "{count} approved, {bad} refused",
    ),
    "no_drafts": ("keine Entwürfe", "no drafts"),
    "logs_ok": (
        "alle Protokolle und Tabellen sind unversehrt",
        "all logs and tables verify",
    ),
    "verified_directory": (
        "es läuft kein Knoten: geprüft wurde sein Verzeichnis, verändert nichts",
        "no node runs here: its directory was verified, and nothing in it changed",
    ),
    "disk_short": (
        "der Datenträger ist bald voll: Platz schaffen, nicht im Knotenverzeichnis",
        "the disk is nearly full: make room, not in the node's directory",
    ),
    "disk_full": (
        "der Datenträger ist voll, nur Sperren und Löschen geht noch: Platz schaffen",
        "the disk is full, only restrictions and erasures are kept: make room",
    ),
    "logs_bad": (
        "etwas ist beschädigt: Knoten anhalten, Verzeichnis sichern, »fedsafe doctor«",
        "something is damaged: stop the node, copy its directory, `fedsafe doctor`",
    ),
    "looser": ("lockerer", "looser"),
    "stricter": ("strenger", "stricter"),
    "other": ("anders", "other"),
    "fits": ("passt", "fits"),
    "line": ("Zeile {number}", "line {number}"),
    "no_difference": ("kein Unterschied", "no difference"),
    "ready": ("bereit", "ready"),
}


def words(key: str, *, german: bool, **values: object) -> str:
    """Return a text in one of the two languages; of one, in the singular."""
    if values.get("count") == 1:
        key = f"{key}_one" if f"{key}_one" in _TEXTS else key
    return _TEXTS[key][0 if german else 1].format(**values)


def account_in(entry: Mapping[str, object]) -> str | None:
    """Name an account as it may be typed again: its service, then its reference."""
    reference, service = entry.get("subject_ref"), entry.get("service")
    if not isinstance(reference, str) or service is None:
        return None if reference is None else str(reference)
    return f"{service}/{reference}"


REASONS: Final[dict[str, tuple[str, str]]] = {
    "mistake": ("Irrtum", "a mistake"),
    "appeal_granted": ("Beschwerde stattgegeben", "an appeal was granted"),
    "finding_withdrawn": ("Befund zurückgenommen", "the finding was withdrawn"),
    "request_of_the_person": ("auf Antrag der Person", "the person asked for it"),
    "superseded": ("durch anderes ersetzt", "superseded"),
}


def label(table: dict[str, tuple[str, str]], code: str, *, german: bool) -> str:
    """Return what a code means, or the code, should it be newer than this table."""
    pair = table.get(code)
    return code if pair is None else pair[0 if german else 1]


# Texts that another part says in English, and their German: the English is a pattern.
#
# What stands in braces is a place in it, and goes into the German as it came.

_NAME: Final = re.compile(r"\\\{([a-z]+)\\\}")
Pattern = tuple[str, str]
"""A regular expression, which is compiled when it is first used, and the German."""


def patterns(texts: Mapping[str, str]) -> list[Pattern]:
    """Read texts with places in them, the closer one first."""
    return sorted(
        ((_written(english), told) for english, told in texts.items()),
        key=lambda pair: -len(pair[0]),
    )


def matched(text: str, known: Sequence[Pattern], say: Callable[[str, str], str]) -> str:
    """Say a text by the first pattern that it fits; *say* says a place by its name."""
    for pattern, template in known:
        if (found := _compiled(pattern).fullmatch(text)) is not None:
            named = found.groupdict().items()
            return template.format(**{name: say(name, each) for name, each in named})
    return text


def _written(english: str) -> str:
    return _NAME.sub(r"(?P<\1>.+?)", re.escape(english))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)
