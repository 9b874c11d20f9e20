# SPDX-License-Identifier: Apache-2.0
"""Whoever complains falsely is convicted, and a complaint opens nothing of others."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.crypto.dkg.rounds import (
    Forgery,
    Table,
    changed,
    complaints_of,
    decoded,
    finished,
    held_of,
    resharing_of,
    run_of,
    saying,
)

from fedsafe_crypto.dkg.blame import Seen, check_verdicts, decide, findings
from fedsafe_crypto.dkg.ceremony import announce
from fedsafe_crypto.dkg.feldman import key_place, open_share, open_token_key
from fedsafe_crypto.dkg.joint import outcome
from fedsafe_crypto.dkg.messages import (
    Announcement,
    Complaint,
    Deal,
    Reason,
    Verdict,
    complaint_of,
    digest_of,
    write,
)
from fedsafe_crypto.errors import DkgAbortError, Finding
from fedsafe_crypto.oprf.shares import draw_polynomial
from fedsafe_crypto.seal.hpke import RecipientKey

OLD = finished(run_of(2, (1, 2, 3)))
# 1 leaves, 2 and 3 stay, 5 and 7 join.
RUN = resharing_of(OLD, 3, (2, 3, 5, 7))
HONEST = Table(RUN, held_of(OLD)).play()
SEEN = HONEST.views[3]


def complaining(by: int, complaint: Complaint, table: Table = HONEST) -> Seen:
    """Give what everybody sees if one complains of a run that all else is well in."""
    verdict = Verdict(sender=by, transcript=b"", complaints=(complaint,))
    seen = table.views[3]
    return replace(seen, verdicts={**seen.verdicts, by: write(table.run, verdict)})


def of_deal(reason: Reason, *, about: int = 3, key: bytes = b"") -> Complaint:
    return complaint_of(2, about, reason, SEEN.deals[about], key)


def own_key(by: int, dealer: int) -> bytes:
    return HONEST.first[by].keys[RUN.dealers_to(by).index(dealer)]


def check_convicted(seen: Seen, by: int, about: int, reason: Reason) -> None:
    found = findings(RUN, seen)
    assert found == (Finding(by=by, about=about, reason=reason, guilty=by),)
    with pytest.raises(DkgAbortError, match=f"{by} is at fault"):
        outcome(RUN, seen)


IN_DEALS = [
    each
    for each in Reason
    if each is not Reason.OTHER_ANNOUNCEMENTS  # names what it saw instead, below
]


@pytest.mark.parametrize("by", [2, 5])
@pytest.mark.parametrize("reason", IN_DEALS)
@pytest.mark.parametrize("reveals", ["nothing", "its key", "another key", "a new key"])
def test_a_false_complaint_of_a_deal_convicts_its_author(
    reason: Reason, reveals: str, by: int
) -> None:
    key = {
        "nothing": b"",
        "its key": own_key(by, 3),
        "another key": own_key(by, 1),
        "a new key": bytes(range(32)),
    }[reveals]
    seen = complaining(by, of_deal(reason, key=key))

    check_convicted(seen, by, 3, reason)


def test_a_false_complaint_of_a_token_key_convicts_its_author() -> None:
    assert len(HONEST.first[5].token_keys) == 3
    for key in HONEST.first[5].token_keys:
        seen = complaining(5, of_deal(Reason.WRONG_TOKEN_KEY, key=key))

        check_convicted(seen, 5, 3, Reason.WRONG_TOKEN_KEY)


@pytest.mark.parametrize("by", [1, 2])
@pytest.mark.parametrize("reason", [Reason.UNUSABLE_KEY, Reason.MALFORMED])
def test_a_false_complaint_of_an_announcement_convicts_its_author(
    reason: Reason, by: int
) -> None:
    complaint = complaint_of(1, 5, reason, SEEN.announcements[5])
    seen = complaining(by, complaint)

    check_convicted(seen, by, 5, reason)


def test_a_false_complaint_of_other_announcements_convicts_its_author() -> None:
    saw = digest_of(SEEN.announcements[7])
    complaint = replace(of_deal(Reason.OTHER_ANNOUNCEMENTS), instead=saw)

    check_convicted(complaining(2, complaint), 2, 3, Reason.OTHER_ANNOUNCEMENTS)


def test_an_announcement_that_a_complainer_does_not_show_counts_against_it() -> None:
    complaint = replace(of_deal(Reason.OTHER_ANNOUNCEMENTS), instead=b"\1" * 32)

    [finding] = findings(RUN, complaining(2, complaint))
    assert (finding.guilty, finding.cites) == (2, b"\1" * 32)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_nothing_that_one_can_say_convicts_an_honest_participant(
    data: st.DataObject,
) -> None:
    by = data.draw(st.sampled_from([2, 5, 7]))
    round_ = data.draw(st.sampled_from([1, 2]))
    pool = RUN.dealers_to(by) if round_ == 2 else RUN.recipients_of(by)
    reason = data.draw(st.sampled_from(list(Reason)))
    if not pool:  # a newcomer deals to nobody, so it can complain of nobody
        return
    about = data.draw(st.sampled_from(pool))
    messages = SEEN.deals if round_ == 2 else SEEN.announcements
    keys = [b"", *HONEST.first[by].keys, *HONEST.first[by].token_keys, bytes(32)]
    complaint = Complaint(
        round=2 if round_ == 2 else 1,
        about=about,
        reason=reason,
        message=data.draw(st.sampled_from([digest_of(messages[about]), bytes(32)])),
        key=data.draw(st.sampled_from(keys)),
        instead=data.draw(
            st.sampled_from([b"", bytes(32), digest_of(SEEN.announcements[by])])
        ),
    )

    found = findings(RUN, complaining(by, complaint))
    assert {each.guilty for each in found} == {by}


def bad_share_for(victim: int) -> Table:
    """Let 3 deal badly to one and only to it."""
    table = Table(RUN, held_of(OLD))
    polynomial = draw_polynomial(3, secret=OLD[3].share.secret)
    sent: list[bytes] = []

    def say(_: int, message: bytes) -> bytes:
        del message
        if not sent:
            forgery = Forgery(polynomial=polynomial, shares={victim: b"\1" + bytes(31)})
            sent.append(write(RUN, forgery.deal(table, 3)))
        return sent[0]

    table.tamper = saying(2, 3, say)
    return table.play()


@pytest.mark.parametrize(("victim", "others"), [(2, (5, 7)), (5, (2, 7))])
def test_a_complaint_opens_one_sub_share_and_nothing_else(
    victim: int, others: tuple[int, int]
) -> None:
    table = bad_share_for(victim)
    [complaint] = complaints_of(table.third[victim])
    key = RecipientKey.from_bytes(complaint.key)
    opened: list[tuple[int, int]] = []
    for dealer in RUN.dealers:
        deal = decoded(Deal, table.views[2].deals[dealer])
        for recipient in RUN.recipients_of(dealer):
            if open_share(RUN, deal, recipient, key) is not Reason.UNREADABLE:
                opened.append((dealer, recipient))
            if recipient in RUN.newcomers:
                token = open_token_key(RUN, deal, recipient, key)
                assert token is Reason.UNREADABLE_TOKEN_KEY

    assert opened == [(3, victim)]
    for honest in others:
        assert complaints_of(table.third[honest]) == ()


def test_a_complaint_shown_to_anybody_convicts_the_dealer() -> None:
    table = bad_share_for(2)
    [complaint] = complaints_of(table.third[2])
    two = table.views[2]
    shown = Seen(announcements=two.announcements, deals={3: two.deals[3]})

    finding = decide(RUN, [shown], 2, complaint)
    assert finding == Finding(by=2, about=3, reason=Reason.WRONG_SHARE, guilty=3)


@pytest.mark.parametrize("lacks", ["the deal", "the announcements", "everything"])
def test_a_complaint_without_its_evidence_is_not_settled(lacks: str) -> None:
    table = bad_share_for(2)
    [complaint] = complaints_of(table.third[2])
    two = table.views[2]
    shown = {
        "the deal": Seen(announcements=two.announcements),
        "the announcements": Seen(deals=two.deals),
        "everything": Seen(),
    }[lacks]

    early = decide(RUN, [shown], 2, complaint)
    assert early.cites
    later = decide(RUN, [shown, two], 2, complaint)
    assert (later.guilty, later.cites) == (3, b"")


def test_a_complaint_of_a_deal_that_nobody_sent_counts_against_its_author() -> None:
    complaint = replace(of_deal(Reason.WRONG_SHARE), message=b"\1" * 32)

    [finding] = findings(RUN, complaining(2, complaint))
    assert (finding.guilty, finding.cites) == (2, b"\1" * 32)


def test_whoever_was_shown_another_deal_does_not_accuse_the_victim() -> None:
    # 3 deals badly to 2 and well to the others: both messages together convict it,
    # and nobody takes the complaint for a false one.
    table = bad_share_for(2)
    well = table.second[3].message
    others = [
        replace(table.views[index], deals={**table.views[index].deals, 3: well})
        for index in (1, 5, 7)
    ]
    alone = findings(RUN, others[0])

    assert {each.guilty for each in alone} == {2, 5, 7}
    assert all(each.cites for each in alone)
    found = findings(RUN, *others, table.views[2])
    assert {each.guilty for each in found} == {3}
    assert {each.reason for each in found} == {
        Reason.TWO_MESSAGES,
        Reason.WRONG_SHARE,
    }


def shuffled(views: Sequence[Seen]) -> list[tuple[Finding, ...]]:
    return [findings(RUN, *views[at:], *views[:at]) for at in range(len(views))]


def test_an_honest_pair_that_was_shown_different_announcements_is_not_blamed() -> None:
    table = Table(RUN, held_of(OLD))
    other = announce(RUN, 7).message
    table.tamper = saying(1, 7, lambda to, sent: other if to == 2 else sent)
    table.play()
    complaint = complaints_of(table.third[2])[0]
    views = [table.views[index] for index in (1, 2, 3, 5)]

    assert complaint.reason is Reason.OTHER_ANNOUNCEMENTS
    assert complaint.key == b""
    assert set(shuffled(views)) == {
        (Finding(about=7, reason=Reason.TWO_MESSAGES, guilty=7),)
    }
    finding = decide(RUN, views, 2, complaint)
    assert (finding.guilty, finding.reason) == (7, Reason.TWO_MESSAGES)
    for index in (1, 3):  # before 2 shows what it saw, the finding is not settled
        alone = findings(RUN, table.views[index])
        assert all(each.cites for each in alone)


def test_a_complainer_that_announced_two_keys_convicts_itself() -> None:
    table = Table(RUN, held_of(OLD))
    other = announce(RUN, 5)
    table.tamper = saying(1, 5, lambda to, sent: other.message if to == 3 else sent)
    table.play()
    deal = table.views[2].deals[3]
    key = table.first[5].keys[RUN.dealers_to(5).index(3)]
    lie = complaint_of(2, 3, Reason.UNREADABLE, deal, key)
    verdict = write(RUN, Verdict(sender=5, transcript=b"", complaints=(lie,)))
    views = [
        replace(
            table.views[index], verdicts={**table.views[index].verdicts, 5: verdict}
        )
        for index in (1, 2, 3, 7)
    ]

    assert {each.guilty for each in findings(RUN, *views)} == {5}


def test_a_dealer_that_took_a_malformed_announcement_lends_it_no_weight() -> None:
    # 5 announces junk to 3 and to all; 3 colludes and deals for it; 5 complains.
    deal = decoded(Deal, SEEN.deals[3])
    place = key_place(RUN, deal, 5)
    empty = changed(RUN, Announcement, SEEN.announcements[5], keys=())
    announcements = {**SEEN.announcements, 5: empty}
    table = Table(RUN, held_of(OLD), first=HONEST.first)
    table.views = {3: replace(SEEN, announcements=SEEN.announcements)}
    cited = [digest_of(announcements[index]) for index in RUN.indices]
    polynomial = draw_polynomial(3, secret=OLD[3].share.secret)
    forged = Forgery(polynomial=polynomial, announcements=cited).deal(table, 3)
    message = write(RUN, forged)
    complaint = complaint_of(
        2, 3, Reason.UNREADABLE, message, HONEST.first[5].keys[place]
    )
    shown = Seen(announcements=announcements, deals={3: message})

    assert decide(RUN, [shown], 5, complaint).guilty == 5


def test_a_run_without_the_guilty_gives_the_rest_a_key() -> None:
    table = bad_share_for(2)
    with pytest.raises(DkgAbortError) as caught:
        check_verdicts(RUN, table.views[5])
    guilty = {each.guilty for each in caught.value.findings if not each.cites}
    results = finished(RUN.without(guilty, attempt=b"2"), held_of(OLD))

    assert guilty == {3}
    assert sorted(results) == [2, 5, 7]
    assert results[5].pins.public == OLD[1].pins.public


def test_nothing_is_found_where_all_is_well() -> None:
    for views in ([SEEN], list(HONEST.views.values()), [Seen()]):
        check_verdicts(RUN, *views)
