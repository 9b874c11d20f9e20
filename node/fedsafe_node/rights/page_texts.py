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
    RequestKind.DISPUTE: Phrase("Dispute: the signal about me is unjustified.").both(),
}
KINDS_PLAIN: Final[Mapping[RequestKind, Text]] = {
    RequestKind.ACCESS: Phrase.within("under 18", "What do you know about me?").both(),
    RequestKind.RECTIFICATION: Phrase.within("under 18", "Something is wrong.").both(),
    RequestKind.ERASURE: Phrase.within(
        "under 18", "Erase what you have stored about me."
    ).both(),
    RequestKind.OBJECTION: Phrase.within(
        "under 18", "I do not want you to use my data."
    ).both(),
    RequestKind.DISPUTE: Phrase.within("under 18", "You mean somebody else.").both(),
}
PLAIN: Final[Mapping[str, Text]] = {
    "title": Phrase.within("under 18", "Your rights at {node}").both(),
    "opened_title": Phrase.within("under 18", "We have received your request").both(),
    "intro_email": Phrase.within(
        "under 18",
        "Here you can ask us something, or ask us to do something. You "
        "need an e-mail address that is yours. We send a code to this "
        "address. We do not keep the address. If this is too hard, let "
        "somebody help you.",
    ).both(),
    "intro_phone": Phrase.within(
        "under 18",
        "Here you can ask us something, or ask us to do something. You "
        "need a phone number that is yours. We send a code to this number. "
        "The code costs you nothing. We do not keep the number. If this is "
        "too hard, let somebody help you.",
    ).both(),
    "by_phone": Phrase.within(
        "under 18", "I have only a phone, and no e-mail address"
    ).both(),
    "by_email": Phrase.within(
        "under 18", "I would rather use my e-mail address"
    ).both(),
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
        "under 18", "For questions about data protection, write to: {to}."
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
        "The other provider only finds signals that are shared with it "
        "too. Have only we banned you? Then write to us.",
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
        "Right now too many people are asking, or other providers do not "
        "answer. So we have not looked everywhere yet. We go on from "
        "{again} on, one after the other. Until then we keep your address "
        "or number encrypted. You can check here with your number and your "
        "collect code how far we are.",
    ).both(),
    "contests": Phrase.within(
        "under 18",
        "If we find a signal about you, a person looks at it again. That "
        "usually takes {days} working days. Until then the signal usually "
        "does not count. We cannot write to you. Come back here with your "
        "number and your collect code as often as you like.",
    ).both(),
    "keep": Phrase.within(
        "under 18",
        "Write down your number and your collect code. You need both for "
        "the answer. Show them only to people whom you trust. Have you "
        "lost them? Then just ask again.",
    ).both(),
    "anew": Phrase.within(
        "under 18", "Have you lost your number, code or answer? Ask again here."
    ).both(),
    "bad_collect": Phrase.within(
        "under 18",
        "There is no answer for this number and code. Check whether you "
        "have mistyped something. If not, ask again.",
    ).both(),
    "collect_intro": Phrase.within(
        "under 18",
        "Enter your number and your collect code. You can see the answer "
        "only once. You can check at any time how far we are.",
    ).both(),
    "once": Phrase.within(
        "under 18", "Save the answer now. You can see it only this once."
    ).both(),
    "waits": Phrase.within(
        "under 18", "The answer is not there yet. You will have it by {day}."
    ).both(),
    "not_now": Phrase.within(
        "under 18", "This does not work right now. Try again later."
    ).both(),
    "too_many": Phrase.within(
        "under 18", "There were too many tries. Wait a few minutes. Then try again."
    ).both(),
    "no_mail": Phrase.within(
        "under 18", "You cannot send anything here right now."
    ).both(),
    "no_mail_instead": Phrase.within(
        "under 18",
        "Write to {contact}. Say what you would like, which account you "
        "mean, and that you are under 18. Do not send an identity card. "
        "You will have an answer within a month.",
    ).both(),
}
"""What children and young people read in the place of the texts of the same name."""
TEXTS: Final[Mapping[str, Text]] = {
    "name": Phrase("English").both(),
    "under_18": Phrase("Are you under 18? Here is this page in plain words.").both(),
    "over_17": Phrase("For adults").both(),
    "title": Phrase("Your rights at {node}").both(),
    "code_title": Phrase("Enter the code").both(),
    "opened_title": Phrase("Your request is made").both(),
    "collect_title": Phrase("Collect an answer").both(),
    "intro_email": Phrase(
        "Here you can make a request about an e-mail address that is "
        "yours. We send a code to this address. We check the address and "
        "do not keep it."
    ).both(),
    "intro_phone": Phrase(
        "Here you can make a request about a phone number that is yours. "
        "We send a code to this number, which costs you nothing. We check "
        "the number and do not keep it. You do not need an e-mail address."
    ).both(),
    "by_phone": Phrase("My request is about a phone number").both(),
    "by_email": Phrase("My request is about an e-mail address").both(),
    "others_email": Phrase(
        "You cannot make a request about a phone number, an account or a "
        "device here. Please write to {contact}; we will tell you what we "
        "need."
    ).both(),
    "others_phone": Phrase(
        "You cannot make a request about an e-mail address, an account or "
        "a device here. Please write to {contact}; we will tell you what "
        "we need."
    ).both(),
    "others_both": Phrase(
        "You cannot make a request about an account or a device here. "
        "Please write to {contact}; we will tell you what we need."
    ).both(),
    "way_post": Phrase("By post: {to}.").both(),
    "way_dpo": Phrase("Our data protection officer: {to}.").both(),
    "elsewhere_email": Phrase(
        "You can also make a request about an e-mail address at another "
        "provider of the federation that sends codes to e-mail addresses:"
    ).both(),
    "elsewhere_phone": Phrase(
        "You can also make a request about a phone number at another "
        "provider of the federation that sends codes to phone numbers:"
    ).both(),
    "elsewhere_limits": Phrase(
        "The other provider finds signals that are shared with it too, and "
        "contests them for you. It does not know our own bans or your "
        "account with us."
    ).both(),
    "kind": Phrase("What do you want?").both(),
    "email": Phrase("E-mail address").both(),
    "email_hint": Phrase(
        "The e-mail address that your request is about, such as name@example.org"
    ).both(),
    "phone": Phrase("Phone number").both(),
    "phone_hint": Phrase(
        "The phone number that your request is about, such as +49 1512 3456789"
    ).both(),
    "send": Phrase("Send the code").both(),
    "sent_phone": Phrase(
        "If this phone number exists, a code is on its way to it. The code "
        "is valid for a quarter of an hour. We have not kept the number, "
        "so please enter it once more."
    ).both(),
    "sent_email": Phrase(
        "If this e-mail address exists, a code is on its way to it. The "
        "code is valid for a quarter of an hour. We have not kept the "
        "address, so please enter it once more."
    ).both(),
    "code": Phrase("Code").both(),
    "code_hint_email": Phrase("The ten digits from our e-mail").both(),
    "code_hint_phone": Phrase("The ten digits from our message").both(),
    "prove": Phrase("Make the request").both(),
    "until": Phrase("You will have the answer by {day}.").both(),
    "request": Phrase("Number of the request").both(),
    "request_hint": Phrase("32 characters").both(),
    "collect": Phrase("Collect code").both(),
    "collect_hint": Phrase("22 characters").both(),
    "not_looked": Phrase(
        "At the moment too many people are asking, or other providers do "
        "not answer. So we have not looked everywhere yet. We will "
        "continue from {again} on, in the order of the requests. If you "
        "wanted us to, we will then contest what we find. Until we have "
        "looked everywhere, we keep your address or number encrypted, and "
        "no longer. You can check here with your number and your collect "
        "code how far your request is."
    ).both(),
    "contests": Phrase(
        "If we find a signal about you, your request contests it. As a "
        "rule the signal then rests everywhere: nobody gets a match until "
        "the reporting provider has decided again. The reporting provider "
        "has {days} working days to decide. We have not kept your address "
        "or number and will not write to you. You can check here with your "
        "number and your collect code how far your request is, as often as "
        "you like."
    ).both(),
    "keep": Phrase(
        "Write down the number and the collect code: you need both to "
        "collect the answer. If you lose them, make a new request."
    ).both(),
    "anew": Phrase(
        "Have you lost your number, collect code or answer? Make a new request here."
    ).both(),
    "to_answer": Phrase("Collect an answer").both(),
    "collect_intro": Phrase(
        "With the number of your request and your collect code you can get "
        "the answer once. You can also check at any time how far your "
        "request is."
    ).both(),
    "fetch": Phrase("Collect").both(),
    "once": Phrase("Save the answer now: it is shown only this once.").both(),
    "waits": Phrase("The answer is not there yet. You will have it by {day}.").both(),
    "collected": Phrase("This answer has already been collected.").both(),
    "wrong": Phrase("That did not work").both(),
    "bad_email": Phrase("This is not an e-mail address.").both(),
    "bad_phone": Phrase("This is not a complete phone number.").both(),
    "not_phoned": Phrase(
        "We cannot send a code to this phone number. Please check that the "
        "number is complete. If the number is complete, write to us: our "
        "address is on this page."
    ).both(),
    "bad_code": Phrase("The code is wrong or no longer valid.").both(),
    "used": Phrase("A request has already been made with this code.").both(),
    "too_many": Phrase(
        "There were too many tries. Please wait a few minutes and try again."
    ).both(),
    "not_now": Phrase(
        "This is not possible at the moment. Please try again later."
    ).both(),
    "bad_collect": Phrase(
        "There is no answer for this number and code. Please check both. "
        "If you no longer have them, make a new request."
    ).both(),
    "bad_form": Phrase("The form was not filled in completely.").both(),
    "bad_request": Phrase(
        "Your program (for example the browser) sent a request that we "
        "could not read. What you entered is not the cause. Please open "
        "the page again."
    ).both(),
    "no_mail": Phrase(
        "You cannot make a request here: this provider sends no codes with which "
        "you could show that an address or number is yours."
    ).both(),
    "no_mail_instead": Phrase(
        "Write to {contact}. Say what you want and which account your "
        "request is about. Do not send a copy of an identity card; we will "
        "tell you what we need. You will have the answer within a month."
    ).both(),
}
