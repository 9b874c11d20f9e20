# SPDX-License-Identifier: Apache-2.0
"""What the template of a case says beside its fields, in German and in English."""

from typing import Final

Words = tuple[str, str]
HEAD: Final[Words] = (
    (
        "Was ein Fall für diese Stelle enthält: {name} ({partner}), nach {matrix}.\n"
        "Leeres ausfüllen: Solange etwas leer ist, wird die Datei abgelehnt. Was "
        "fehlt, vom Namen bis zum Komma herausnehmen. Was nur manchmal "
        "gebraucht wird, steht hinter //: dort die Zeichen wegnehmen.\n"
        "Zeilen, die mit // beginnen, werden nicht gelesen. Zeitpunkte in UTC: "
        "2026-11-24T09:30:00Z. Eintragen: fedsafe case assess FALL --elements DATEI"
    ),
    (
        "What a case holds for this partner: {name} ({partner}), by {matrix}.\n"
        "Fill in what is empty: the file is refused while something is. Take out what "
        "you lack, from its name to the comma. What is needed only sometimes stands "
        "behind //: take those signs away.\n"
        "Lines that begin with // are not read. Moments are in UTC: "
        "2026-11-24T09:30:00Z. Enter it: fedsafe case assess CASE --elements FILE"
    ),
)
NEEDS: Final[Words] = (
    "Zuerst festhalten: {what} (--condition {condition}).",
    "Record first: {what} (--condition {condition}).",
)
ATTACHED: Final[Words] = (
    (
        "Beweismittel nennt fedsafe case attach FALL DATEI …, jedes für sich; gibt es "
        "keine: --unavailable attachments=does_not_apply"
    ),
    (
        "Evidence is named by fedsafe case attach CASE FILE …, each by itself; if "
        "there is none: --unavailable attachments=does_not_apply"
    ),
)
REQUIRED: Final[Words] = ("Erforderlich.", "Required.")
DIGESTS: Final[Words] = (
    "Erforderlich; weitergegeben werden nur Prüfsummen, nie Dateien.",
    "Required; digests are given alone, never files.",
)
PREFILLED: Final[Words] = ("Steht in node.toml; prüfen.", "From node.toml; check it.")
LACKING: Final[Words] = (
    "Fehlt es: herausnehmen und --unavailable {element}=GRUND angeben ({why}).",
    "If you lack it: take it out, and say --unavailable {element}=WHY ({why}).",
)
OPENED: Final[Words] = (
    (
        "Erforderlich; fedsafe case open hat es eingetragen, wenn es dort genannt war. "
        "Sonst, oder um es zu ändern, hier:"
    ),
    (
        "Required; fedsafe case open has entered it if it was given there. Else, or to "
        "change it, here:"
    ),
)
ONLY_IF: Final[Words] = (
    "Nur wenn: {what}.",
    "Only if: {what}.",
)
OR: Final[Words] = (", oder: ", ", or: ")
CONSENTED: Final[Words] = (
    "Nur mit Einwilligung (consent) der betroffenen Person, die es umfasst.",
    "Only with the affected person's consent that covers it.",
)
ONE_OF: Final[Words] = ("Eines von: {words}.", "One of: {words}.")
HINTS: Final[dict[str, Words]] = {
    "provider": ("Ihr Name, wie ihn die Stelle kennt.", "Your name, as they know it."),
    "node": ("Der Name des Knotens.", "The node's name."),
    "country": ("Staat, zwei Buchstaben: DE.", "Country, two letters: DE."),
    "land": ("Land, wie DE-BE.", "Land, such as DE-BE."),
    "function": (
        "Wer jederzeit erreichbar ist: eine Funktion, kein Name.",
        "Who answers at any hour: a function, not a name.",
    ),
    "phone": ("Wie +49 30 0000001.", "Such as +49 30 0000001."),
    "address": (
        "E-Mail-Adresse für Rückfragen.",
        "Mail address for questions.",
    ),
    "languages": ("Sprachen für Rückfragen: de, en.", "Languages: de, en."),
    "danger": (
        "Sind Leben oder Sicherheit in Gefahr (Art. 18 DSA)?",
        "Is life or safety under threat (Art. 18 DSA)?",
    ),
    "reason": ("Warum, oder warum nicht.", "Why, or why not."),
    "account_id": (
        "Wie Ihr Dienst das Konto nennt.",
        "What your service calls the account.",
    ),
    "name": ("Wenn bekannt: der Name.", "If known: the name."),
    "email": ("Wenn bekannt: die E-Mail-Adresse.", "If known: the mail address."),
    "contact": (
        "Wenn bekannt: wie die Person zu erreichen ist.",
        "If known: how the person is reached.",
    ),
    "ip": ("Adresse, IPv4 oder IPv6.", "Address, IPv4 or IPv6."),
    "source_port": (
        'Eine Zahl, oder "not_available".',
        'A number, or "not_available".',
    ),
    "at": ("Wann, in UTC.", "When, in UTC."),
    "event": ("Was dort geschah.", "What happened there."),
    "possible_proxy": (
        "Vielleicht ein VPN oder Proxy? true oder false.",
        "Maybe a VPN or proxy? true or false.",
    ),
    "text": ("Der Text selbst, nie Dateien.", "The text itself, never files."),
    "url": ("Adresse des Inhalts.", "The content's address."),
    "content_id": (
        "Wie Ihr Dienst den Inhalt nennt.",
        "What your service calls the content.",
    ),
    "sha256": (
        "64 Zeichen, von fedsafe hash DATEI.",
        "64 signs, of fedsafe hash FILE.",
    ),
    "blake3": (
        "64 Zeichen, von fedsafe hash DATEI.",
        "64 signs, of fedsafe hash FILE.",
    ),
    "pdq": ("64 Zeichen, von fedsafe hash DATEI.", "64 signs, of fedsafe hash FILE."),
    "object_id": (
        "Wie der Gegenstand in Ihrem Archiv heißt.",
        "What the object is called in your vault.",
    ),
    "media_type": ("Wie image/png.", "Such as image/png."),
    "is_affected": (
        "Selbst betroffen? true oder false.",
        "Affected themselves? true or false.",
    ),
    "place": ("Wo jemand vermutlich ist.", "Where somebody probably is."),
    "because": ("Worauf das beruht.", "What that rests on."),
    "sections": (
        "Möglicherweise berührte Vorschriften, wie § 176b StGB.",
        "Sections that may be touched, such as § 176b StGB.",
    ),
    "opinion": (
        "Aktenzeichen der rechtlichen Einschätzung.",
        "Reference of the legal opinion.",
    ),
    "step": ("Was Sie getan haben.", "What you did."),
    "taken_at": ("Wann, in UTC.", "When, in UTC."),
    "feature": (
        "Missbrauchte Funktion in kleinen Buchstaben: direct_messages.",
        "The misused feature in small letters: direct_messages.",
    ),
    "basis": (
        "Worauf die Weitergabe beruht, wie Art. 18 DSA.",
        "On what the hand-over rests, such as Art. 18 DSA.",
    ),
    "until": ("Ein Tag, wie 2027-02-28.", "A day, such as 2027-02-28."),
    "hold_id": (
        "Die Nummer der Aufbewahrung, wie hold-8.",
        "The number of the hold, such as hold-8.",
    ),
    "giver": ("Wer eingewilligt hat.", "Who consented."),
    "given_at": ("Wann, in UTC.", "When, in UTC."),
    "covers": ("Was die Einwilligung umfasst.", "What the consent covers."),
    "record": (
        "Aktenzeichen der Einwilligung, wie consent-5.",
        "The consent's reference, such as consent-5.",
    ),
    "summary": (
        "Die Gefährdung in wenigen Sätzen, ohne Namen.",
        "The endangerment in a few sentences, without names.",
    ),
    "question": ("Eine Frage an den Arbeitskreis.", "A question to the group."),
    "steps": ("Was Sie getan haben.", "What you did."),
    "phenomenon": ("Was geschah.", "What happened."),
    "victim_ages": ("Wie alt die Person ist.", "How old the person is."),
}
"""What belongs into a field, by its name."""
