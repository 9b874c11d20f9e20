# SPDX-License-Identifier: Apache-2.0
"""German for what `audit verify` has found: the node says it in English.

The English text is the pattern; what stands in braces is the node's own (a number, a
name). A finding that is newer than this table is shown as the node says it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from fedsafe_cli.terminal.exit_codes import ExitStatus

_WORST: Final = ExitStatus.LOG_TAMPERED
_DAMAGE: Final = {  # the most serious first
    "tampered": ExitStatus.LOG_TAMPERED,
    "incomplete": ExitStatus.LOG_INCOMPLETE,
    "unreadable": ExitStatus.LOG_UNREADABLE,
}
FINDINGS: Final[Mapping[str, str]] = {
    # logs
    "entries are missing that {whose} had": "es fehlen Einträge, die {whose} hatte",
    "the entries are not those that {whose} had": (
        "die Einträge sind nicht die, die {whose} hatte"
    ),
    "there are entries that nobody knows of, and not all before them": (
        "es gibt Einträge, die niemand kennt, und nicht alle davor"
    ),
    "the hashes of pruned entries are missing": (
        "die Prüfsummen entfernter Einträge fehlen"
    ),
    "the node did not write this entry": (
        "diesen Eintrag hat der Knoten nicht geschrieben"
    ),
    "the entry is missing": "der Eintrag fehlt",
    "entries come and go": "Einträge kommen und gehen",
    "an opening has no entry": "eine Öffnung hat keinen Eintrag",
    "the root of this tile is missing": "die Wurzel dieser Kachel fehlt",
    "the entries of this tile have changed": (
        "die Einträge dieser Kachel sind verändert"
    ),
    "the opening of {group} does not fit the record": (
        "die Öffnung {group} passt nicht zum Datensatz"
    ),
    "the opening of {group} does not open": "die Öffnung {group} öffnet sich nicht",
    "the record has no commitment {group}": (
        "der Datensatz hat keine Festlegung {group}"
    ),
    "it is no record": "es ist kein Datensatz",
    "it is no audit event": "es ist kein Ereignis",
    "{count} of its openings are gone": "{count} seiner Öffnungen fehlen",
    "a row about it cannot be read": "eine Zeile darüber ist nicht zu lesen",
    "a row before its begin": "eine Zeile vor seinem Anfang",
    "there is none": "es gibt sie nicht",
    "there is no such log": "ein solches Protokoll gibt es nicht",
    "it was pruned, and is here": "es war entfernt und ist da",
    "it had come to {size} entries of this log": (
        "es waren schon {size} Einträge dieses Protokolls"
    ),
    "it had {size} entries and another root when it was sealed": (
        "beim Versiegeln hatte es {size} Einträge und eine andere Wurzel"
    ),
    "{size} entries were sealed, and {here} are here": (
        "versiegelt waren {size} Einträge, da sind {here}"
    ),
    "the log has {size} entries, and no such tile": (
        "das Protokoll hat {size} Einträge und keine solche Kachel"
    ),
    # seal, keys and files
    "it is missing": "es fehlt",
    "not as it was sealed": "nicht so, wie es versiegelt wurde",
    "it does not open: it was changed, or keys/seal.key was": (
        "es öffnet sich nicht: verändert ist es oder der Schlüssel keys/seal.key"
    ),
    "there never was a key of {period}": "einen Schlüssel von {period} gab es nie",
    "it is not what was kept": "es ist nicht, was aufgehoben wurde",
    "it is not the text that its name says": (
        "es ist nicht der Text, den sein Name nennt"
    ),
    "the database cannot be read: {why}": "die Datenbank ist nicht zu lesen: {why}",
    "a row of it cannot be read": "eine Zeile davon ist nicht zu lesen",
    "a row cannot be read": "eine Zeile ist nicht zu lesen",
    "it holds {one}, not {other}": "sie enthält {one}, nicht {other}",
    "the checkpoint that was kept is not its origin's": (
        "der aufgehobene Prüfpunkt ist nicht der seiner Herkunft"
    ),
    # tables
    "it points into the log of another list": (
        "es zeigt in das Protokoll einer anderen Liste"
    ),
    "it points to entry {index} of {log}: there is none": (
        "es zeigt auf Eintrag {index} von {log}: den gibt es nicht"
    ),
    "another signal points to entry {index} as well": (
        "auf Eintrag {index} zeigt auch ein anderes Signal"
    ),
    "it is active, but a dispute rests it": (
        "es gilt, obwohl ein Einwand es ruhen lässt"
    ),
    "it is disputed, but no statement says so": (
        "es ruht, aber keine Erklärung sagt das"
    ),
    "it is {status}, but its entry was pruned": (
        "es ist {status}, aber sein Eintrag wurde entfernt"
    ),
    "entries of {log} are missing near {first}": (
        "bei {first} fehlen Einträge von {log}"
    ),
    "entry {index} of {log} is not of this signal": (
        "Eintrag {index} von {log} gehört nicht zu diesem Signal"
    ),
    "entry {index} of {log} has no opening": (
        "Eintrag {index} von {log} hat keine Öffnung"
    ),
    "its opening is of a month that never had a key": (
        "seine Öffnung ist aus einem Monat, der nie einen Schlüssel hatte"
    ),
    "it is {status}, but its opening is erased": (
        "es ist {status}, aber seine Öffnung ist gelöscht"
    ),
    "it is {status}, but its opening is not erased": (
        "es ist {status}, aber seine Öffnung ist nicht gelöscht"
    ),
    "it is {status}, but no statement says so": (
        "es ist {status}, aber keine Erklärung sagt das"
    ),
    "its opening is none of a signal": "seine Öffnung ist keine eines Signals",
    "its plane or scope is not that of its opening": (
        "seine Ebene oder sein Bereich ist nicht der seiner Öffnung"
    ),
    "the body of its opening does not open": (
        "der Inhalt seiner Öffnung öffnet sich nicht"
    ),
    "its token is not that of its opening": (
        "seine Kennung (token) ist nicht die seiner Öffnung"
    ),
    "its {name} is not that of its opening": "{name} ist nicht wie in seiner Öffnung",
    "the statement is not the one of this digest": (
        "die Erklärung ist nicht die dieser Prüfsumme"
    ),
    "its columns are not what the statement says": (
        "seine Spalten sind nicht, was die Erklärung sagt"
    ),
    "no statement that was kept names it": "keine aufgehobene Erklärung nennt es",
    "its statement says something else": "seine Erklärung sagt etwas anderes",
    "it is {status}, but was {before} by a statement of {origin}": (
        "es ist {status}, war aber nach einer Erklärung von {origin} {before}"
    ),
    "{log} restricts it, but no row does": "{log} stoppt es, aber keine Zeile tut das",
    "what it says of signals was taken away": (
        "was er von Signalen sagt, wurde weggenommen"
    ),
    "it has no row": "er hat keine Zeile",
    "more was pruned than the log has": "entfernt wurde mehr, als das Protokoll hat",
    "the root is not that of the hashes that stayed": (
        "die Wurzel ist nicht die der gebliebenen Prüfsummen"
    ),
    "entry {index} of {log} does not say so": (
        "Eintrag {index} von {log} sagt das nicht"
    ),
    "entry {index} of {log} says something else": (
        "Eintrag {index} von {log} sagt etwas anderes"
    ),
    "{said} of its signals were kept, and {here} are here": (
        "{said} seiner Signale wurden aufgehoben, da sind {here}"
    ),
    "{ended} signals ended, but events tell of {said}": (
        "{ended} Signale sind zu Ende, Ereignisse sagen es von {said}"
    ),
    "it is suspended, but no event says so": (
        "es ist gesperrt, aber kein Ereignis sagt das"
    ),
    "{said} of its signals are relocked, but {found} are noted so": (
        "{said} seiner Signale sind verschlossen, vermerkt sind {found}"
    ),
    "from where on its openings are lacking is not as it was noted": (
        "ab wo seine Öffnungen fehlen, ist nicht wie vermerkt"
    ),
    "its entries are not those that the events have recorded": (
        "seine Einträge sind nicht die, die die Ereignisse nennen"
    ),
    "it is not the record that the newest event names": (
        "es ist nicht der Datensatz, den das neueste Ereignis nennt"
    ),
}
_WHOSE: Final[Mapping[str, str]] = {
    "the guard": "die Rücksetz-Sicherung (guard)",
    "the seal": "das Siegel",
    "the running node": "der laufende Knoten",
    "the position that was kept": "der aufgehobene Stand",
}
_SIGNED: Final = re.compile(r"the checkpoint that (.+) signed")
_NAME: Final = re.compile(r"\\\{([a-z]+)\\\}")


def _pattern(english: str) -> re.Pattern[str]:
    return re.compile(_NAME.sub(r"(?P<\1>.+?)", re.escape(english)))


_PATTERNS: Final = [(_pattern(english), de) for english, de in FINDINGS.items()]


def _whose(source: str) -> str:
    signed = _SIGNED.fullmatch(source)
    if signed is not None:
        return f"der Prüfpunkt, den {signed[1]} signiert hat,"
    return _WHOSE.get(source, source)


def finding(why: object, *, german: bool) -> str:
    """Say what was found, in German if it is known here."""
    text = str(why)
    if not german:
        return text
    for pattern, template in _PATTERNS:
        if (found := pattern.fullmatch(text)) is not None:
            named = {
                name: _whose(value) if name == "whose" else value
                for name, value in found.groupdict().items()
            }
            return template.format(**named)
    return text


def damage_status(answer: dict[str, Any]) -> ExitStatus:
    """Return the exit status of the most serious damage that was found."""
    checks = [*answer["logs"], *(answer.get("tables") or [])]
    found = {check.get("damage") for check in checks}
    return next((_DAMAGE[word] for word in _DAMAGE if word in found), _WORST)
