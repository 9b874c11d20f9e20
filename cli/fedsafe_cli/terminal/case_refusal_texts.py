# SPDX-License-Identifier: Apache-2.0
"""German for what the node refuses of cases, their packages and partners.

The English text is the pattern, as in `doctor.texts`. What is not here is said as the
node says it.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.escalation.dispatches import FAULTS

GERMAN: Final[Mapping[str, str]] = {
    **{
        f"{{partner}}: {each.en}": f"{{partner}}: {each.de}" for each in FAULTS.values()
    },
    # where a case is
    "a closed case is not changed any more": (
        "ein geschlossener Fall wird nicht mehr geändert"
    ),
    "this case is closed": "dieser Fall ist geschlossen",
    "the case is closed": "der Fall ist geschlossen",
    "the case that this was about is closed, by {by}: nothing of it waits": (
        "der Fall, um den es ging, ist geschlossen, von {by}: Nichts davon wartet"
    ),
    "the case has changed meanwhile": "der Fall wurde inzwischen geändert",
    "this case is approved already, for {classes}; for others change it (`fedsafe case "
    "assess`), and let it be approved anew for all of them at once": (
        "dieser Fall ist schon freigegeben, für {classes}; für andere ändern (`fedsafe "
        "case assess`) und für alle zusammen neu freigeben lassen"
    ),
    "this case is approved already, for {classes}; for others open a case of its own "
    "(`fedsafe case open`); or recall this one (`fedsafe case recall`), change it, and "
    "let it be approved anew for all of them at once": (
        "dieser Fall ist schon freigegeben, für {classes}; für andere einen eigenen "
        "Fall eröffnen (`fedsafe case open`), oder diesen zurückrufen (`fedsafe case "
        "recall`), ändern und für alle zusammen neu freigeben lassen"
    ),
    "an approval of this case for {classes} waits already, asked for by {by}: act "
    "{act}": (
        "eine Freigabe dieses Falls für {classes} wartet schon, beantragt von {by}: "
        "Vorgang {act}"
    ),
    "this case was recalled: change it first (`fedsafe case assess`), then let it be "
    "approved anew": (
        "dieser Fall wurde zurückgerufen: erst ändern (`fedsafe case assess`), dann "
        "neu freigeben lassen"
    ),
    "a case that is {state} does not become {following}": (
        "ein Fall, der {state} ist, wird nicht {following}"
    ),
    "a case that is {state} does not become {following}: note first that its packages "
    "were acknowledged (`fedsafe case acknowledged`), or recall it": (
        "ein Fall, der {state} ist, wird nicht {following}: erst eintragen, dass seine "
        "Pakete bestätigt wurden (`fedsafe case acknowledged`), oder ihn zurückrufen"
    ),
    "a case that is {state} is not changed before it is recalled, except for what is "
    "open before it closes: {fields}": (
        "ein Fall, der {state} ist, wird vor einem Rückruf nicht geändert, nur was vor "
        "dem Schließen offen ist: {fields}"
    ),
    "a case that is {state} stays so": "ein Fall, der {state} ist, bleibt es",
    "a case that is {state} does not go out: `fedsafe case approve`": (
        "ein Fall, der {state} ist, geht nicht hinaus: `fedsafe case approve`"
    ),
    "a case that is {state} does not go out: an approval of it waits for a second "
    "person: `fedsafe act approve {act}`": (
        "ein Fall, der {state} ist, geht nicht hinaus: Seine Freigabe wartet auf eine "
        "zweite Person: `fedsafe act approve {act}`"
    ),
    "a case that is {state} does not go out any more": (
        "ein Fall, der {state} ist, geht nicht mehr hinaus"
    ),
    "a case that is {state} does not go out: change it (`fedsafe case assess`), then "
    "let it be approved anew": (
        "ein Fall, der {state} ist, geht nicht hinaus: ändern (`fedsafe case assess`), "
        "dann neu freigeben lassen"
    ),
    "another matrix is in force than the case was approved under: change the case, and "
    "let it be approved anew": (
        "es gilt eine andere Matrix als bei der Freigabe: den Fall ändern und neu "
        "freigeben lassen"
    ),
    "a pattern goes out as numbers of many cases, never as one": (
        "ein Muster geht als Zahlen vieler Fälle hinaus, nie als einzelner"
    ),
    "{partner} receives nothing without {conditions}": (
        "{partner} erhält nichts ohne {conditions}"
    ),
    # what partners ask
    "no partner has acknowledged this case yet: note that first (`fedsafe case "
    "acknowledged`)": (
        "noch kein Partner hat diesen Fall bestätigt: das zuerst eintragen (`fedsafe "
        "case acknowledged`)"
    ),
    "no partner has asked for more: note that first (`fedsafe case asked`)": (
        "kein Partner hat nachgefragt: das zuerst eintragen (`fedsafe case asked`)"
    ),
    "all that was asked is answered already: look (`fedsafe case show`)": (
        "alle Rückfragen sind schon beantwortet: nachsehen (`fedsafe case show`)"
    ),
    "no open question has this reference: give that under which it was asked (`fedsafe "
    "case show`)": (
        "keine offene Rückfrage hat dieses Zeichen: das angeben, unter dem gefragt "
        "wurde (`fedsafe case show`)"
    ),
    "a case keeps no more than 100 of them": "ein Fall behält höchstens 100 davon",
    # its packages
    "nothing of this case was sent": "von diesem Fall wurde nichts übermittelt",
    "this package keeps no more than 200 attempts: note when it was handed over": (
        "dieses Paket behält höchstens 200 Versuche: eintragen, wenn es übergeben ist"
    ),
    "this dispatch is {sent} already": "dieses Paket ist schon {sent}",
    "nothing of this dispatch can have arrived: note first that it was handed over "
    "(`fedsafe case handed`), or let the node send it": (
        "davon kann nichts angekommen sein: erst eintragen, dass es übergeben wurde "
        "(`fedsafe case handed`), oder den Knoten senden lassen"
    ),
    "no mail of this dispatch can have arrived; call the partner": (
        "davon kann keine E-Mail angekommen sein; den Partner anrufen"
    ),
    "{name} has no package of this dispatch in hand, nor has anybody else": (
        "{name} hat davon kein Paket in der Hand, und auch sonst niemand"
    ),
    "{name} has no package of this dispatch in hand; who has one: {others} "
    "(`--taken-by`)": (
        "{name} hat davon kein Paket in der Hand; wer eines hat: {others} "
        "(`--taken-by`)"
    ),
    "the recalled package for {partner} was taken by {others}: note what came of it, "
    "also that it was kept back (`fedsafe case handed`)": (
        "das zurückgerufene Paket für {partner} hat {others} entnommen: eintragen, was "
        "daraus wurde, auch dass es zurückbehalten wurde (`fedsafe case handed`)"
    ),
    "{partner} has a recalled package that nothing corrects: recall the case again "
    "(`fedsafe case recall`)": (
        "{partner} hat ein zurückgerufenes Paket, das nichts berichtigt: den Fall "
        "nochmals zurückrufen (`fedsafe case recall`)"
    ),
    "a package is under way to {partner}: bring it there, or recall the case (`fedsafe "
    "case dispatches`)": (
        "ein Paket ist unterwegs zu {partner}: hinbringen, oder den Fall zurückrufen "
        "(`fedsafe case dispatches`)"
    ),
    "a correction is under way to {partner}: bring it there (`fedsafe case "
    "dispatches`)": (
        "eine Berichtigung ist unterwegs zu {partner}: hinbringen (`fedsafe case "
        "dispatches`)"
    ),
    # partners
    "a test never goes to a production contact; enter one for tests": (
        "ein Test geht nie an einen echten Kontakt; einen für Tests eintragen"
    ),
    "this partner has no key": "dieser Partner hat keinen Schlüssel",
    "there is no such partner, and so no revision {revision}: a new one replaces "
    "none": (
        "diesen Partner gibt es nicht, also auch keine Fassung {revision}: ein neuer "
        "ersetzt keine"
    ),
    "the partner has revision {revision}, and is no new one: look at it again": (
        "der Partner hat Fassung {revision} und ist kein neuer: nochmals ansehen"
    ),
    "the partner has revision {revision}, not {other}: look at it again": (
        "der Partner hat Fassung {revision}, nicht {other}: nochmals ansehen"
    ),
    "a partner without a phone number cannot be called": (
        "ein Partner ohne Telefonnummer kann nicht angerufen werden"
    ),
    "give {told} as it was read out, if the partner has that key": (
        "{told} so angeben, wie es vorgelesen wurde, wenn der Partner diesen Schlüssel "
        "hat"
    ),
    "{told} is not the fingerprint of the key entered here": (
        "{told} ist nicht der Fingerabdruck des hier eingetragenen Schlüssels"
    ),
    "give host_keys, one for each server over SFTP, as they were read out": (
        "host_keys angeben, einen für jeden Server über SFTP, wie vorgelesen"
    ),
    "host_keys has another fingerprint than the host key entered here": (
        "host_keys hat einen anderen Fingerabdruck als der hier eingetragene "
        "Serverschlüssel"
    ),
}
