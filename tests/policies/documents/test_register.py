# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.documents.register import (
    CLAIMS,
    Claim,
    Fault,
    Status,
    catalogue,
    effective,
    fault_of,
    lacking,
    met_until,
)

NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())
END = date(2027, 11, 1)
MET = Claim(item="S-V-1", status=Status.MET, expires_on=END, evidence="doc-7")
MANDATORY = [item.id for item in catalogue().values() if item.mandatory]

claims = st.builds(
    Claim,
    item=st.sampled_from([*catalogue(), "S-VI-99"]),
    status=st.sampled_from(Status),
    expires_on=st.dates(date(2026, 1, 1), date(2029, 1, 1)),
    evidence=st.sampled_from([None, "doc-7", "https://chat.example/s", "two words"]),
    reason=st.sampled_from([None, "no-search", "§ 176"]),
    reviewed=st.booleans(),
)


def full(*, but: str = "") -> list[Claim]:
    return [replace(MET, item=item, reviewed=True) for item in MANDATORY if item != but]


def test_every_item_has_a_title_in_both_languages_and_its_source() -> None:
    items = catalogue().values()

    assert all(item.title.de and item.title.en and item.source for item in items)
    assert len(items) == 17
    assert len({item.title.en for item in items}) == 17


def test_an_empty_register_lacks_every_mandatory_item() -> None:
    assert lacking({}, NOW) == tuple(MANDATORY)
    assert met_until({}) == 0


def test_a_full_register_is_met_until_its_first_item_expires() -> None:
    soonest = replace(MET, item="S-I-4", reviewed=True, expires_on=date(2027, 2, 1))
    counting = effective([*full(), soonest])
    until = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp())

    assert lacking(counting, NOW) == ()
    assert met_until(counting) == until
    assert lacking(counting, until - 1) == ()
    assert lacking(counting, until) == ("S-I-4",)


@pytest.mark.parametrize("item", MANDATORY)
def test_each_mandatory_item_counts(item: str) -> None:
    assert lacking(effective(full(but=item)), NOW) == (item,)


def test_a_claim_counts_only_once_a_second_person_confirmed_it() -> None:
    unconfirmed = effective([*full(but="S-V-1"), MET])

    assert lacking(unconfirmed, NOW) == ("S-V-1",)


def test_a_renewal_that_waits_for_its_review_opens_no_gap() -> None:
    renewal = replace(MET, expires_on=date(2027, 11, 20))

    assert effective([*full(), renewal])["S-V-1"].expires_on == END


@pytest.mark.parametrize("status", [Status.PLANNED, Status.PARTLY])
def test_what_takes_a_claim_back_counts_at_once(status: Status) -> None:
    worse = replace(MET, status=status, evidence=None)

    assert lacking(effective([*full(), worse]), NOW) == ("S-V-1",)


@pytest.mark.parametrize(
    ("claim", "fault"),
    [
        (MET, None),
        (replace(MET, evidence="https://chat.example/schutz"), None),
        (replace(MET, item="S-VI-9"), Fault.ITEM),
        (replace(MET, evidence=None), Fault.EVIDENCE_MISSING),
        (replace(MET, evidence="see the wiki"), Fault.EVIDENCE),
        (replace(MET, evidence="anna@chat.example"), Fault.EVIDENCE),
        (replace(MET, evidence="http://chat.example/" + "x" * 64), Fault.EVIDENCE),
        (replace(MET, status=Status.NOT_APPLICABLE, reason="r"), Fault.APPLIES),
        (replace(MET, reason="too many words"), Fault.REASON),
        (
            replace(MET, item="S-I-3", status=Status.NOT_APPLICABLE),
            Fault.REASON_MISSING,
        ),
        (
            replace(MET, item="S-I-3", status=Status.NOT_APPLICABLE, reason="dpo-3"),
            None,
        ),
        (
            replace(MET, item="S-II-4d", status=Status.NOT_APPLICABLE, reason="dpo-3"),
            Fault.APPLIES,
        ),
        (replace(MET, status=Status.PLANNED, evidence=None), None),
        (replace(MET, expires_on=date(2026, 11, 24)), Fault.EXPIRED),
        (replace(MET, expires_on=date(2027, 11, 24)), None),
        (replace(MET, expires_on=date(2027, 11, 25)), Fault.TOO_LONG),
    ],
)
def test_an_entry_is_refused_by_name(claim: Claim, fault: Fault | None) -> None:
    assert fault_of(claim, NOW) is fault


@given(st.lists(claims, max_size=40), st.integers(NOW - 10**8, NOW + 10**8))
def test_the_register_is_met_exactly_until_something_is_lacking(
    history: list[Claim], now: int
) -> None:
    counting = effective(history)

    assert (met_until(counting) > now) is (lacking(counting, now) == ())


@given(st.lists(claims, max_size=40))
def test_no_unreviewed_claim_ever_counts(history: list[Claim]) -> None:
    counting = effective(history).values()

    assert all(each.reviewed for each in counting if each.status in CLAIMS)


def test_what_is_mandatory_is_met_by_nothing_else() -> None:
    mandatory = [item for item in catalogue().values() if item.mandatory]
    history = [replace(MET, item=item.id, reviewed=True) for item in mandatory]
    skipped = replace(history[-1], status=Status.NOT_APPLICABLE, reason="dpo-3")

    assert not any(item.may_not_apply for item in mandatory)
    assert lacking(effective(history), NOW) == ()
    assert lacking(effective([*history, skipped]), NOW) == (skipped.item,)
