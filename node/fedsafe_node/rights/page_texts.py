# SPDX-License-Identifier: Apache-2.0
"""The texts of the public form, in German and English."""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.rights.request_messages import Language, RequestKind

KINDS: Final[Mapping[Language, Mapping[RequestKind, str]]] = {
    Language.DE: {
        RequestKind.ACCESS: "Auskunft: Was ist über mich gespeichert?",
        RequestKind.RECTIFICATION: "Berichtigung: Etwas ist falsch.",
        RequestKind.ERASURE: "Löschung",
        RequestKind.OBJECTION: "Widerspruch",
        RequestKind.DISPUTE: "Einwand: Das Signal ist zu Unrecht da.",
    },
    Language.EN: {
        RequestKind.ACCESS: "Access: what is kept about me?",
        RequestKind.RECTIFICATION: "Rectification: something is wrong.",
        RequestKind.ERASURE: "Erasure",
        RequestKind.OBJECTION: "Objection",
        RequestKind.DISPUTE: "Dispute: the signal is unjustified.",
    },
}
TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.DE: {
        "name": "Deutsch",
        "title": "Ihre Rechte bei {node}",
        "code_title": "Code eingeben",
        "opened_title": "Ihr Antrag ist gestellt",
        "collect_title": "Antwort abholen",
        "intro": (
            "Hier stellen Sie einen Antrag zu einer E-Mail-Adresse, die Ihnen gehört. "
            "Wir schicken einen Code dorthin. Die Adresse wird geprüft und nicht "
            "gespeichert."
        ),
        "kind": "Was möchten Sie?",
        "email": "E-Mail-Adresse",
        "email_hint": "Um die es geht, zum Beispiel name@beispiel.de",
        "send": "Code schicken",
        "sent": (
            "Wenn es die Adresse gibt, ist ein Code unterwegs. Er gilt eine "
            "Viertelstunde. Wir haben die Adresse nicht gespeichert; geben Sie sie "
            "bitte noch einmal ein."
        ),
        "code": "Code",
        "code_hint": "Zehn Ziffern aus der E-Mail",
        "prove": "Antrag stellen",
        "until": "Sie bekommen die Antwort bis spätestens {day}.",
        "request": "Nummer des Antrags",
        "request_hint": "32 Zeichen",
        "collect": "Abholcode",
        "collect_hint": "22 Zeichen",
        "keep": (
            "Schreiben Sie beides auf: Damit holen Sie die Antwort ab, und nur damit."
        ),
        "to_answer": "Antwort abholen",
        "collect_intro": "Mit Nummer und Abholcode bekommen Sie die Antwort, einmal.",
        "fetch": "Abholen",
        "once": "Speichern Sie die Antwort: Sie wird nur dieses Mal gezeigt.",
        "waits": "Die Antwort ist noch nicht da. Sie kommt bis spätestens {day}.",
        "collected": "Diese Antwort ist schon abgeholt worden.",
        "wrong": "Das hat nicht geklappt",
        "bad_email": "Das ist keine E-Mail-Adresse.",
        "bad_code": "Der Code ist nicht richtig oder nicht mehr gültig.",
        "used": "Mit diesem Code ist schon ein Antrag gestellt worden.",
        "too_many": "Das waren zu viele Versuche. Bitte warten Sie einige Minuten.",
        "not_now": "Im Augenblick geht das nicht. Bitte später noch einmal.",
        "bad_collect": "Zu Nummer und Code gibt es keine Antwort.",
        "bad_form": "Das Formular war nicht vollständig.",
        "bad_request": (
            "Die Anfrage Ihres Programms war nicht lesbar. An Ihren Angaben liegt es "
            "nicht. Bitte öffnen Sie die Seite noch einmal."
        ),
        "no_mail": (
            "Einen Antrag können Sie hier nicht stellen: Dieser Anbieter verschickt "
            "keine Codes, mit denen Sie zeigen könnten, dass eine Adresse Ihnen gehört."
        ),
        "no_mail_instead": (
            "Schreiben Sie an {contact}: was Sie möchten, und um welches Konto es "
            "geht. Schicken Sie keine Kopie eines Ausweises; man sagt Ihnen, was nötig "
            "ist. Sie bekommen die Antwort innerhalb eines Monats."
        ),
    },
    Language.EN: {
        "name": "English",
        "title": "Your rights at {node}",
        "code_title": "Enter the code",
        "opened_title": "Your request is made",
        "collect_title": "Collect an answer",
        "intro": (
            "Here you make a request about an e-mail address that is yours. We send a "
            "code there. The address is checked and not kept."
        ),
        "kind": "What do you want?",
        "email": "E-mail address",
        "email_hint": "The one it is about, such as name@example.org",
        "send": "Send the code",
        "sent": (
            "If the address exists, a code is on its way. It is good for a quarter of "
            "an hour. We have not kept the address; please enter it once more."
        ),
        "code": "Code",
        "code_hint": "Ten digits from the e-mail",
        "prove": "Make the request",
        "until": "You will have the answer by {day}.",
        "request": "Number of the request",
        "request_hint": "32 characters",
        "collect": "Collect code",
        "collect_hint": "22 characters",
        "keep": "Write both down: with them you collect the answer, and only so.",
        "to_answer": "Collect an answer",
        "collect_intro": "With number and code you get the answer, once.",
        "fetch": "Collect",
        "once": "Save the answer: it is shown this once.",
        "waits": "The answer is not there yet. It will be by {day}.",
        "collected": "This answer has been collected already.",
        "wrong": "That did not work",
        "bad_email": "This is no e-mail address.",
        "bad_code": "The code is not the one, or no longer good.",
        "used": "A request was made with this code already.",
        "too_many": "These were too many tries. Please wait for some minutes.",
        "not_now": "This is not possible at the moment. Please try again later.",
        "bad_collect": "There is no answer for this number and code.",
        "bad_form": "The form was not complete.",
        "bad_request": (
            "The request of your program could not be read. It is not about what you "
            "entered. Please open the page once more."
        ),
        "no_mail": (
            "You cannot make a request here: this provider sends no codes with which "
            "you could show that an address is yours."
        ),
        "no_mail_instead": (
            "Write to {contact}: what you want, and which account it is about. Do not "
            "send a copy of an identity card; you are told what is needed. You will "
            "have the answer within a month."
        ),
    },
}
