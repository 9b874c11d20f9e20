# SPDX-License-Identifier: Apache-2.0
"""German for what `fedsafe doctor` finds, and for the way out.

The English text is the pattern, as in `damage_texts`, which knows what is damaged.
Paths, commands and versions stay as they are, and so does what another part of FedSafe
says of itself (why a file does not fit).
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_cli.doctor.damage_texts import finding
from fedsafe_cli.doctor.node_texts import CHECKS, NODE_SAID
from fedsafe_cli.terminal.labels import CODES
from fedsafe_cli.terminal.moments import in_moments
from fedsafe_cli.terminal.texts import matched, patterns

SAID: Final[Mapping[str, str]] = {
    "`fedsafe federation status`: the nodes begin a new epoch": (
        "`fedsafe federation status`: die Knoten beginnen eine neue Epoche"
    ),
    "at each member: `fedsafe federation reshare`": (
        "bei jedem Mitglied: `fedsafe federation reshare`"
    ),
    # the machine
    "{name} is missing": "{name} fehlt",
    "install from requirements.txt": "aus requirements.txt installieren",
    "on Debian, apt install libsodium23": "unter Debian: apt install libsodium23",
    "set the clock; run an NTP client": "Uhr stellen; einen NTP-Client laufen lassen",
    "cannot be written: {why}": "nicht beschreibbar: {why}",
    "run as the node's user": "als Benutzer des Knotens aufrufen",
    "{ms} ms for a durable write": "{ms} ms für ein dauerhaftes Schreiben",
    "put the node's directory on a faster disk": (
        "das Verzeichnis des Knotens auf einen schnelleren Datenträger legen"
    ),
    "{free} MiB free; the store is on a server": (
        "{free} MiB frei; die Datenbank liegt auf einem Server"
    ),
    "{free} MiB free, {size} MiB in reserve": "{free} MiB frei, {size} MiB Reserve",
    "{free} MiB free, and the reserve is given up": (
        "{free} MiB frei, und die Reserve ist aufgebraucht"
    ),
    "make room on this disk, and delete nothing in the node's directory: "
    "docs/howto/operate.md, when the disk is full": (
        "auf diesem Datenträger Platz schaffen und im Verzeichnis des Knotens nichts "
        "löschen: docs/howto/operate.md, when the disk is full"
    ),
    # key epochs
    "epoch {number} until {day}": "Epoche {number} bis {day}",
    "epoch {number} ends on {day}, and signals under it 30 days later": (
        "Epoche {number} endet am {day}, und Signale in ihr 30 Tage später"
    ),
    "epoch {number} has ended on {day}: nothing is published any more": (
        "Epoche {number} ist seit {day} zu Ende: Es wird nichts mehr veröffentlicht"
    ),
    "two weeks before the end members begin the next one by themselves; the nodes of "
    "all share holders have to run: docs/howto/federation.md, a new epoch": (
        "zwei Wochen vor dem Ende beginnen die Mitglieder die nächste von selbst; alle "
        "Knoten mit Anteilen müssen laufen: docs/howto/federation.md, a new epoch"
    ),
    "the charter commits to no media keys of generation {number}": (
        "die Charta legt keine Medienschlüssel der Generation {number} fest"
    ),
    "once all members run this release, the next resharing commits to them: "
    "`fedsafe federation reshare`": (
        "sobald alle Mitglieder diese Ausgabe haben, legt die nächste neue Aufteilung "
        "sie fest: `fedsafe federation reshare`"
    ),
    "what was published in the epoch before ends on {day}": (
        "was in der Epoche davor veröffentlicht wurde, endet am {day}"
    ),
    "`fedsafe signal ending` lists what could go on: review it, `fedsafe signal "
    "renew`": (
        "`fedsafe signal ending` nennt, was weiter gelten könnte: erneut prüfen, dann "
        "`fedsafe signal renew`"
    ),
    # the charter
    "no other member hears the appeals of persons who come to this node": (
        "kein anderes Mitglied entscheidet über Beschwerden der Personen, die sich an "
        "diesen Knoten wenden"
    ),
    "propose one with `fedsafe federation set-policy --appeal MEMBER`, or `--deputy "
    "MEMBER` where this node is the one: until then each origin decides alone": (
        "eines mit `fedsafe federation set-policy --appeal MITGLIED` vorschlagen, oder "
        "mit `--deputy MITGLIED`, wenn es dieser Knoten ist: Bis dahin entscheidet "
        "jeder Ursprung allein"
    ),
    # the directory
    "cannot be read": "nicht lesbar",
    "{count} key files are open to others": (
        "{count} Schlüsseldateien stehen anderen offen"
    ),
    "key files are the node's alone": "Schlüsseldateien liest nur der Knoten",
    "{name}: it wraps media and own keys": (
        "{name}: Medien- und eigene Schlüssel sind damit verschlossen"
    ),
    "key files are not wrapped: {names}": (
        "Schlüsseldateien sind nicht verschlossen: {names}"
    ),
    "key files are wrapped under another one: {names}": (
        "Schlüsseldateien sind unter einem anderen verschlossen: {names}"
    ),
    "none: who takes the directory opens media; no picture is written to disk, so a "
    "start reads them all": (
        "keiner: Wer das Verzeichnis nimmt, öffnet Medien; kein Bild wird auf den "
        "Datenträger geschrieben, darum liest ein Start alle"
    ),
    "stop the node, then `fedsafe node outside-key new`": (
        "den Knoten anhalten, dann `fedsafe node outside-key new`"
    ),
    "`fedsafe node outside-key show`": "`fedsafe node outside-key show`",
    "node.toml fits": "node.toml passt",
    "node.toml names no address of the data protection officer": (
        "node.toml nennt keine Adresse der oder des Datenschutzbeauftragten"
    ),
    "set dpo_contact, such as dpo@chat.example.de (Art. 14 (1) b GDPR)": (
        "dpo_contact setzen, etwa dpo@chat.example.de (Art. 14 Abs. 1 b DSGVO)"
    ),
    "letters say only in general words: {named}": (
        "Briefe nennen nur allgemein: {named}"
    ),
    "set them under [provider] in node.toml: docs/reference/configuration.md": (
        "in node.toml unter [provider] setzen: docs/reference/configuration.md"
    ),
    "letters name provider and authority": "Briefe nennen Anbieter und Aufsicht",
    "the public form takes no requests: node.toml names no mail server": (
        "das öffentliche Formular nimmt keine Anträge an: node.toml nennt keinen "
        "Mailserver"
    ),
    "it takes requests, about numbers alone": (
        "es nimmt Anträge an, nur zu Telefonnummern"
    ),
    "it takes requests, about addresses alone": (
        "es nimmt Anträge an, nur zu E-Mail-Adressen"
    ),
    "it takes requests, and sends codes": "es nimmt Anträge an und verschickt Codes",
    "set [mail] or [phone] in node.toml: without them persons can only write, and no "
    "match names the form": (
        "[mail] oder [phone] in node.toml setzen: sonst können Personen nur schreiben, "
        "und kein Treffer nennt das Formular"
    ),
    "the secret is too short": "das Geheimnis ist zu kurz",
    "put there what `openssl rand -hex 32` says, and give it to the hook": (
        "dorthin schreiben, was `openssl rand -hex 32` ausgibt, und es dem Hook geben"
    ),
    "look into the mail server's log: docs/reference/configuration.md": (
        "das Protokoll des Mailservers ansehen: docs/reference/configuration.md"
    ),
    "the mail server does not take user and password": (
        "der Mailserver nimmt Benutzer und Passwort nicht an"
    ),
    "put the right ones in mail.user and the file of mail.password_file": (
        "die richtigen in mail.user und die Datei von mail.password_file schreiben"
    ),
    "the mail server does not offer what mail.tls or mail.user ask for": (
        "der Mailserver bietet nicht an, was mail.tls oder mail.user verlangen"
    ),
    "set mail.tls and mail.port as the mail server wants them": (
        "mail.tls und mail.port so setzen, wie der Mailserver es will"
    ),
    "the mail server's certificate is not trusted, or it speaks no TLS": (
        "dem Zertifikat des Mailservers wird nicht vertraut, oder er spricht kein TLS"
    ),
    "set mail.tls and mail.port as it wants them, or renew its certificate": (
        "mail.tls und mail.port so setzen, wie er es will, oder sein Zertifikat "
        "erneuern"
    ),
    "the mail server refuses this node": "der Mailserver weist diesen Knoten ab",
    "the mail server does not answer, or not in time": (
        "der Mailserver antwortet nicht, oder nicht rechtzeitig"
    ),
    "start it, or name another mail.host and mail.port in node.toml": (
        "ihn starten oder in node.toml andere mail.host und mail.port nennen"
    ),
    "the mail server answers; no letter was sent": (
        "der Mailserver antwortet; es ging kein Brief hinaus"
    ),
    "the hook takes requests that nobody has signed": (
        "der Hook nimmt Anfragen an, die niemand signiert hat"
    ),
    "the hook answers, and checks signatures": (
        "der Hook antwortet und prüft Signaturen"
    ),
    "the hook answers nothing that its guide knows": (
        "der Hook antwortet nichts, was seine Anleitung kennt"
    ),
    "the hook does not answer, or not in time": (
        "der Hook antwortet nicht, oder nicht rechtzeitig"
    ),
    "start it, or name another phone.url in node.toml": (
        "ihn starten, oder in node.toml eine andere phone.url nennen"
    ),
    "the hook is busy, or fails": "der Hook ist ausgelastet oder scheitert",
    "look into its log, and ask again": "sein Protokoll ansehen und noch einmal fragen",
    "the hook's certificate is not trusted": (
        "dem Zertifikat des Hooks wird nicht vertraut"
    ),
    "name its authority as phone.ca, or renew the certificate": (
        "seine Stelle als phone.ca nennen, oder das Zertifikat erneuern"
    ),
    "the hook does not take this node's signature": (
        "der Hook nimmt die Signatur dieses Knotens nicht an"
    ),
    "give both the same secret, and look at both clocks": (
        "beiden dasselbe Geheimnis geben, und beide Uhren ansehen"
    ),
    "{count} entries add up": "{count} Einträge stimmen",
    "{count} rows add up": "{count} Zeilen stimmen",
    "copy the whole directory as evidence and mend nothing in it; restore a backup "
    "that is not older than guard/; tell your data protection officer: "
    "docs/howto/operate.md, when something does not verify": (
        "das ganze Verzeichnis als Beweis kopieren und nichts darin ausbessern; eine "
        "Sicherung einspielen, die nicht älter ist als guard/; die oder den "
        "Datenschutzbeauftragten unterrichten: docs/howto/operate.md, when something "
        "does not verify"
    ),
    "the node decides by what was approved; what node.toml names does not fit: {why}": (
        "der Knoten entscheidet nach dem, was freigegeben ist; was node.toml nennt, "
        "passt nicht: {why}"
    ),
    "the node decides by what was approved; node.toml has another {named}": (
        "der Knoten entscheidet nach dem, was freigegeben ist; anders in node.toml: "
        "{named}"
    ),
    "`fedsafe policy propose`, then another person approves (`fedsafe act approve`); "
    "or put the old text back": (
        "`fedsafe policy propose`, dann gibt eine andere Person frei (`fedsafe act "
        "approve`); oder den alten Text zurücklegen"
    ),
    "mend or put back the file, or name another one in node.toml": (
        "die Datei ausbessern oder zurücklegen, oder in node.toml eine andere nennen"
    ),
    # the running node
    "ok": "in Ordnung",
    "its gate is shut": "seine rechtliche Freigabe ist zu",
    "{node} {version}, policy {policy}": "{node} {version}, Richtlinie {policy}",
    "the 72 hours are over for {late} breaches": (
        "für {late} Datenpannen sind die 72 Stunden vorbei"
    ),
    "tell the authority, then `fedsafe breach notify`": (
        "die Behörde unterrichten, dann `fedsafe breach notify`"
    ),
    "{late} orders or letters of authorities are overdue": (
        "{late} Anordnungen oder Schreiben von Behörden sind überfällig"
    ),
    "`fedsafe order list` says which; the legal adviser answers them": (
        "`fedsafe order list` sagt, welche; die Rechtsberatung beantwortet sie"
    ),
    "{late} requests of persons are overdue": (
        "{late} Anträge von Personen sind überfällig"
    ),
    "`fedsafe rights list` says which; answer them: the law gives a month": (
        "`fedsafe rights list` sagt, welche; beantworten: Das Gesetz gibt einen Monat"
    ),
    "{waiting} requests of persons wait to be looked up, the oldest for {hours} h "
    "{minutes} min": (
        "zu {waiting} Anträgen von Personen ist noch nachzusehen, zum ältesten seit "
        "{hours} Std. {minutes} Min."
    ),
    "see at each peer whether it answers; for people whom you know open requests as "
    "an officer (`fedsafe rights open`), which come first: docs/howto/operate.md, the "
    "form for persons": (
        "bei jedem Mitglied sehen, ob es antwortet; für Personen, die Sie kennen, als "
        "befugte Person Anträge eintragen (`fedsafe rights open`), die zuerst kommen: "
        "docs/howto/operate.md, the form for persons"
    ),
    "{late} identity checks that no second officer can decide on any more": (
        "{late} Identitätsfeststellungen, über die niemand mehr entscheiden kann"
    ),
    "whoever made the check asks again: `fedsafe rights list` says which, then "
    "`fedsafe rights check REQUEST`": (
        "wer die Identität festgestellt hat, fragt noch einmal: `fedsafe rights list` "
        "sagt, welche, dann `fedsafe rights check ANTRAG`"
    ),
    "no case package leaves": "kein Fallpaket verlässt den Knoten",
    "`fedsafe case sending on` lets it go on": (
        "`fedsafe case sending on` lässt den Versand wieder zu"
    ),
    "case packages that wait for a person: {waiting}": (
        "Fallpakete, die auf eine Person warten: {waiting}"
    ),
    "`fedsafe case dispatches CASE` names the ways that are left": (
        "`fedsafe case dispatches FALL` nennt die Wege, die bleiben"
    ),
    "case packages that somebody took out, with no word since: {taken}": (
        "Fallpakete, die jemand entnommen hat, ohne dass man seither weiß, was daraus "
        "wurde: {taken}"
    ),
    "`fedsafe case dispatches CASE` says who has them; they note what came of it, also "
    "that it was kept back: `fedsafe case handed`": (
        "`fedsafe case dispatches FALL` sagt, wer sie hat; diese Person trägt ein, was "
        "daraus wurde, auch dass es zurückgehalten wurde: `fedsafe case handed`"
    ),
    "{late} cases are overdue": "{late} Fälle sind überfällig",
    "`fedsafe case list` says which, and what they owe": (
        "`fedsafe case list` sagt, welche, und was sie schulden"
    ),
    "{urgent} about life or safety are overdue": (
        "{urgent} über Leben oder Sicherheit sind überfällig"
    ),
    "{broken} ways of asking or publishing are shut by a pattern": (
        "{broken} Wege zu fragen oder zu melden sind wegen eines Musters gesperrt"
    ),
    "`fedsafe budget show` says whose, and until when": (
        "`fedsafe budget show` sagt, wessen und bis wann"
    ),
    "no node starts with such a charter: found anew with three share holders or more, "
    "a threshold from 2 to one less, and an epoch of 366 days at most": (
        "mit dieser Charta startet kein Knoten: neu gründen, mit mindestens drei "
        "Anteilen, einer Schwelle von 2 bis eins weniger und einer Epoche von "
        "höchstens 366 Tagen"
    ),
    "fewer than three members hold shares: nothing about persons goes out": (
        "weniger als drei Mitglieder halten Anteile: nichts über Personen geht hinaus"
    ),
    "invite another member: `fedsafe federation invite`": (
        "ein weiteres Mitglied einladen: `fedsafe federation invite`"
    ),
    "this node holds no share of the key; the others answer for it": (
        "dieser Knoten hat keinen Schlüsselanteil; die anderen antworten für ihn"
    ),
    "it gets one when the members next deal shares anew": (
        "er bekommt einen, sobald die Mitglieder die Anteile neu verteilen"
    ),
    "all {holders} members that hold a share are needed (t = n)": (
        "alle {holders} Mitglieder mit einem Anteil werden gebraucht (t = n)"
    ),
    "one lost share ends all lookups: keep the keys backed up apart, and let more "
    "members join": (
        "ein verlorener Anteil beendet alle Abfragen: die Schlüssel getrennt sichern, "
        "und weitere Mitglieder aufnehmen"
    ),
    "{count} evaluations of a week that only one of both has counted": (
        "{count} Auswertungen einer Woche, die nur eine Seite gezählt hat"
    ),
    "compare `evaluation.compared` in both audit logs: whose key asks?": (
        "`evaluation.compared` in beiden Protokollen vergleichen: wessen Schlüssel "
        "fragt?"
    ),
    "its log contradicts itself: see `fedsafe evidence list`": (
        "sein Protokoll widerspricht sich: siehe `fedsafe evidence list`"
    ),
    "suspended": "ausgesetzt",
    "last seen {when}": "zuletzt gesehen: {when}",
    "{why}, last seen {when}": "{why}, zuletzt gesehen: {when}",
    "seen {when}": "gesehen: {when}",
    "is its node running? ask it": "läuft sein Knoten? dort nachfragen",
    "it exchanges no signals about persons now; ask it until when": (
        "es tauscht jetzt keine Signale über Personen aus; dort fragen, bis wann"
    ),
    "{waiting} notices to persons wait for the sign-off of a text": (
        "{waiting} Mitteilungen an Personen warten auf die Freigabe eines Textes"
    ),
    "see `fedsafe notice list`, then `fedsafe notice texts`: sign off what is no "
    "longer, with `fedsafe notice sign-off TEXT --until DAY`": (
        "siehe `fedsafe notice list`, dann `fedsafe notice texts`: freigeben, was es "
        "nicht mehr ist, mit `fedsafe notice sign-off TEXT --until TAG`"
    ),
    "print and read them (`fedsafe notice print`), then `fedsafe notice sign-off "
    "--all --until DAY --digest HEX`: HEX is the last line printed": (
        "ausgeben und lesen (`fedsafe notice print`), dann `fedsafe notice sign-off "
        "--all --until TAG --digest HEX`: HEX ist die letzte Zeile der Ausgabe"
    ),
    # which networks it may meet members and partners in
    "{named} opens all of this house to whoever names an address": (
        "{named} öffnet das ganze Haus für jeden, der eine Adresse nennt"
    ),
    "name only the networks that they lie in, such as 10.1.2.0/24, and start the node "
    "again": (
        "nur die Netze nennen, in denen sie liegen, etwa 10.1.2.0/24, und den Knoten "
        "neu starten"
    ),
    # whose shares are overdue
    "have these nodes started; the next attempt begins by itself within a day, see "
    "`fedsafe federation status`. For who stays away: `fedsafe federation suspend`": (
        "diese Knoten starten lassen; der nächste Versuch beginnt binnen eines Tages "
        "von selbst, siehe `fedsafe federation status`. Für wen wegbleibt: `fedsafe "
        "federation suspend`"
    ),
    "nobody has signed off {texts}": "niemand hat freigegeben: {texts}",
    "{overdue} events for the provider lack their receipt": (
        "für {overdue} Ereignisse des Anbieters fehlt die Quittung"
    ),
    "deliver what `fedsafe events list` shows, then `events receipt`": (
        "zustellen, was `fedsafe events list` zeigt, dann `events receipt`"
    ),
    # how case packages leave
    "put the file there, or name another one in node.toml": (
        "die Datei dorthin legen oder in node.toml eine andere nennen"
    ),
    "let the node's user read it, and run as that user": (
        "dem Benutzer des Knotens das Lesen erlauben und als dieser aufrufen"
    ),
    "get a new certificate, and put it in its place": (
        "ein neues Zertifikat besorgen und an seine Stelle legen"
    ),
    "its library is missing": "seine Bibliothek fehlt",
    "there is no file {file}": "es gibt keine Datei {file}",
    "{file} is no file": "{file} ist keine Datei",
    "{file} cannot be read: {why}": "{file} ist nicht lesbar: {why}",
    "{file} is open to others": "{file} steht anderen offen",
    "{file} holds no password": "in {file} steht kein Passwort",
    "{file} holds no private key without a password": (
        "in {file} steht kein privater Schlüssel ohne Passwort"
    ),
    "{file} is in the form of OpenSSH, which a webhook cannot use": (
        "{file} hat die Form von OpenSSH, mit der ein Webhook nichts anfangen kann"
    ),
    "put it there in PEM form (PKCS #8), as `openssl genpkey` writes one": (
        "in der Form PEM (PKCS #8) hinlegen, wie `openssl genpkey` sie schreibt"
    ),
    "{file} holds a key that cannot sign": (
        "in {file} steht ein Schlüssel, der nicht unterschreiben kann"
    ),
    "{file} holds no certificate": "in {file} steht kein Zertifikat",
    "{file} holds a certificate of a version that does not exist": (
        "in {file} steht ein Zertifikat einer Version, die es nicht gibt"
    ),
    "{file} has expired on {day}": "{file} ist am {day} abgelaufen",
    "{file} counts from {day} only": "{file} gilt erst ab {day}",
    "{file} expires on {day}": "{file} läuft am {day} ab",
    "counts until {day}": "gilt bis {day}",
    "can be used": "brauchbar",
    "certificate and key do not belong together": (
        "Zertifikat und Schlüssel gehören nicht zusammen"
    ),
    # where the store went on
    "this store has moved: it goes on at {where}": (
        "dieser Speicher ist umgezogen: es geht weiter unter {where}"
    ),
    "take [store] out of node.toml, or run the same `fedsafe store migrate` once more "
    "with --switch": (
        "[store] aus node.toml nehmen oder dasselbe `fedsafe store migrate` noch "
        "einmal mit --switch aufrufen"
    ),
    "name that in [store] of node.toml, or bring it back with `fedsafe store "
    "migrate`": (
        "das in [store] von node.toml nennen oder ihn mit `fedsafe store migrate` "
        "zurückholen"
    ),
    # what holds the store
    "SQLite leaves sealed copies of erased rows until a month's key ends": (
        "SQLite lässt versiegelte Kopien gelöschter Zeilen stehen, bis der Schlüssel "
        "ihres Monats vernichtet ist"
    ),
    "run the node where SQLite was built with ENABLE_DBPAGE_VTAB, as on Debian 13": (
        "den Knoten dort betreiben, wo SQLite mit ENABLE_DBPAGE_VTAB gebaut ist, wie "
        "auf Debian 13"
    ),
    "older than {oldest}": "älter als {oldest}",
    "a standby, which takes no writes": "eine Kopie (standby), die nichts schreibt",
    "fsync or full_page_writes is off": "fsync oder full_page_writes ist aus",
    "no data checksums: rot goes unseen": (
        "keine Prüfsummen (data checksums): Verfall bleibt unbemerkt"
    ),
    "its log may show values of rows: set {loose}": (
        "sein Protokoll kann Werte aus Zeilen zeigen: setze {loose}"
    ),
    "max_connections is too low for a worker": (
        "max_connections ist zu klein für einen Prozess"
    ),
    "PostgreSQL {version}, {ms} ms, connections for {workers} workers": (
        "PostgreSQL {version}, {ms} ms, Verbindungen für {workers} Prozesse"
    ),
    "PostgreSQL {version}, {ms} ms, connections for {workers} workers, commits wait "
    "for a standby": (
        "PostgreSQL {version}, {ms} ms, Verbindungen für {workers} Prozesse, Commits "
        "warten auf eine Kopie (standby)"
    ),
    "its tables are at schema {there}, this program wants {wanted}": (
        "seine Tabellen haben Schema {there}, dieses Programm will {wanted}"
    ),
    "as its owner: GRANT TEMPORARY ON DATABASE … TO the node's role": (
        "als ihr Eigentümer: GRANT TEMPORARY ON DATABASE … TO Rolle des Knotens"
    ),
    "take these rights from the node's role, or name another one: {where}": (
        "der Rolle des Knotens diese Rechte nehmen oder eine andere nennen: {where}"
    ),
    "stop the node, then `fedsafe store prepare --owner-file FILE`": (
        "den Knoten anhalten, dann `fedsafe store prepare --owner-file FILE`"
    ),
    "the node's role has no TEMPORARY right": (
        "die Rolle des Knotens hat kein Recht TEMPORARY"
    ),
    "the node's role may change rows of the logs": (
        "die Rolle des Knotens darf Zeilen der Protokolle ändern"
    ),
    "the database has no tables of a node": (
        "die Datenbank hat keine Tabellen eines Knotens"
    ),
    "run the newer FedSafe that wrote them": (
        "das neuere FedSafe nehmen, das sie geschrieben hat"
    ),
}
_ALL: Final = {**SAID, **NODE_SAID}
_INNER: Final = frozenset({"why", "when"})
_TEXTS: Final = "texts"
_PATTERNS: Final = patterns(_ALL)
_ENGLISH: Final = patterns({each: each for each in _ALL if f"{{{_TEXTS}}}" in each})
"""What has codes in it, which are words in English too."""
_CHECKED: Final = patterns(CHECKS)


def said(text: str, *, german: bool) -> str:
    """Say what a check found, or the way out, in German if it is known here."""
    text = in_moments(text)
    damaged = finding(text, german=german)
    if damaged != text:
        return damaged
    return matched(text, _PATTERNS, _inner) if german else _in_english(text)


def checked(name: str, *, german: bool) -> str:
    """Name what was checked, in German if that is known here."""
    return matched(name, _CHECKED, _inner) if german else name


def _in_english(text: str) -> str:
    return matched(text, _ENGLISH, lambda _, codes: _coded(codes, 1))


def _coded(codes: str, language: int) -> str:
    each = codes.split(", ")
    return ", ".join(CODES[code][language] if code in CODES else code for code in each)


def _inner(name: str, text: str) -> str:
    """Say what stands in a text and is one itself."""
    if name == _TEXTS:
        return _coded(text, 0)
    if name in _INNER:
        return "nie" if text == "never" else _ALL.get(text, text)
    return text
