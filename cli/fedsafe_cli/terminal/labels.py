# SPDX-License-Identifier: Apache-2.0
"""German for labels, fields, codes and short sentences of results.

The English text is the key, so that a command reads as what it prints. A text that
has no German fails in the tests, not before a person.
"""

from typing import Final

from fedsafe_cli.terminal.field_texts import FIELDS
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.settings import Settings

GERMAN: Final[dict[str, str]] = {
    # headings
    "name": "Name",
    "person": "Person",
    "seat": "Sitz",
    "state": "Stand",
    "roles": "Rollen",
    "role": "Rolle",
    "module": "Modul",
    "by": "von",
    "since": "seit",
    "until": "bis",
    "holder": "Inhaber",
    "scope": "Bereich",
    "purposes": "Zwecke",
    "log": "Protokoll",
    "entries": "Einträge",
    "entry": "Eintrag",
    "openings": "Öffnungen",
    "erased": "gelöscht",
    "verdict": "Befund",
    "root": "Wurzel",
    "table": "Tabelle",
    "rows": "Zeilen",
    "at": "Zeit",
    "event": "Ereignis",
    "outcome": "Ergebnis",
    "purpose": "Zweck",
    "actor": "wer",
    "account": "Konto",
    "detail": "Einzelheiten",
    "gap": "Lücke",
    "what": "was",
    "hold": "Sperre",
    "reason": "Grund",
    "placed by": "gesetzt von",
    "index": "Nummer",
    "url": "Adresse",
    "jurisdiction": "Land",
    "directory": "Verzeichnis",
    "check": "Prüfung",
    "level": "Befund",
    "found": "gefunden",
    "way out": "Ausweg",
    "kind": "Art",
    "count": "Anzahl",
    "authors": "angelegt von",
    "sources": "Quellen",
    "drawn": "gezogen",
    "signal": "Signal",
    "dated": "vom",
    "own": "eigene",
    # pairs
    "set-up code": "Einrichtungscode",
    "good until": "gilt bis",
    "secret": "Geheimnis",
    "address": "Adresse",
    "recovery code": "Wiederherstellungscode",
    "fingerprint": "Fingerabdruck",
    "federation": "Föderation",
    "threshold": "Schwelle",
    "epoch": "Epoche",
    "policy": "Richtlinie",
    "signed by": "unterschrieben von",
    "missing entries": "fehlende Einträge",
    "declared lost": "als verloren erklärt",
    "holds": "Festhalten",
    "pruned below": "entfernt vor Eintrag",
    "fails now": "scheitert gerade",
    "sealed residues of": "verschlüsselte Reste aus",
    "last signed": "zuletzt unterschrieben",
    "signed at": "unterschrieben am",
    "record": "Datensatz",
    "leaf": "Blatt",
    "proof": "Beweis",
    "group": "Gruppe",
    "proposal": "Vorschlag",
    "members": "Mitglieder",
    "arrangement": "Vereinbarung",
    "none": "keine",
    # sentences
    "changes by": "Änderungen durch",
    "tries left": "Versuche übrig",
    "consent is for fewer of them too, down to {fewest}: {threshold} make a token then "
    "too, and {quorum} change the charter": (
        "die Zustimmung gilt auch für weniger von ihnen, bis herab zu {fewest}: auch "
        "dann bilden {threshold} ein Token, und {quorum} ändern die Satzung"
    ),
    "{name}: {url} leads into an inner network, and peering.inside in node.toml does "
    "not name that: this node will not connect to it": (
        "{name}: {url} führt in ein inneres Netz, das peering.inside in node.toml "
        "nicht nennt: dieser Knoten verbindet sich dorthin nicht"
    ),
    "the share for it stays; consent to fewer members has ended": (
        "der Anteil dafür bleibt; die Zustimmung zu weniger Mitgliedern ist beendet"
    ),
    "tell the convenor: no file in the folder says so": (
        "der einladenden Stelle Bescheid geben: keine Datei im Ordner sagt es"
    ),
    "to take part again: {command}": "um wieder teilzunehmen: {command}",
    "this one goes on, for this node has made its share: {names}": (
        "diese geht weiter, denn dieser Knoten hat seinen Anteil gemacht: {names}"
    ),
    "to step next: {names}": "der nächste Schritt ist bei: {names}",
    "whoever has confirmed it before need not do so again": (
        "wer schon bestätigt hat, muss es nicht noch einmal tun"
    ),
    "the threshold is {count} of {whole} now, and was {before} of {all}": (
        "die Schwelle ist jetzt {count} von {whole}, vorher war sie {before} von {all}"
    ),
    "all confirm anew, also who has confirmed before": (
        "alle bestätigen neu, auch wer schon bestätigt hat"
    ),
    "all members": "alle Mitglieder",
    "no list of files waits": "keine Liste von Dateien wartet",
    "the list would hit lines {lines}": "die Liste träfe die Zeilen {lines}",
    "published: {count}, refused: {bad}": "veröffentlicht: {count}, abgelehnt: {bad}",
    "{count} entries added to {file}": "{count} Einträge in {file} ergänzt",
    "{count} entries would be added to {file}": (
        "{count} Einträge würden in {file} ergänzt"
    ),
    "{count} entries taken out of {file}": "{count} Einträge aus {file} entfernt",
    "{count} entries would be taken out of {file}": (
        "{count} Einträge würden aus {file} entfernt"
    ),
    (
        'nothing counts yet: see that node.toml has `do_not_share = "{file}"`, then '
        "`fedsafe policy propose`"
    ): (
        'noch zählt nichts: node.toml muss `do_not_share = "{file}"` enthalten, dann '
        "`fedsafe policy propose`"
    ),
    "{names}: the operator has yet to confirm": (
        "{names}: die Bestätigung des Betreibers steht noch aus"
    ),
    "{name}, groups {first} and {second}, as they are read out to you:": (
        "{name}, Gruppen {first} und {second}, wie sie Ihnen vorgelesen werden:"
    ),
    "please type two groups of four, such as: 1a2b 3c4d": (
        "bitte zwei Gruppen zu vier Zeichen eingeben, etwa: 1a2b 3c4d"
    ),
    "{state} until {until}": "{state} bis {until}",
    "next, the person: {command}": "danach die Person: {command}",
    "next, as another person: {command}": "danach eine andere Person: {command}",
    "fedsafe: this is shown once; keep the recovery codes on paper": (
        "fedsafe: das ist nur jetzt zu sehen; die Wiederherstellungscodes auf Papier "
        "aufbewahren"
    ),
    "{name} is linked at {issuer}": "{name} ist mit {issuer} verknüpft",
    "{name}: {role} waits for a second person": (
        "{name}: {role} wartet auf eine zweite Person"
    ),
    "{name} has the role {role}": "{name} hat die Rolle {role}",
    "{name} has no longer the role {role}": "{name} hat die Rolle {role} nicht mehr",
    "{name} is {state}": "{name}: {state}",
    "{role} until {until}": "{role} bis {until}",
    "{name}: {module} until {until}": "{name}: {module} bis {until}",
    "{name} is revoked": "{name} ist widerrufen",
    "{name} until {until}: {file}": "{name} bis {until}: {file}",
    "policy {policy}: the people suffice": "Richtlinie {policy}: die Personen reichen",
    "policy {policy}: the people do not suffice": (
        "Richtlinie {policy}: die Personen reichen nicht"
    ),
    "never together: {pairs}": "nie zusammen: {pairs}",
    "external seats: {seats}": "Sitze für Externe: {seats}",
    "nobody is {role}": "niemand ist {role}",
    "{name} may not be {first} and {second} at once": (
        "{name} darf nicht zugleich {first} und {second} sein"
    ),
    "no escalation officer is trained to act alone in imminent danger": (
        "Niemand in der Eskalation ist für Gefahr im Verzug geschult (Modul emergency)."
    ),
    "no author finds a reviewer who is somebody else": (
        "kein Verfasser findet einen anderen Menschen, der prüft"
    ),
    "next: {command}": "danach: {command}",
    "no demo lies in {directory}; make one: fedsafe demo up": (
        "in {directory} liegt keine Vorführung; eine anlegen: fedsafe demo up"
    ),
    "no demo lies in {directory}; nothing to stop or delete": (
        "in {directory} liegt keine Vorführung; nichts anzuhalten oder zu löschen"
    ),
    "stopped: {names}": "angehalten: {names}",
    "nothing ran": "nichts lief",
    "deleted: {directory}": "gelöscht: {directory}",
    "no two people may do this together: {act}": (
        "keine zwei Personen dürfen dies zusammen: {act}"
    ),
    "what {people} published: nobody else may rule on a dispute of it": (
        "was {people} veröffentlicht: niemand sonst darf über einen Einwand entscheiden"
    ),
    "fedsafe: until {until} a person's credential records own bans, looks up, reads; "
    "all else takes an account (`fedsafe account setup`)": (
        "fedsafe: bis {until} trägt der Ausweis einer Person eigene Sperren ein, fragt "
        "ab und liest; alles andere braucht ein Konto (`fedsafe account setup`)"
    ),
    "then, within three days, with whoever trained you and until when:": (
        "dann, binnen drei Tagen, mit der Stelle der Schulung und deren Ende:"
    ),
    "credential of {name}": "Ausweis von {name}",
    "set-up code of {name}": "Einrichtungscode von {name}",
    "{count} of {whole}": "{count} von {whole}",
    "fails: {case}: {effect} {rule} {code}": (
        "hält nicht: {case}: {effect} {rule} {code}"
    ),
    "{count} of {whole} cases hold": "{count} von {whole} Fällen halten",
    "account {ref}": "Konto {ref}",
    "entries {first} to {last}": "Einträge {first} bis {last}",
    "{why} at entry {first}": "{why} bei Eintrag {first}",
    "this store is old: it has moved, and goes on at {where}": (
        "dieser Speicher ist alt: er ist umgezogen, es geht weiter unter {where}"
    ),
    "incomplete: entries {first} to {last} were lost and declared lost on {at}, "
    "in entry {entry}": (
        "unvollständig: die Einträge {first} bis {last} sind verloren und am {at} als "
        "verloren erklärt, in Eintrag {entry}"
    ),
    "{why} somewhere in the entries {first} to {last}": (
        "{why} irgendwo in den Einträgen {first} bis {last}"
    ),
    "{why} at {at}": "{why} bei {at}",
    "{verdict} (row {row})": "{verdict} (Zeile {row})",
    "{size} entries, by {by}": "{size} Einträge, von {by}",
    "{name} at {at}": "{name} am {at}",
    "nothing yet": "noch nichts",
    "nothing": "nichts",
    "{start} to {end} of {size}": "{start} bis {end} von {size}",
    "entries 0 to {last} by {names} (anchors {first} to {end})": (
        "Einträge 0 bis {last} von {names} (Anker {first} bis {end})"
    ),
    "erased on {at}": "gelöscht am {at}",
    "withheld": "zurückgehalten",
    "erased ({reason})": "gelöscht ({reason})",
    "UNFINISHED": "UNVOLLENDET",
    "LASTS": "DAUERT AN",
    "there may be more: --from {next}": "es kann mehr geben: --from {next}",
    "there are more; a pack (`fedsafe audit export`) holds all": (
        "es gibt mehr; ein Nachweispaket (`fedsafe audit export`) enthält alle"
    ),
    "nothing is done yet: let another person run `{command}`": (
        "noch ist nichts geschehen: eine andere Person führt `{command}` aus"
    ),
    "nothing is done yet: let another person run `{command}`, which erases": (
        "noch ist nichts geschehen: eine andere Person führt `{command}` aus, das "
        "löscht"
    ),
    "nothing is done yet: let another person run `{command}`, which holds it back": (
        "noch ist nichts geschehen: eine andere Person führt `{command}` aus, das "
        "hält es zurück"
    ),
    "nothing is done yet: let another person run `{command}`, then repeat this with "
    "--act": (
        "noch ist nichts geschehen: eine andere Person führt `{command}` aus, dann "
        "dies mit --act wiederholen"
    ),
    "nothing is written yet: let another person run `{command}`, then `{then}`": (
        "noch ist nichts geschrieben: eine andere Person führt `{command}` aus, dann "
        "`{then}`"
    ),
    "fedsafe: the record counts once another person has approved it; as them:": (
        "fedsafe: der Eintrag zählt, sobald eine andere Person zustimmt; als diese:"
    ),
    "fedsafe: management_approval must be another person than dpo_approval": (
        "fedsafe: management_approval muss eine andere Person sein als dpo_approval"
    ),
    "fedsafe: arrangement must end in what the charter names, as in jca-3:{agreed}": (
        "fedsafe: arrangement muss auf das enden, was die Charta nennt, etwa "
        "jca-3:{agreed}"
    ),
    "approvals are possible until {until}": "Zustimmen ist möglich bis {until}",
    "{name} ({role}) until {until}": "{name} ({role}) bis {until}",
    "{name} is logged out": "{name} ist abgemeldet",
    "fedsafe: session kept in {file}; `fedsafe logout` ends it": (
        "fedsafe: Sitzung liegt in {file}; `fedsafe logout` beendet sie"
    ),
    "fedsafe: {left} recovery codes left; see `fedsafe account totp`": (
        "fedsafe: noch {left} Wiederherstellungscodes; siehe `fedsafe account totp`"
    ),
    "open this address in your browser and log in:": (
        "diese Adresse im Browser öffnen und dort anmelden:"
    ),
    "fedsafe: nothing waits for approval": "fedsafe: nichts wartet auf Zustimmung",
    "founded: {name} with {members}": "gegründet: {name} mit {members}",
    "written: {file}": "geschrieben: {file}",
    "the federation is founded; hand on what was written": (
        "die Föderation ist gegründet; weitergeben, was geschrieben wurde"
    ),
    "nothing new: the others are to step next": (
        "nichts Neues: als Nächstes machen die anderen ihren Schritt"
    ),
    "fedsafe: a recovery code only logs in; approvals take the authenticator": (
        "fedsafe: mit einem Wiederherstellungscode meldet man sich nur an; wer "
        "zustimmt, braucht den Authenticator"
    ),
}
"""German for what is printed, by its English."""

CODES: Final[dict[str, tuple[str, str]]] = {
    "waiting": ("wartet", "waiting"),
    "confirmed": ("bestätigt", "confirmed"),
    "dealt": ("Anteil gemacht, unwiderruflich", "share made, cannot be taken back"),
    "external": ("extern", "external"),
    "invited": ("eingeladen", "invited"),
    "allow": ("erlaubt", "allow"),
    "deny": ("abgelehnt", "deny"),
    "up": ("läuft", "up"),
    "down": ("steht", "down"),
    "active": ("aktiv", "active"),
    "locked": ("gesperrt", "locked"),
    "suspended": ("ausgesetzt", "suspended"),
    "left": ("ausgetreten", "left"),
    "holder": ("Anteil", "holder"),
    "lister": ("Liste", "lister"),
    "media": ("Medien", "media"),
    "expired": ("abgelaufen", "expired"),
    "revoked": ("widerrufen", "revoked"),
    "overwritten": ("überschrieben", "overwritten"),
    "deleted": ("gelöscht, Reste verschlüsselt", "deleted, residues encrypted"),
    "key_destroyed": ("Schlüssel vernichtet", "key destroyed"),
    "nothing": ("nichts", "nothing"),
    "none": ("keine", "none"),
    "officer": ("Sachbearbeitung", "officer"),
    "form": ("Formular", "form"),
    "granted": ("stattgegeben", "granted"),
    "refused": ("abgelehnt", "refused"),
    "withdrawn": ("zurückgenommen", "withdrawn"),
    "answered": ("beantwortet", "answered"),
    "open": ("offen", "open"),
    "assessed": ("bewertet", "assessed"),
    "closed": ("abgeschlossen", "closed"),
    "confidentiality": ("Vertraulichkeit", "confidentiality"),
    "integrity": ("Integrität", "integrity"),
    "availability": ("Verfügbarkeit", "availability"),
    "attack": ("Angriff", "attack"),
    "insider": ("Innentäter", "insider"),
    "loss": ("Verlust", "loss"),
    "misdelivery": ("Fehlversand", "misdelivery"),
    "software": ("Softwarefehler", "software"),
    "human_error": ("menschlicher Fehler", "human error"),
    "unknown": ("unbekannt", "unknown"),
    "tokens": ("Token", "tokens"),
    "signals": ("Signale", "signals"),
    "offences": ("Straftaten", "offences"),
    "media_hashes": ("Hashwerte von Dateien", "media hashes"),
    "account_references": ("Namen von Konten", "account references"),
    "case_files": ("Fallakten", "case files"),
    "credentials": ("Ausweise", "credentials"),
    "keys": ("Schlüssel", "keys"),
    "audit_log": ("Audit-Protokoll", "audit log"),
    "staff": ("Beschäftigte", "staff"),
    "banned_persons": ("gesperrte Personen", "banned persons"),
    "users": ("Nutzende", "users"),
    "minors": ("Minderjährige", "minors"),
    "wrong_suspicion": ("falscher Verdacht", "wrong suspicion"),
    "exposure": ("Bloßstellung", "exposure"),
    "discrimination": ("Benachteiligung", "discrimination"),
    "lost_account": ("verlorenes Konto", "lost account"),
    "identity_misuse": ("Missbrauch der Identität", "misuse of identity"),
    "loss_of_control": ("Kontrollverlust", "loss of control"),
    "missed_matches": ("verpasste Treffer", "missed matches"),
    "credentials_revoked": ("Ausweise widerrufen", "credentials revoked"),
    "accounts_locked": ("Konten gesperrt", "accounts locked"),
    "keys_replaced": ("Schlüssel ersetzt", "keys replaced"),
    "signals_revoked": ("Signale widerrufen", "signals revoked"),
    "node_stopped": ("Knoten angehalten", "node stopped"),
    "restored": ("wiederhergestellt", "restored"),
    "hole_closed": ("Lücke geschlossen", "hole closed"),
    "members_told": ("Mitglieder unterrichtet", "members told"),
    "police_report": ("Anzeige erstattet", "police report"),
    "unlikely": ("unwahrscheinlich", "unlikely"),
    "risk": ("Risiko", "risk"),
    "high": ("hoch", "high"),
    "authority": ("Aufsichtsbehörde", "authority"),
    "persons": ("Betroffene", "persons"),
    "members": ("Mitglieder", "members"),
    "unlikely_risk": ("Risiko unwahrscheinlich", "risk unlikely"),
    "protected": ("Daten geschützt", "data protected"),
    "averted": ("Risiko abgewendet", "risk averted"),
    "public_communication": (
        "öffentlich bekannt gemacht",
        "told in public",
    ),
    "ok": ("in Ordnung", "ok"),
    "short": ("knapp", "short"),
    "resident": ("nie ausgelagert", "never swapped out"),
    "swappable": ("auslagerbar", "can be swapped out"),
    "readable": ("von anderen Prozessen lesbar", "readable by other processes"),
    "full": ("voll", "full"),
    "warn": ("Warnung", "warn"),
    "fail": ("Fehler", "fail"),
    "statement_of_reasons": ("Begründung der Entscheidung", "statement of reasons"),
    "data_protection_notice": (
        "Information über die Daten",
        "information about the data",
    ),
    "end_of_signal": ("Ende des Signals", "end of a signal"),
    "review_reasons": ("Begründung einer Maßnahme", "reasons of a measure"),
    "rights_form": ("Formular für Rechte", "form for rights"),
    "code_letter": ("Brief mit Code", "letter with a code"),
    "rights_answer": ("Auskunft", "answer to a request"),
    "rights_outcome": ("Bescheid zu einem Antrag", "outcome of a request"),
    "signup_check": ("Prüfung bei der Anmeldung", "check at sign-up"),
    "upload_check": ("Prüfung beim Hochladen", "check at upload"),
    "recheck": ("erneute Prüfung", "recheck"),
    "moderation_review": ("Prüfung durch Menschen", "review by people"),
}
"""What short codes mean, in German and in English."""


def say(text: str, settings: Settings, **values: object) -> str:
    """Say a text in the reader's language, with its values."""
    return (GERMAN[text] if settings.german else text).format(**values)


def grouped(number: int, settings: Settings) -> str:
    """Write a number with its thousands apart, as the reader's language does."""
    text = f"{number:,}"
    return text.replace(",", ".") if settings.german else text


def headings(settings: Settings, *names: str) -> list[str]:
    """Name the columns of a table."""
    return [say(name, settings) if name else "" for name in names]


def field(name: str, settings: Settings) -> str:
    """Name a field of an answer, or leave a name as it is that is newer than this."""
    pair = FIELDS.get(name)
    if pair is not None:
        return pair[0 if settings.german else 1]
    return GERMAN.get(name, name) if settings.german else name


def coded(code: object, settings: Settings) -> str:
    """Say what a code means, or the code, should it be newer than this."""
    pair = CODES.get(str(code))
    return str(code) if pair is None else pair[0 if settings.german else 1]


def value_of(name: str, value: object, settings: Settings) -> object:
    """Show a field's value: yes or no, a moment, words; None if there is nothing."""
    if isinstance(value, bool):
        return yes_or_no(value, settings)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items()) or None
    if isinstance(value, list):
        return ", ".join(coded(each, settings) for each in value) or None
    return readable(name, value)


def yes_or_no(value: object, settings: Settings) -> str:
    """Say whether something is so."""
    return (("nein", "ja") if settings.german else ("no", "yes"))[bool(value)]
