# SPDX-License-Identifier: Apache-2.0
"""The words in which the effects of a changed policy are told."""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.documents.document import Flood
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text


def _flood(kind: str) -> Text:
    told = Phrase("matches of one {kind} signal that restrict by themselves in a day")
    return told.filled(kind=said(kind)).both()


MORE_AND_LESS: Final[Mapping[str, tuple[Phrase, Phrase]]] = {
    "gate.planes": (
        Phrase("behind the legal gate now stand also: {items}"),
        Phrase("no longer behind the legal gate: {items}"),
    ),
    "share.planes": (
        Phrase("{items} signals may now also go to: {circles}"),
        Phrase("{items} signals no longer leave the node"),
    ),
    "share.identifiers": (
        Phrase.within("effect", "{items} signals may now also go to: {circles}"),
        Phrase.within("effect", "{items} signals no longer leave the node"),
    ),
    "share.media": (
        Phrase("{items} hashes may now also go to: {circles}"),
        Phrase("{items} hashes no longer leave the node"),
    ),
    "share.surfaces": (
        Phrase("findings may now also come from: {items}"),
        Phrase("findings no longer count from: {items}"),
    ),
    "share.grades": (
        Phrase("now also enough as evidence: {items}"),
        Phrase("no longer enough as evidence: {items}"),
    ),
    "scopes.circles": (
        Phrase("signals may now also be meant for: {items}"),
        Phrase("signals may no longer be meant for: {items}"),
    ),
    "notices.reasons": (
        Phrase("a notice may now also wait for: {items}"),
        Phrase("a notice no longer waits for: {items}"),
    ),
    "four_eyes.acts": (
        Phrase("now also takes two: {items}"),
        Phrase("now takes one person only: {items}"),
    ),
    "jurisdictions.allowed": (
        Phrase("data may now go to: {items}"),
        Phrase("data no longer go to: {items}"),
    ),
    "do_not_share.lists": (
        Phrase("now also applies the list: {items}"),
        Phrase("no longer applies: {items}"),
    ),
    "staffing.seats": (
        Phrase("now also to be filled: {items}"),
        Phrase("need not be filled: {items}"),
    ),
    "staffing.external": (
        Phrase("outsiders may now also be: {items}"),
        Phrase("outsiders may no longer be: {items}"),
    ),
    "working_days.holidays": (
        Phrase("clocks now also rest on: {items}"),
        Phrase("clocks now run on: {items}"),
    ),
    "working_days.easter": (
        Phrase("clocks now also rest on days after Easter: {items}"),
        Phrase("clocks now run on days after Easter: {items}"),
    ),
}
"""Of keys with several values: what is said of those that come and that go."""

NOUNS: Final[Mapping[str, Text]] = {
    "gate.mode": Phrase("legal gate").both(),
    "retention.actor": Phrase("actor signals end after").both(),
    "retention.renewed": Phrase(
        "actor signals that were reviewed again end after"
    ).both(),
    "retention.media": Phrase("media signals end after").both(),
    "retention.revalidate": Phrase("media signals are validated every").both(),
    "retention.bucket": Phrase("days are rounded to").both(),
    "retention.after_match": Phrase("openings outlive their signal by").both(),
    "retention.cases": Phrase("closed cases are erased after").both(),
    "review.working_days": Phrase("working days to decide on a match").both(),
    "review.longest": Phrase("a match waits at the longest").both(),
    "review.watch": Phrase("a watch lasts at most").both(),
    "review.watch_renewals": Phrase("renewals of a watch").both(),
    "review.feature_limit": Phrase("a feature limit lasts at most").both(),
    "review.second_person_from": Phrase("a second person confirms from").both(),
    "review.hearing_from": Phrase("a hearing comes before").both(),
    "review.alarm_tasks": Phrase("alarm from so many tasks").both(),
    "review.alarm_percent": Phrase(
        "alarm above this percentage of confirmations"
    ).both(),
    "review.alarm_seconds": Phrase("alarm below so many seconds a task").both(),
    "review.ask_again_seconds": Phrase(
        "a decision is asked once more below so many seconds"
    ).both(),
    "disputes.suspend_minutes": Phrase("minutes until a dispute acts").both(),
    "disputes.ruling_working_days": Phrase("working days to rule on a dispute").both(),
    "disputes.suspensions_a_day": Phrase("signals a node can rest in a day").both(),
    "disputes.attested_a_day": Phrase(
        "apart from these: by a member's attestation"
    ).both(),
    "erasure.alarm_hours": Phrase("hours until a missing receipt alarms").both(),
    "erasure.stop_hours": Phrase("hours until a missing receipt stops openings").both(),
    "notices.longest": Phrase("a notice waits at the longest").both(),
    "do_not_share.shortest": Phrase("shortest identifier that is shared").both(),
    "budgets.publications_an_hour": Phrase("publications an hour").both(),
    "budgets.publications_a_day": Phrase("publications a day").both(),
    "budgets.identifiers_an_account": Phrase("identifiers an account").both(),
    "staffing.external_longest": Phrase("outsiders hold a seat at most").both(),
    "corroboration.origins": Phrase(
        "independent providers for a recommendation"
    ).both(),
    **{f"flood.{kind}": _flood(kind) for kind in Flood.__struct_fields__},
    "retention.sample_percent": Phrase(
        "percentage of the own signals that is looked at again each year"
    ).both(),
    "trial.lasts": Phrase("a trial lasts").both(),
    "trial.first": Phrase("matches on trial that are all reviewed").both(),
    "trial.percent": Phrase(
        "percentage of further matches on trial that is reviewed"
    ).both(),
    "trial.probation_reviews": Phrase(
        "reviews by two people before an origin can be on probation"
    ).both(),
    "trial.probation_percent": Phrase(
        "probation above this percentage of wrong listings"
    ).both(),
    "pictures.radius": Phrase("bits up to which a picture may differ and match").both(),
    "rulebook.cited": Phrase("rules that may be cited").both(),
}
"""Of keys with one value: what it is."""

TABLE_NOUNS: Final[Mapping[str, Text]] = {
    "scopes.groups": Phrase("group").both(),
    "phenomena": Phrase("signals about").both(),
    "purposes": Phrase("purposes of the role").both(),
    "jurisdictions.transfers": Phrase("transfer to").both(),
    "budgets.lookups_an_hour": Phrase("lookups an hour for").both(),
    "budgets.evaluations_an_hour": Phrase("evaluations a member and hour for").both(),
    "budgets.evaluations_a_day": Phrase("evaluations a member and day for").both(),
    "pictures.origins": Phrase("differing bits of pictures of").both(),
    "ageing": Phrase("identifier ages:").both(),
    "staffing.apart": Phrase("kept apart from").both(),
    "training": Phrase("training of").both(),
}
"""Of tables: what a line is about."""
