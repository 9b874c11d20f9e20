# SPDX-License-Identifier: Apache-2.0
"""What the node refuses of cases, their packages and partners.

The English template is the pattern by which it is known again, as in `doctor.texts`.
What is not here is said as the node says it.
"""

from typing import Final

from fedsafe_policies.escalation.dispatches import FAULTS
from fedsafe_policies.ground.catalogue import Phrase, Told

REFUSALS: Final = (
    *(
        Told(
            {"en": f"{{partner}}: {each.en}", "de": f"{{partner}}: {each.de}"},
        )
        for each in FAULTS.values()
    ),
    # where a case is
    Phrase("a closed case is not changed any more"),
    Phrase("this case is closed"),
    Phrase("the case is closed"),
    Phrase("the case that this was about is closed, by {by}: nothing of it waits"),
    Phrase("the case has changed meanwhile"),
    Phrase(
        "this case is approved already, for {classes}; for others change it "
        "(`fedsafe case assess`), and let it be approved anew for all of them at "
        "once"
    ),
    Phrase(
        "this case is approved already, for {classes}; for others open a case of "
        "its own (`fedsafe case open`); or recall this one (`fedsafe case recall`), "
        "change it, and let it be approved anew for all of them at once"
    ),
    Phrase(
        "an approval of this case for {classes} waits already, asked for by {by}: act "
        "{act}"
    ),
    Phrase(
        "this case was recalled: change it first (`fedsafe case assess`), then let "
        "it be approved anew"
    ),
    Phrase("a case that is {state} does not become {following}"),
    Phrase(
        "a case that is {state} does not become {following}: note first that its "
        "packages were acknowledged (`fedsafe case acknowledged`), or recall it"
    ),
    Phrase(
        "a case that is {state} is not changed before it is recalled, except for "
        "what is open before it closes: {fields}"
    ),
    Phrase("a case that is {state} stays so"),
    Phrase("a case that is {state} does not go out: `fedsafe case approve`"),
    Phrase(
        "a case that is {state} does not go out: an approval of it waits for a second "
        "person: `fedsafe act approve {act}`"
    ),
    Phrase("a case that is {state} does not go out any more"),
    Phrase(
        "a case that is {state} does not go out: change it (`fedsafe case assess`), "
        "then let it be approved anew"
    ),
    Phrase(
        "another matrix is in force than the case was approved under: change the "
        "case, and let it be approved anew"
    ),
    Phrase("a pattern goes out as numbers of many cases, never as one"),
    Phrase("{partner} receives nothing without {conditions}"),
    # what partners ask
    Phrase(
        "no partner has acknowledged this case yet: note that first (`fedsafe case "
        "acknowledged`)"
    ),
    Phrase("no partner has asked for more: note that first (`fedsafe case asked`)"),
    Phrase("all that was asked is answered already: look (`fedsafe case show`)"),
    Phrase(
        "no open question has this reference: give that under which it was asked "
        "(`fedsafe case show`)"
    ),
    Phrase("a case keeps no more than 100 of them"),
    # its packages
    Phrase("nothing of this case was sent"),
    Phrase(
        "this package keeps no more than 200 attempts: note when it was handed over"
    ),
    Phrase("this dispatch is {sent} already"),
    Phrase(
        "nothing of this dispatch can have arrived: note first that it was handed over "
        "(`fedsafe case handed`), or let the node send it"
    ),
    Phrase("no mail of this dispatch can have arrived; call the partner"),
    Phrase("{name} has no package of this dispatch in hand, nor has anybody else"),
    Phrase(
        "{name} has no package of this dispatch in hand; who has one: {others} "
        "(`--taken-by`)"
    ),
    Phrase(
        "the recalled package for {partner} was taken by {others}: note what came "
        "of it, also that it was kept back (`fedsafe case handed`)"
    ),
    Phrase(
        "{partner} has a recalled package that nothing corrects: recall the case again "
        "(`fedsafe case recall`)"
    ),
    Phrase(
        "a package is under way to {partner}: bring it there, or recall the case "
        "(`fedsafe case dispatches`)"
    ),
    Phrase(
        "a correction is under way to {partner}: bring it there (`fedsafe case "
        "dispatches`)"
    ),
    # partners
    Phrase("a test never goes to a production contact; enter one for tests"),
    Phrase("this partner has no key"),
    Phrase(
        "there is no such partner, and so no revision {revision}: a new one replaces "
        "none"
    ),
    Phrase("the partner has revision {revision}, and is no new one: look at it again"),
    Phrase("the partner has revision {revision}, not {other}: look at it again"),
    Phrase("a partner without a phone number cannot be called"),
    Phrase("give {told} as it was read out, if the partner has that key"),
    Phrase("{told} is not the fingerprint of the key entered here"),
    Phrase("give host_keys, one for each server over SFTP, as they were read out"),
    Phrase("host_keys has another fingerprint than the host key entered here"),
)
