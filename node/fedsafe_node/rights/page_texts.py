# SPDX-License-Identifier: Apache-2.0
"""The texts of the public form, with the German in the catalogue."""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.acts.requests import RequestKind
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text

KINDS: Final[Mapping[RequestKind, Text]] = {
    RequestKind.ACCESS: Phrase("Access: what is kept about me?").both(),
    RequestKind.RECTIFICATION: Phrase("Rectification: something is wrong.").both(),
    RequestKind.ERASURE: Phrase("Erasure").both(),
    RequestKind.OBJECTION: Phrase("Objection").both(),
    RequestKind.DISPUTE: Phrase("Dispute: the signal is unjustified.").both(),
}
KINDS_PLAIN: Final[Mapping[RequestKind, Text]] = {
    RequestKind.ACCESS: Phrase.within("under 18", "What do you know about me?").both(),
    RequestKind.RECTIFICATION: Phrase.within("under 18", "Something is wrong.").both(),
    RequestKind.ERASURE: Phrase.within(
        "under 18", "Erase what you have about me."
    ).both(),
    RequestKind.OBJECTION: Phrase.within("under 18", "I do not want that.").both(),
    RequestKind.DISPUTE: Phrase.within("under 18", "You mean somebody else.").both(),
}
PLAIN: Final[Mapping[str, Text]] = {
    "title": Phrase.within("under 18", "Your rights at {node}").both(),
    "opened_title": Phrase.within("under 18", "We have what you asked for").both(),
    "intro_email": Phrase.within(
        "under 18",
        "Here you can ask us something, or ask us to do something. It is about an "
        "e-mail address of yours. We send you a code. We do not keep the address. "
        "If this is too hard, let somebody help you.",
    ).both(),
    "intro_phone": Phrase.within(
        "under 18",
        "Here you can ask us something, or ask us to do something. It is about a "
        "phone number of yours. We send you a code. It costs you nothing. We do "
        "not keep the number. If this is too hard, let somebody help you.",
    ).both(),
    "by_phone": Phrase.within(
        "under 18", "I have only a phone, and no e-mail address"
    ).both(),
    "by_email": Phrase.within("under 18", "Use my e-mail address instead").both(),
    "others_email": Phrase.within(
        "under 18",
        "Is it about your phone number, your user name or your device? That does "
        "not work here. Then write to {contact}.",
    ).both(),
    "others_phone": Phrase.within(
        "under 18",
        "Is it about your e-mail address, your user name or your device? That does "
        "not work here. Then write to {contact}.",
    ).both(),
    "others_both": Phrase.within(
        "under 18",
        "Is it about your user name or your device? That does not work here. Then "
        "write to {contact}.",
    ).both(),
    "way_post": Phrase.within("under 18", "By post: {to}.").both(),
    "way_dpo": Phrase.within(
        "under 18", "For questions on data protection: {to}."
    ).both(),
    "elsewhere_email": Phrase.within(
        "under 18",
        "Is it about an e-mail address of yours? Then you can also ask another "
        "provider:",
    ).both(),
    "elsewhere_phone": Phrase.within(
        "under 18",
        "Is it about your phone number? Then you can also ask another provider:",
    ).both(),
    "elsewhere_limits": Phrase.within(
        "under 18",
        "It finds what is shared with it too. Is it only we who have banned you? "
        "Then write to us.",
    ).both(),
    "kind": Phrase.within("under 18", "What would you like?").both(),
    "email": Phrase.within("under 18", "Your e-mail address").both(),
    "email_hint": Phrase.within("under 18", "Such as name@example.org").both(),
    "phone": Phrase.within("under 18", "Your phone number").both(),
    "phone_hint": Phrase.within("under 18", "Such as +49 1512 3456789").both(),
    "sent_phone": Phrase.within(
        "under 18",
        "If the number exists, you get a message with a code. Enter the number and "
        "the code here. You have a quarter of an hour.",
    ).both(),
    "sent_email": Phrase.within(
        "under 18",
        "If the address exists, you get an e-mail with a code. Enter the address "
        "and the code here. You have a quarter of an hour.",
    ).both(),
    "prove": Phrase.within("under 18", "Send").both(),
    "help": Phrase.within("under 18", "If you would like to talk to somebody:").both(),
    "until": Phrase.within("under 18", "You will have the answer by {day}.").both(),
    "request": Phrase.within("under 18", "Your number").both(),
    "not_looked": Phrase.within(
        "under 18",
        "Too many ask right now, or others do not answer. We have not looked "
        "everywhere yet and do so from {again} on, in turn. Until then we keep "
        "your address or number encrypted. Look here with number and collect code "
        "how it stands.",
    ).both(),
    "contests": Phrase.within(
        "under 18",
        "If we find something about you, a person looks again. That mostly takes "
        "{days} working days. Until then it does not count, as a rule. We cannot "
        "write to you. Look here with number and collect code as often as you like.",
    ).both(),
    "keep": Phrase.within(
        "under 18",
        "Write both down. You need them for the answer. Show them only to people "
        "whom you trust. Are they gone? Then just ask again.",
    ).both(),
    "anew": Phrase.within(
        "under 18", "Number, code or answer lost? Ask again here."
    ).both(),
    "bad_collect": Phrase.within(
        "under 18",
        "There is no answer for this number and code. Look whether you have "
        "mistyped. Else ask again.",
    ).both(),
    "collect_intro": Phrase.within(
        "under 18",
        "Enter your number and your collect code. You see the answer once. How it "
        "stands you see each time.",
    ).both(),
    "once": Phrase.within("under 18", "Save the answer. You see it only now.").both(),
    "waits": Phrase.within(
        "under 18", "The answer is not there yet. It comes by {day}."
    ).both(),
    "not_now": Phrase.within(
        "under 18", "This does not work right now. Try again later."
    ).both(),
    "too_many": Phrase.within(
        "under 18", "These were too many tries. Wait for a few minutes."
    ).both(),
    "no_mail": Phrase.within(
        "under 18", "You cannot send anything here right now."
    ).both(),
    "no_mail_instead": Phrase.within(
        "under 18",
        "Write to {contact}: what you would like, which account it is about, and "
        "that you are under 18. Send no identity card. You get an answer within a "
        "month.",
    ).both(),
}
"""What children and young people read in the place of the texts of the same name."""
TEXTS: Final[Mapping[str, Text]] = {
    "name": Phrase("English").both(),
    "under_18": Phrase("Are you under 18? Here in plain words.").both(),
    "over_17": Phrase("For adults").both(),
    "title": Phrase("Your rights at {node}").both(),
    "code_title": Phrase("Enter the code").both(),
    "opened_title": Phrase("Your request is made").both(),
    "collect_title": Phrase("Collect an answer").both(),
    "intro_email": Phrase(
        "Here you make a request about an e-mail address that is yours. We send a "
        "code there. The address is checked and not kept."
    ).both(),
    "intro_phone": Phrase(
        "Here you make a request about a phone number that is yours. We send a "
        "code there, which costs you nothing. The number is checked and not kept. "
        "You need no e-mail address."
    ).both(),
    "by_phone": Phrase("It is about a phone number").both(),
    "by_email": Phrase("It is about an e-mail address").both(),
    "others_email": Phrase(
        "For a phone number, an account or a device this does not work here. Write "
        "to {contact} about it; you are told what is needed."
    ).both(),
    "others_phone": Phrase(
        "For an e-mail address, an account or a device this does not work here. "
        "Write to {contact} about it; you are told what is needed."
    ).both(),
    "others_both": Phrase(
        "For an account or a device this does not work here. Write to {contact} "
        "about it; you are told what is needed."
    ).both(),
    "way_post": Phrase("By post: {to}.").both(),
    "way_dpo": Phrase("The data protection officer: {to}.").both(),
    "elsewhere_email": Phrase(
        "About an e-mail address you can make the request at another provider of "
        "the federation as well, which sends codes there:"
    ).both(),
    "elsewhere_phone": Phrase(
        "About a phone number you can make the request at another provider of the "
        "federation as well, which sends codes there:"
    ).both(),
    "elsewhere_limits": Phrase(
        "It finds, and contests for you, what is shared with it too. It knows "
        "neither bans of our own nor your account here."
    ).both(),
    "kind": Phrase("What do you want?").both(),
    "email": Phrase("E-mail address").both(),
    "email_hint": Phrase("The one it is about, such as name@example.org").both(),
    "phone": Phrase("Phone number").both(),
    "phone_hint": Phrase("The one it is about, such as +49 1512 3456789").both(),
    "send": Phrase("Send the code").both(),
    "sent_phone": Phrase(
        "If the number exists, a code is on its way. It is good for a quarter of "
        "an hour. We have not kept the number; please enter it once more."
    ).both(),
    "sent_email": Phrase(
        "If the address exists, a code is on its way. It is good for a quarter of "
        "an hour. We have not kept the address; please enter it once more."
    ).both(),
    "code": Phrase("Code").both(),
    "code_hint_email": Phrase("Ten digits from the e-mail").both(),
    "code_hint_phone": Phrase("Ten digits from the message").both(),
    "prove": Phrase("Make the request").both(),
    "until": Phrase("You will have the answer by {day}.").both(),
    "request": Phrase("Number of the request").both(),
    "request_hint": Phrase("32 characters").both(),
    "collect": Phrase("Collect code").both(),
    "collect_hint": Phrase("22 characters").both(),
    "not_looked": Phrase(
        "Too many ask at present, or other providers do not answer. We have not "
        "looked everywhere yet and do so from {again} on, in turn; what we find "
        "is contested then, if that is what you wanted. Until then your address "
        "or number lies here encrypted, and no longer: look with number and "
        "collect code how it stands."
    ).both(),
    "contests": Phrase(
        "If we find something about you, it is contested by this: as a rule it "
        "rests everywhere, and nobody gets a match, until the reporting provider "
        "has decided anew. It has {days} working days for that. We have not kept "
        "your address or number and do not write to you: look with number and "
        "collect code how it stands, as often as you like."
    ).both(),
    "keep": Phrase(
        "Write both down: with them you collect the answer. If you lose them, make "
        "a new request."
    ).both(),
    "anew": Phrase(
        "Number, collect code or answer lost? Make a new request here."
    ).both(),
    "to_answer": Phrase("Collect an answer").both(),
    "collect_intro": Phrase(
        "With number and code you get the answer, once, and see at any time how it "
        "stands."
    ).both(),
    "fetch": Phrase("Collect").both(),
    "once": Phrase("Save the answer: it is shown this once.").both(),
    "waits": Phrase("The answer is not there yet. It will be by {day}.").both(),
    "collected": Phrase("This answer has been collected already.").both(),
    "wrong": Phrase("That did not work").both(),
    "bad_email": Phrase("This is no e-mail address.").both(),
    "bad_phone": Phrase("This is no complete phone number.").both(),
    "not_phoned": Phrase(
        "We send no code to this number. Please check that it is complete. If it "
        "is, write to us: the address is on this page."
    ).both(),
    "bad_code": Phrase("The code is not the one, or no longer good.").both(),
    "used": Phrase("A request was made with this code already.").both(),
    "too_many": Phrase(
        "These were too many tries. Please wait for some minutes."
    ).both(),
    "not_now": Phrase(
        "This is not possible at the moment. Please try again later."
    ).both(),
    "bad_collect": Phrase(
        "There is no answer for this number and code. Please check both; if you "
        "have them no more, make a new request."
    ).both(),
    "bad_form": Phrase("The form was not complete.").both(),
    "bad_request": Phrase(
        "The request of your program could not be read. It is not about what you "
        "entered. Please open the page once more."
    ).both(),
    "no_mail": Phrase(
        "You cannot make a request here: this provider sends no codes with which "
        "you could show that an address or number is yours."
    ).both(),
    "no_mail_instead": Phrase(
        "Write to {contact}: what you want, and which account it is about. Do not "
        "send a copy of an identity card; you are told what is needed. You will "
        "have the answer within a month."
    ).both(),
}
