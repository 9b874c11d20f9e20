# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` says of deadlines that are over."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_policies.ground.catalogue import Phrase

_PROMISED_S: Final = 5 * 60
"""Within so many seconds what a person contests rests at all members."""


def overdue(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say which deadlines are over: of breaches, cases, orders, requests; and stops."""
    if late := status.get("breaches_overdue"):
        way_out = Phrase("tell the authority, then `fedsafe breach notify`")
        found = Phrase("the 72 hours are over for {late} breaches").filled(late=late)
        yield Finding(Phrase("breaches"), Level.FAIL, found, way_out)
    yield from _round(status)
    if late := status.get("cases_overdue"):
        way_out = Phrase("`fedsafe case list` says which, and what they owe")
        found = Phrase("{late} cases are overdue").filled(late=late)
        yield Finding(Phrase("cases"), Level.FAIL, found, way_out)
    if late := status.get("orders_overdue"):
        way_out = Phrase(
            "`fedsafe order list` says which; the legal adviser answers them"
        )
        found = Phrase("{late} orders or letters of authorities are overdue").filled(
            late=late
        )
        yield Finding(Phrase("orders"), Level.FAIL, found, way_out)
    if late := status.get("requests_overdue"):
        way_out = Phrase(
            "`fedsafe rights list` says which; answer them: the law gives a month"
        )
        found = Phrase("{late} requests of persons are overdue").filled(late=late)
        yield Finding(Phrase("requests"), Level.FAIL, found, way_out)
    seconds = int(status.get("longest_wait_s") or 0)
    if seconds > _PROMISED_S:
        waiting = status.get("requests_waiting")
        hours, minutes = divmod(seconds // 60, 60)
        way_out = Phrase(
            "see at each peer whether it answers; for people whom you know open "
            "requests as an officer (`fedsafe rights open`), which come first: "
            "docs/howto/operate.md, the form for persons"
        )
        found = Phrase(
            "{waiting} requests of persons wait to be looked up, the oldest for "
            "{hours} h {minutes} min"
        ).filled(waiting=waiting, hours=hours, minutes=minutes)
        yield Finding(Phrase("requests that wait"), Level.WARN, found, way_out)
    if late := status.get("checks_forgotten"):
        way_out = Phrase(
            "whoever made the check asks again: `fedsafe rights list` says which, then "
            "`fedsafe rights check REQUEST`"
        )
        found = Phrase(
            "{late} identity checks that no second officer can decide on any more"
        ).filled(late=late)
        yield Finding(Phrase("identity checks"), Level.FAIL, found, way_out)
    if status.get("sending_off"):
        way_out = Phrase("`fedsafe case sending on` lets it go on")
        yield Finding(
            Phrase("sending"), Level.WARN, Phrase("no case package leaves"), way_out
        )
    if waiting := status.get("packages_by_hand"):
        way_out = Phrase("`fedsafe case dispatches CASE` names the ways that are left")
        found = Phrase("case packages that wait for a person: {waiting}").filled(
            waiting=waiting
        )
        yield Finding(Phrase("packages"), Level.WARN, found, way_out)
    if taken := status.get("packages_in_hand"):
        way_out = Phrase(
            "`fedsafe case dispatches CASE` says who has them; they note what came of "
            "it, also that it was kept back: `fedsafe case handed`"
        )
        found = Phrase(
            "case packages that somebody took out, with no word since: {taken}"
        ).filled(taken=taken)
        yield Finding(Phrase("packages taken"), Level.WARN, found, way_out)


def _round(status: Mapping[str, Any]) -> Iterator[Finding]:
    if status.get("rounds_overdue"):
        way_out = Phrase("a reviewer, the dpo or an auditor: `fedsafe round open`")
        found = Phrase("nobody has signed a review round of the audit log for a month")
        yield Finding(Phrase("review round"), Level.WARN, found, way_out)
