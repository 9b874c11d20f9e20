# SPDX-License-Identifier: Apache-2.0
"""What the template of a case says beside its fields, in German and in English."""

from typing import Final

from fedsafe_policies.ground.catalogue import Phrase

HEAD: Final = Phrase(
    "What a case holds for this partner: {name} ({partner}), by {matrix}.\n"
    "Fill in what is empty: the file is refused while something is. Take out what "
    "you lack, from its name to the comma. What is needed only sometimes stands "
    "behind //: take those signs away.\n"
    "Lines that begin with // are not read. Moments are in UTC: "
    "2026-11-24T09:30:00Z. Enter it: fedsafe case assess CASE --elements FILE"
)
NEEDS: Final = Phrase("Record first: {what} (--condition {condition}).")
ATTACHED: Final = Phrase(
    "Evidence is named by fedsafe case attach CASE FILE …, each by itself; if "
    "there is none: --unavailable attachments=does_not_apply"
)
REQUIRED: Final = Phrase("Required.")
DIGESTS: Final = Phrase("Required; digests are given alone, never files.")
PREFILLED: Final = Phrase("From node.toml; check it.")
LACKING: Final = Phrase(
    "If you lack it: take it out, and say --unavailable {element}=WHY ({why})."
)
OPENED: Final = Phrase(
    "Required; fedsafe case open has entered it if it was given there. Else, or to "
    "change it, here:"
)
ONLY_IF: Final = Phrase("Only if: {what}.")
OR: Final = Phrase(", or: ")
CONSENTED: Final = Phrase("Only with the affected person's consent that covers it.")
ONE_OF: Final = Phrase("One of: {words}.")
HINTS: Final[dict[str, Phrase]] = {
    "provider": Phrase("Your name, as they know it."),
    "node": Phrase("The node's name."),
    "country": Phrase("Country, two letters: DE."),
    "land": Phrase("Land, such as DE-BE."),
    "function": Phrase("Who answers at any hour: a function, not a name."),
    "phone": Phrase("Such as +49 30 0000001."),
    "address": Phrase("Mail address for questions."),
    "languages": Phrase("Languages: de, en."),
    "danger": Phrase("Is life or safety under threat (Art. 18 DSA)?"),
    "reason": Phrase("Why, or why not."),
    "account_id": Phrase("What your service calls the account."),
    "name": Phrase("If known: the name."),
    "email": Phrase("If known: the mail address."),
    "contact": Phrase("If known: how the person is reached."),
    "ip": Phrase("Address, IPv4 or IPv6."),
    "source_port": Phrase('A number, or "not_available".'),
    "at": Phrase("When, in UTC."),
    "event": Phrase("What happened there."),
    "possible_proxy": Phrase("Maybe a VPN or proxy? true or false."),
    "text": Phrase("The text itself, never files."),
    "url": Phrase("The content's address."),
    "content_id": Phrase("What your service calls the content."),
    "sha256": Phrase("64 signs, of fedsafe hash FILE."),
    "blake3": Phrase("64 signs, of fedsafe hash FILE."),
    "pdq": Phrase("64 signs, of fedsafe hash FILE."),
    "object_id": Phrase("What the object is called in your vault."),
    "media_type": Phrase("Such as image/png."),
    "is_affected": Phrase("Affected themselves? true or false."),
    "place": Phrase("Where somebody probably is."),
    "because": Phrase("What that rests on."),
    "sections": Phrase("Sections that may be touched, such as § 176b StGB."),
    "opinion": Phrase("Reference of the legal opinion."),
    "step": Phrase("What you did."),
    "taken_at": Phrase("When, in UTC."),
    "feature": Phrase("The misused feature in small letters: direct_messages."),
    "basis": Phrase("On what the hand-over rests, such as Art. 18 DSA."),
    "until": Phrase("A day, such as 2027-02-28."),
    "hold_id": Phrase("The number of the hold, such as hold-8."),
    "giver": Phrase("Who consented."),
    "given_at": Phrase("When, in UTC."),
    "covers": Phrase("What the consent covers."),
    "record": Phrase("The consent's reference, such as consent-5."),
    "summary": Phrase("The endangerment in a few sentences, without names."),
    "question": Phrase("A question to the group."),
    "steps": Phrase("What you did."),
    "phenomenon": Phrase("What happened."),
    "victim_ages": Phrase("How old the person is."),
}
"""What belongs into a field, by its name."""
