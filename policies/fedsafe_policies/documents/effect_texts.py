# SPDX-License-Identifier: Apache-2.0
"""The words in which the effects of a changed policy are told."""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.documents.document import Flood
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.reasons import Text


def _flood(kind: str) -> Text:
    about = said(kind)
    return Text(
        f"Treffer eines Signals über {about.de}, die an einem Tag allein einschränken",
        f"matches of one {about.en} signal that restrict by themselves in a day",
    )


MORE_AND_LESS: Final[Mapping[str, tuple[Text, Text]]] = {
    "gate.planes": (
        Text(
            "Hinter der rechtlichen Freigabe stehen nun auch: {items}",
            "behind the legal gate now stand also: {items}",
        ),
        Text(
            "Ohne rechtliche Freigabe möglich sind nun: {items}",
            "no longer behind the legal gate: {items}",
        ),
    ),
    "share.planes": (
        Text(
            "Signale der Art {items} dürfen nun auch gehen an: {circles}",
            "{items} signals may now also go to: {circles}",
        ),
        Text(
            "Signale der Art {items} verlassen den Knoten nicht mehr",
            "{items} signals no longer leave the node",
        ),
    ),
    "share.identifiers": (
        Text(
            "Signale über {items} dürfen nun auch gehen an: {circles}",
            "{items} signals may now also go to: {circles}",
        ),
        Text(
            "Signale über {items} verlassen den Knoten nicht mehr",
            "{items} signals no longer leave the node",
        ),
    ),
    "share.media": (
        Text(
            "Hashes der Art {items} dürfen nun auch gehen an: {circles}",
            "{items} hashes may now also go to: {circles}",
        ),
        Text(
            "Hashes der Art {items} verlassen den Knoten nicht mehr",
            "{items} hashes no longer leave the node",
        ),
    ),
    "share.surfaces": (
        Text(
            "Funde dürfen nun auch stammen aus: {items}",
            "findings may now also come from: {items}",
        ),
        Text(
            "Funde zählen nicht mehr aus: {items}",
            "findings no longer count from: {items}",
        ),
    ),
    "share.grades": (
        Text(
            "Als Beleg genügt nun auch: {items}", "now also enough as evidence: {items}"
        ),
        Text(
            "Als Beleg genügt nicht mehr: {items}",
            "no longer enough as evidence: {items}",
        ),
    ),
    "scopes.circles": (
        Text(
            "Signale dürfen nun auch bestimmt sein für: {items}",
            "signals may now also be meant for: {items}",
        ),
        Text(
            "Signale dürfen nicht mehr bestimmt sein für: {items}",
            "signals may no longer be meant for: {items}",
        ),
    ),
    "notices.reasons": (
        Text(
            "Eine Benachrichtigung darf nun auch warten wegen: {items}",
            "a notice may now also wait for: {items}",
        ),
        Text(
            "Eine Benachrichtigung wartet nicht mehr wegen: {items}",
            "a notice no longer waits for: {items}",
        ),
    ),
    "four_eyes.acts": (
        Text("Zwei Personen braucht nun auch: {items}", "now also takes two: {items}"),
        Text(
            "Eine Person genügt nun für: {items}", "now takes one person only: {items}"
        ),
    ),
    "jurisdictions.allowed": (
        Text(
            "Daten dürfen nun auch gehen nach: {items}", "data may now go to: {items}"
        ),
        Text("Daten gehen nicht mehr nach: {items}", "data no longer go to: {items}"),
    ),
    "do_not_share.lists": (
        Text("Nun gilt auch die Liste: {items}", "now also applies the list: {items}"),
        Text("Nicht mehr gilt die Liste: {items}", "no longer applies: {items}"),
    ),
    "staffing.seats": (
        Text("Zu besetzen ist nun auch: {items}", "now also to be filled: {items}"),
        Text("Nicht mehr zu besetzen ist: {items}", "need not be filled: {items}"),
    ),
    "staffing.external": (
        Text(
            "Externe dürfen nun auch sein: {items}",
            "outsiders may now also be: {items}",
        ),
        Text(
            "Externe dürfen nicht mehr sein: {items}",
            "outsiders may no longer be: {items}",
        ),
    ),
    "working_days.holidays": (
        Text("Fristen ruhen nun auch am: {items}", "clocks now also rest on: {items}"),
        Text("Fristen laufen nun auch am: {items}", "clocks now run on: {items}"),
    ),
    "working_days.easter": (
        Text(
            "Fristen ruhen nun auch an den Tagen nach Ostern: {items}",
            "clocks now also rest on days after Easter: {items}",
        ),
        Text(
            "Fristen laufen nun auch an den Tagen nach Ostern: {items}",
            "clocks now run on days after Easter: {items}",
        ),
    ),
}
"""Of keys with several values: what is said of those that come and that go."""

NOUNS: Final[Mapping[str, Text]] = {
    "gate.mode": Text("Freigabe", "legal gate"),
    "retention.actor": Text("Personensignale enden nach", "actor signals end after"),
    "retention.renewed": Text(
        "Erneut geprüfte Personensignale enden nach",
        "actor signals that were reviewed again end after",
    ),
    "retention.media": Text("Mediensignale enden nach", "media signals end after"),
    "retention.revalidate": Text(
        "Mediensignale werden neu geprüft alle", "media signals are validated every"
    ),
    "retention.bucket": Text("Tage werden gerundet auf", "days are rounded to"),
    "retention.after_match": Text(
        "Angaben bleiben nach dem Ende noch", "openings outlive their signal by"
    ),
    "retention.cases": Text(
        "Geschlossene Fälle werden gelöscht nach", "closed cases are erased after"
    ),
    "review.working_days": Text(
        "Arbeitstage bis zur Entscheidung über einen Treffer",
        "working days to decide on a match",
    ),
    "review.longest": Text(
        "Ein Treffer wartet höchstens", "a match waits at the longest"
    ),
    "review.watch": Text("Beobachtung höchstens", "a watch lasts at most"),
    "review.watch_renewals": Text(
        "Verlängerungen einer Beobachtung", "renewals of a watch"
    ),
    "review.feature_limit": Text(
        "Einschränkung höchstens", "a feature limit lasts at most"
    ),
    "review.second_person_from": Text(
        "Zweite Person ab Stufe", "a second person confirms from"
    ),
    "review.hearing_from": Text("Anhörung ab Stufe", "a hearing comes before"),
    "review.alarm_tasks": Text("Alarm ab so vielen Fällen", "alarm from so many tasks"),
    "review.alarm_percent": Text(
        "Alarm über so viel Prozent Bestätigungen",
        "alarm above this percentage of confirmations",
    ),
    "review.alarm_seconds": Text(
        "Alarm unter so vielen Sekunden je Fall", "alarm below so many seconds a task"
    ),
    "review.ask_again_seconds": Text(
        "Rückfrage unter so vielen Sekunden bis zur Entscheidung",
        "a decision is asked once more below so many seconds",
    ),
    "disputes.suspend_minutes": Text(
        "Minuten, bis ein Einwand wirkt", "minutes until a dispute acts"
    ),
    "disputes.ruling_working_days": Text(
        "Arbeitstage bis zur Entscheidung über einen Einwand",
        "working days to rule on a dispute",
    ),
    "disputes.suspensions_a_day": Text(
        "Ruhende Signale je Knoten und Tag", "signals a node can rest in a day"
    ),
    "disputes.attested_a_day": Text(
        "davon getrennt: auf Bescheinigung eines Mitglieds",
        "apart from these: by a member's attestation",
    ),
    "erasure.alarm_hours": Text(
        "Stunden bis zum Alarm ohne Löschquittung",
        "hours until a missing receipt alarms",
    ),
    "erasure.stop_hours": Text(
        "Stunden bis zum Stopp ohne Löschquittung",
        "hours until a missing receipt stops openings",
    ),
    "notices.longest": Text(
        "Eine Benachrichtigung wartet höchstens", "a notice waits at the longest"
    ),
    "do_not_share.shortest": Text(
        "Kürzeste teilbare Kennung", "shortest identifier that is shared"
    ),
    "budgets.publications_an_hour": Text(
        "Veröffentlichungen je Stunde", "publications an hour"
    ),
    "budgets.publications_a_day": Text(
        "Veröffentlichungen je Tag", "publications a day"
    ),
    "budgets.identifiers_an_account": Text(
        "Kennungen je Konto", "identifiers an account"
    ),
    "staffing.external_longest": Text(
        "Externe höchstens", "outsiders hold a seat at most"
    ),
    "corroboration.origins": Text(
        "Unabhängige Anbieter für eine Empfehlung",
        "independent providers for a recommendation",
    ),
    **{f"flood.{kind}": _flood(kind) for kind in Flood.__struct_fields__},
    "retention.sample_percent": Text(
        "Prozent der eigenen Signale, die jedes Jahr neu angesehen werden",
        "percentage of the own signals that is looked at again each year",
    ),
    "trial.lasts": Text("Signale auf Probe wirken nicht für", "a trial lasts"),
    "trial.first": Text(
        "Treffer auf Probe, die alle geprüft werden",
        "matches on trial that are all reviewed",
    ),
    "trial.percent": Text(
        "Prozent der weiteren Treffer auf Probe, die geprüft werden",
        "percentage of further matches on trial that is reviewed",
    ),
    "trial.probation_reviews": Text(
        "Bewährung frühestens nach so vielen Prüfungen durch zwei Personen",
        "reviews by two people before an origin can be on probation",
    ),
    "trial.probation_percent": Text(
        "Bewährung über so viel Prozent falscher Einträge",
        "probation above this percentage of wrong listings",
    ),
    "pictures.radius": Text(
        "Abweichende Bits, bis zu denen ein Bild trifft",
        "bits up to which a picture may differ and match",
    ),
    "rulebook.cited": Text("Anführbare Regeln", "rules that may be cited"),
}
"""Of keys with one value: what it is."""

TABLE_NOUNS: Final[Mapping[str, Text]] = {
    "scopes.groups": Text("Gruppe", "group"),
    "phenomena": Text("Signale zur Erscheinungsform", "signals about"),
    "purposes": Text("Zwecke der Rolle", "purposes of the role"),
    "jurisdictions.transfers": Text("Übermittlung nach", "transfer to"),
    "budgets.lookups_an_hour": Text(
        "Abfragen je Stunde zum Zweck", "lookups an hour for"
    ),
    "budgets.evaluations_an_hour": Text(
        "Auswertungen je Mitglied und Stunde für", "evaluations a member and hour for"
    ),
    "budgets.evaluations_a_day": Text(
        "Auswertungen je Mitglied und Tag für", "evaluations a member and day for"
    ),
    "pictures.origins": Text(
        "Abweichende Bits bei Bildern von", "differing bits of pictures of"
    ),
    "ageing": Text("Treffer endet früher für", "identifier ages:"),
    "staffing.apart": Text("Unvereinbar mit", "kept apart from"),
    "training": Text("Schulung für", "training of"),
}
"""Of tables: what a line is about."""
