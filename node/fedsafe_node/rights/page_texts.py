# SPDX-License-Identifier: Apache-2.0
"""The texts of the public form, in German and English."""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.acts.requests import Language, RequestKind

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
KINDS_PLAIN: Final[Mapping[Language, Mapping[RequestKind, str]]] = {
    Language.DE: {
        RequestKind.ACCESS: "Was wisst ihr über mich?",
        RequestKind.RECTIFICATION: "Etwas ist falsch.",
        RequestKind.ERASURE: "Löscht, was ihr über mich habt.",
        RequestKind.OBJECTION: "Ich will das nicht.",
        RequestKind.DISPUTE: "Ihr meint den Falschen.",
    },
    Language.EN: {
        RequestKind.ACCESS: "What do you know about me?",
        RequestKind.RECTIFICATION: "Something is wrong.",
        RequestKind.ERASURE: "Erase what you have about me.",
        RequestKind.OBJECTION: "I do not want that.",
        RequestKind.DISPUTE: "You mean somebody else.",
    },
}
PLAIN: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.DE: {
        "title": "Deine Rechte bei {node}",
        "opened_title": "Wir haben deine Bitte bekommen",
        "intro_email": (
            "Hier kannst du uns etwas fragen oder um etwas bitten. Es geht um eine "
            "E-Mail-Adresse, die dir gehört. Wir schicken dir einen Code. Die Adresse "
            "speichern wir nicht. Wenn dir das zu schwer ist, lass dir helfen."
        ),
        "intro_phone": (
            "Hier kannst du uns etwas fragen oder um etwas bitten. Es geht um eine "
            "Telefonnummer, die dir gehört. Wir schicken dir einen Code. Das kostet "
            "dich nichts. Die Nummer speichern wir nicht. Wenn dir das zu schwer ist, "
            "lass dir helfen."
        ),
        "by_phone": "Ich habe nur ein Handy, keine E-Mail-Adresse",
        "by_email": "Lieber mit meiner E-Mail-Adresse",
        "others_email": (
            "Geht es um deine Telefonnummer, deinen Benutzernamen oder dein Gerät? Das "
            "geht hier nicht. Schreib dann an {contact}."
        ),
        "others_phone": (
            "Geht es um deine E-Mail-Adresse, deinen Benutzernamen oder dein Gerät? "
            "Das geht hier nicht. Schreib dann an {contact}."
        ),
        "others_both": (
            "Geht es um deinen Benutzernamen oder dein Gerät? Das geht hier nicht. "
            "Schreib dann an {contact}."
        ),
        "way_post": "Mit der Post: {to}.",
        "way_dpo": "Für Fragen zum Datenschutz: {to}.",
        "elsewhere_email": (
            "Geht es um eine E-Mail-Adresse von dir? Dann kannst du auch bei einem "
            "anderen Anbieter fragen:"
        ),
        "elsewhere_phone": (
            "Geht es um deine Telefonnummer? Dann kannst du auch bei einem anderen "
            "Anbieter fragen:"
        ),
        "elsewhere_limits": (
            "Er findet, was auch mit ihm geteilt ist. Haben nur wir dich gesperrt? "
            "Dann schreib uns."
        ),
        "kind": "Was möchtest du?",
        "email": "Deine E-Mail-Adresse",
        "email_hint": "Zum Beispiel name@beispiel.de",
        "phone": "Deine Telefonnummer",
        "phone_hint": "Zum Beispiel +49 1512 3456789",
        "sent_phone": (
            "Wenn es die Nummer gibt, bekommst du eine Nachricht mit einem Code. Gib "
            "die Nummer und den Code hier ein. Du hast eine Viertelstunde Zeit."
        ),
        "sent_email": (
            "Wenn es die Adresse gibt, bekommst du eine E-Mail mit einem Code. Gib die "
            "Adresse und den Code hier ein. Du hast eine Viertelstunde Zeit."
        ),
        "prove": "Abschicken",
        "help": "Wenn du mit jemandem reden möchtest:",
        "until": "Du bekommst die Antwort bis {day}.",
        "request": "Deine Nummer",
        "not_looked": (
            "Gerade fragen zu viele, oder andere antworten nicht. Wir haben noch "
            "nicht überall nachgesehen und tun das ab {again}, der Reihe nach. Deine "
            "Adresse oder Nummer liegt so lange verschlüsselt bei uns. Schau mit "
            "Nummer und Abholcode hier nach, wie es steht."
        ),
        "contests": (
            "Finden wir etwas über dich, schaut ein Mensch neu hin. Das dauert meist "
            "{days} Arbeitstage. Bis dahin gilt es in der Regel nicht. Wir können dir "
            "nicht schreiben. Schau mit Nummer und Abholcode hier nach, so oft du "
            "willst."
        ),
        "keep": (
            "Schreib beides auf. Du brauchst es für die Antwort. Zeig es nur Menschen, "
            "denen du vertraust. Ist es weg? Dann frag einfach noch einmal."
        ),
        "anew": "Nummer, Code oder Antwort verloren? Frag hier noch einmal.",
        "bad_collect": (
            "Zu Nummer und Code gibt es keine Antwort. Schau nach, ob du dich "
            "vertippt hast. Sonst frag noch einmal."
        ),
        "collect_intro": (
            "Gib deine Nummer und deinen Abholcode ein. Die Antwort siehst du einmal. "
            "Wie es steht, siehst du immer."
        ),
        "once": "Speichere die Antwort. Du siehst sie nur jetzt.",
        "waits": "Die Antwort ist noch nicht da. Sie kommt bis {day}.",
        "not_now": "Das geht gerade nicht. Versuch es später noch einmal.",
        "too_many": "Das waren zu viele Versuche. Warte ein paar Minuten.",
        "no_mail": "Hier kannst du gerade nichts abschicken.",
        "no_mail_instead": (
            "Schreib an {contact}: was du möchtest, um welches Konto es geht, und dass "
            "du unter 18 bist. Schick keinen Ausweis. Du bekommst in einem Monat eine "
            "Antwort."
        ),
    },
    Language.EN: {
        "title": "Your rights at {node}",
        "opened_title": "We have what you asked for",
        "intro_email": (
            "Here you can ask us something, or ask us to do something. It is about an "
            "e-mail address of yours. We send you a code. We do not keep the address. "
            "If this is too hard, let somebody help you."
        ),
        "intro_phone": (
            "Here you can ask us something, or ask us to do something. It is about a "
            "phone number of yours. We send you a code. It costs you nothing. We do "
            "not keep the number. If this is too hard, let somebody help you."
        ),
        "by_phone": "I have only a phone, and no e-mail address",
        "by_email": "Use my e-mail address instead",
        "others_email": (
            "Is it about your phone number, your user name or your device? That does "
            "not work here. Then write to {contact}."
        ),
        "others_phone": (
            "Is it about your e-mail address, your user name or your device? That does "
            "not work here. Then write to {contact}."
        ),
        "others_both": (
            "Is it about your user name or your device? That does not work here. Then "
            "write to {contact}."
        ),
        "way_post": "By post: {to}.",
        "way_dpo": "For questions on data protection: {to}.",
        "elsewhere_email": (
            "Is it about an e-mail address of yours? Then you can also ask another "
            "provider:"
        ),
        "elsewhere_phone": (
            "Is it about your phone number? Then you can also ask another provider:"
        ),
        "elsewhere_limits": (
            "It finds what is shared with it too. Is it only we who have banned you? "
            "Then write to us."
        ),
        "kind": "What would you like?",
        "email": "Your e-mail address",
        "email_hint": "Such as name@example.org",
        "phone": "Your phone number",
        "phone_hint": "Such as +49 1512 3456789",
        "sent_phone": (
            "If the number exists, you get a message with a code. Enter the number and "
            "the code here. You have a quarter of an hour."
        ),
        "sent_email": (
            "If the address exists, you get an e-mail with a code. Enter the address "
            "and the code here. You have a quarter of an hour."
        ),
        "prove": "Send",
        "help": "If you would like to talk to somebody:",
        "until": "You will have the answer by {day}.",
        "request": "Your number",
        "not_looked": (
            "Too many ask right now, or others do not answer. We have not looked "
            "everywhere yet and do so from {again} on, in turn. Until then we keep "
            "your address or number encrypted. Look here with number and collect code "
            "how it stands."
        ),
        "contests": (
            "If we find something about you, a person looks again. That mostly takes "
            "{days} working days. Until then it does not count, as a rule. We cannot "
            "write to you. Look here with number and collect code as often as you like."
        ),
        "keep": (
            "Write both down. You need them for the answer. Show them only to people "
            "whom you trust. Are they gone? Then just ask again."
        ),
        "anew": "Number, code or answer lost? Ask again here.",
        "bad_collect": (
            "There is no answer for this number and code. Look whether you have "
            "mistyped. Else ask again."
        ),
        "collect_intro": (
            "Enter your number and your collect code. You see the answer once. How it "
            "stands you see each time."
        ),
        "once": "Save the answer. You see it only now.",
        "waits": "The answer is not there yet. It comes by {day}.",
        "not_now": "This does not work right now. Try again later.",
        "too_many": "These were too many tries. Wait for a few minutes.",
        "no_mail": "You cannot send anything here right now.",
        "no_mail_instead": (
            "Write to {contact}: what you would like, which account it is about, and "
            "that you are under 18. Send no identity card. You get an answer within a "
            "month."
        ),
    },
}
"""What children and young people read in the place of the texts of the same name."""
TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.DE: {
        "name": "Deutsch",
        "under_18": "Bist du unter 18? Hier in einfachen Worten.",
        "over_17": "Für Erwachsene",
        "title": "Ihre Rechte bei {node}",
        "code_title": "Code eingeben",
        "opened_title": "Ihr Antrag ist gestellt",
        "collect_title": "Antwort abholen",
        "intro_email": (
            "Hier stellen Sie einen Antrag zu einer E-Mail-Adresse, die Ihnen gehört. "
            "Wir schicken einen Code dorthin. Die Adresse wird geprüft und nicht "
            "gespeichert."
        ),
        "intro_phone": (
            "Hier stellen Sie einen Antrag zu einer Telefonnummer, die Ihnen gehört. "
            "Wir schicken einen Code dorthin; das kostet Sie nichts. Die Nummer wird "
            "geprüft und nicht gespeichert. Eine E-Mail-Adresse brauchen Sie nicht."
        ),
        "by_phone": "Es geht um eine Telefonnummer",
        "by_email": "Es geht um eine E-Mail-Adresse",
        "others_email": (
            "Für eine Telefonnummer, ein Konto oder ein Gerät geht das hier nicht. "
            "Schreiben Sie dazu an {contact}; man sagt Ihnen, was nötig ist."
        ),
        "others_phone": (
            "Für eine E-Mail-Adresse, ein Konto oder ein Gerät geht das hier nicht. "
            "Schreiben Sie dazu an {contact}; man sagt Ihnen, was nötig ist."
        ),
        "others_both": (
            "Für ein Konto oder ein Gerät geht das hier nicht. Schreiben Sie dazu an "
            "{contact}; man sagt Ihnen, was nötig ist."
        ),
        "way_post": "Mit der Post: {to}.",
        "way_dpo": "Die oder der Datenschutzbeauftragte: {to}.",
        "elsewhere_email": (
            "Zu einer E-Mail-Adresse können Sie den Antrag auch bei einem anderen "
            "Anbieter der Föderation stellen, der Codes dorthin schickt:"
        ),
        "elsewhere_phone": (
            "Zu einer Telefonnummer können Sie den Antrag auch bei einem anderen "
            "Anbieter der Föderation stellen, der Codes dorthin schickt:"
        ),
        "elsewhere_limits": (
            "Er findet und bestreitet für Sie, was auch mit ihm geteilt ist. Unsere "
            "eigenen Sperren und Ihr Konto bei uns kennt er nicht."
        ),
        "kind": "Was möchten Sie?",
        "email": "E-Mail-Adresse",
        "email_hint": "Um die es geht, zum Beispiel name@beispiel.de",
        "phone": "Telefonnummer",
        "phone_hint": "Um die es geht, zum Beispiel +49 1512 3456789",
        "send": "Code schicken",
        "sent_phone": (
            "Wenn es die Nummer gibt, ist ein Code unterwegs. Er gilt eine "
            "Viertelstunde. Wir haben die Nummer nicht gespeichert; geben Sie sie "
            "bitte noch einmal ein."
        ),
        "sent_email": (
            "Wenn es die Adresse gibt, ist ein Code unterwegs. Er gilt eine "
            "Viertelstunde. Wir haben die Adresse nicht gespeichert; geben Sie sie "
            "bitte noch einmal ein."
        ),
        "code": "Code",
        "code_hint_email": "Zehn Ziffern aus der E-Mail",
        "code_hint_phone": "Zehn Ziffern aus der Nachricht",
        "prove": "Antrag stellen",
        "until": "Sie bekommen die Antwort bis spätestens {day}.",
        "request": "Nummer des Antrags",
        "request_hint": "32 Zeichen",
        "collect": "Abholcode",
        "collect_hint": "22 Zeichen",
        "not_looked": (
            "Im Augenblick fragen zu viele, oder andere Anbieter antworten nicht. Wir "
            "haben noch nicht überall nachgesehen und tun das ab {again}, der Reihe "
            "nach; dann wird bestritten, was wir finden, wenn Sie das wollten. So "
            "lange liegt Ihre Adresse oder Nummer hier verschlüsselt, danach nicht "
            "mehr: Sehen Sie mit Nummer und Abholcode nach, wie es steht."
        ),
        "contests": (
            "Falls wir etwas zu Ihnen finden, ist es damit bestritten: In der Regel "
            "ruht es überall, und niemand bekommt einen Treffer, bis der meldende "
            "Anbieter neu entschieden hat. Er hat dafür {days} Arbeitstage. Wir haben "
            "Ihre Adresse oder Nummer nicht gespeichert und schreiben Ihnen nicht: "
            "Sehen Sie mit Nummer und Abholcode nach, wie es steht, so oft Sie wollen."
        ),
        "keep": (
            "Schreiben Sie beides auf: Damit holen Sie die Antwort ab. Geht es "
            "verloren, stellen Sie einen neuen Antrag."
        ),
        "anew": (
            "Nummer, Abholcode oder Antwort verloren? Stellen Sie hier einen neuen "
            "Antrag."
        ),
        "to_answer": "Antwort abholen",
        "collect_intro": (
            "Mit Nummer und Abholcode bekommen Sie die Antwort, einmal, und sehen "
            "jederzeit, wie es steht."
        ),
        "fetch": "Abholen",
        "once": "Speichern Sie die Antwort: Sie wird nur dieses Mal gezeigt.",
        "waits": "Die Antwort ist noch nicht da. Sie kommt bis spätestens {day}.",
        "collected": "Diese Antwort ist schon abgeholt worden.",
        "wrong": "Das hat nicht geklappt",
        "bad_email": "Das ist keine E-Mail-Adresse.",
        "bad_phone": "Das ist keine vollständige Telefonnummer.",
        "not_phoned": (
            "An diese Nummer schicken wir keinen Code. Prüfen Sie bitte, ob sie "
            "vollständig ist. Ist sie es, schreiben Sie uns: Die Adresse steht auf "
            "dieser Seite."
        ),
        "bad_code": "Der Code ist nicht richtig oder nicht mehr gültig.",
        "used": "Mit diesem Code ist schon ein Antrag gestellt worden.",
        "too_many": "Das waren zu viele Versuche. Bitte warten Sie einige Minuten.",
        "not_now": "Im Augenblick geht das nicht. Bitte später noch einmal.",
        "bad_collect": (
            "Zu Nummer und Code gibt es keine Antwort. Bitte prüfen Sie beides; haben "
            "Sie es nicht mehr, stellen Sie einen neuen Antrag."
        ),
        "bad_form": "Das Formular war nicht vollständig.",
        "bad_request": (
            "Die Anfrage Ihres Programms war nicht lesbar. An Ihren Angaben liegt es "
            "nicht. Bitte öffnen Sie die Seite noch einmal."
        ),
        "no_mail": (
            "Einen Antrag können Sie hier nicht stellen: Dieser Anbieter verschickt "
            "keine Codes, mit denen Sie zeigen könnten, dass eine Adresse oder Nummer "
            "Ihnen gehört."
        ),
        "no_mail_instead": (
            "Schreiben Sie an {contact}: was Sie möchten, und um welches Konto es "
            "geht. Schicken Sie keine Kopie eines Ausweises; man sagt Ihnen, was nötig "
            "ist. Sie bekommen die Antwort innerhalb eines Monats."
        ),
    },
    Language.EN: {
        "name": "English",
        "under_18": "Are you under 18? Here in plain words.",
        "over_17": "For adults",
        "title": "Your rights at {node}",
        "code_title": "Enter the code",
        "opened_title": "Your request is made",
        "collect_title": "Collect an answer",
        "intro_email": (
            "Here you make a request about an e-mail address that is yours. We send a "
            "code there. The address is checked and not kept."
        ),
        "intro_phone": (
            "Here you make a request about a phone number that is yours. We send a "
            "code there, which costs you nothing. The number is checked and not kept. "
            "You need no e-mail address."
        ),
        "by_phone": "It is about a phone number",
        "by_email": "It is about an e-mail address",
        "others_email": (
            "For a phone number, an account or a device this does not work here. Write "
            "to {contact} about it; you are told what is needed."
        ),
        "others_phone": (
            "For an e-mail address, an account or a device this does not work here. "
            "Write to {contact} about it; you are told what is needed."
        ),
        "others_both": (
            "For an account or a device this does not work here. Write to {contact} "
            "about it; you are told what is needed."
        ),
        "way_post": "By post: {to}.",
        "way_dpo": "The data protection officer: {to}.",
        "elsewhere_email": (
            "About an e-mail address you can make the request at another provider of "
            "the federation as well, which sends codes there:"
        ),
        "elsewhere_phone": (
            "About a phone number you can make the request at another provider of the "
            "federation as well, which sends codes there:"
        ),
        "elsewhere_limits": (
            "It finds, and contests for you, what is shared with it too. It knows "
            "neither bans of our own nor your account here."
        ),
        "kind": "What do you want?",
        "email": "E-mail address",
        "email_hint": "The one it is about, such as name@example.org",
        "phone": "Phone number",
        "phone_hint": "The one it is about, such as +49 1512 3456789",
        "send": "Send the code",
        "sent_phone": (
            "If the number exists, a code is on its way. It is good for a quarter of "
            "an hour. We have not kept the number; please enter it once more."
        ),
        "sent_email": (
            "If the address exists, a code is on its way. It is good for a quarter of "
            "an hour. We have not kept the address; please enter it once more."
        ),
        "code": "Code",
        "code_hint_email": "Ten digits from the e-mail",
        "code_hint_phone": "Ten digits from the message",
        "prove": "Make the request",
        "until": "You will have the answer by {day}.",
        "request": "Number of the request",
        "request_hint": "32 characters",
        "collect": "Collect code",
        "collect_hint": "22 characters",
        "not_looked": (
            "Too many ask at present, or other providers do not answer. We have not "
            "looked everywhere yet and do so from {again} on, in turn; what we find "
            "is contested then, if that is what you wanted. Until then your address "
            "or number lies here encrypted, and no longer: look with number and "
            "collect code how it stands."
        ),
        "contests": (
            "If we find something about you, it is contested by this: as a rule it "
            "rests everywhere, and nobody gets a match, until the reporting provider "
            "has decided anew. It has {days} working days for that. We have not kept "
            "your address or number and do not write to you: look with number and "
            "collect code how it stands, as often as you like."
        ),
        "keep": (
            "Write both down: with them you collect the answer. If you lose them, make "
            "a new request."
        ),
        "anew": "Number, collect code or answer lost? Make a new request here.",
        "to_answer": "Collect an answer",
        "collect_intro": (
            "With number and code you get the answer, once, and see at any time how it "
            "stands."
        ),
        "fetch": "Collect",
        "once": "Save the answer: it is shown this once.",
        "waits": "The answer is not there yet. It will be by {day}.",
        "collected": "This answer has been collected already.",
        "wrong": "That did not work",
        "bad_email": "This is no e-mail address.",
        "bad_phone": "This is no complete phone number.",
        "not_phoned": (
            "We send no code to this number. Please check that it is complete. If it "
            "is, write to us: the address is on this page."
        ),
        "bad_code": "The code is not the one, or no longer good.",
        "used": "A request was made with this code already.",
        "too_many": "These were too many tries. Please wait for some minutes.",
        "not_now": "This is not possible at the moment. Please try again later.",
        "bad_collect": (
            "There is no answer for this number and code. Please check both; if you "
            "have them no more, make a new request."
        ),
        "bad_form": "The form was not complete.",
        "bad_request": (
            "The request of your program could not be read. It is not about what you "
            "entered. Please open the page once more."
        ),
        "no_mail": (
            "You cannot make a request here: this provider sends no codes with which "
            "you could show that an address or number is yours."
        ),
        "no_mail_instead": (
            "Write to {contact}: what you want, and which account it is about. Do not "
            "send a copy of an identity card; you are told what is needed. You will "
            "have the answer within a month."
        ),
    },
}
