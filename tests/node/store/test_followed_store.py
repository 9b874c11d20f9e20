# SPDX-License-Identifier: Apache-2.0
import asyncio
import inspect
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from tests.node.conftest import behind

from fedsafe_node.ground.errors import ConflictError, UnavailableError
from fedsafe_node.store.change_counter import ALONE, Topic, read_counts
from fedsafe_node.store.followed_store import FOLLOWED, NAMED, FollowedStore
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import CredentialRow
from fedsafe_node.store.transaction import Transaction

__all__ = ["behind"]  # of the run's kind, where the store's own tests use each

NOT_FOLLOWED = {
    # read from the store whenever they are needed
    *(
        "add_act",
        "add_act_refusal",
        "forget_act_refusals",
        "add_audience",
        "add_breach_entry",
        "add_round_entry",
        "add_case_alarm",
        "add_case_step",
        "put_case",
        "put_order",
        "add_dispatch",
        "move_dispatch",
        "erase_dispatch",
        "add_attempt",
        "end_attempt",
        "add_taking",
        "end_taking",
        "add_sending",
        "put_partner",
        "add_custody",
        "add_dispute",
    ),
    *("add_draft", "add_erasure", "add_gap", "add_grant", "add_handed", "add_hold"),
    *("add_idempotent_answer", "add_identity", "add_notice", "add_pack"),
    *("add_passkey", "set_passkey", "remove_passkey", "remove_passkeys_of"),
    *("spend_challenge", "forget_challenges"),
    *("add_receipt", "add_repeats", "add_served_again"),
    *("add_request", "add_restriction", "add_ruling", "add_sign_off", "add_task"),
    *("add_task_answer", "add_task_decision", "add_task_hearing", "add_task_inquiry"),
    *("add_task_view", "add_training", "add_validations", "add_withholding", "append"),
    *("append_many", "decide_act", "decide_draft", "drop_task_signal", "end_grant"),
    *("erase_notice", "erase_opening", "erase_provider_event", "erase_task"),
    *("forget_cosignatures", "forget_decisions", "forget_idempotent_answers"),
    "forget_served_again",
    *("forget_sessions", "forget_throttles", "grant_opening", "lift_hold"),
    *("place_audience", "prune", "put_cosignature", "put_request"),
    "put_event_part",
    *("put_review", "put_session", "put_task", "put_task_signals", "put_throttle"),
    *("put_witnessed", "receipt_provider_event"),
    *("remove_custody", "remove_identities_of", "remove_session"),
    *("remove_sessions_of", "remove_throttle", "remove_validation", "set_due"),
    *("set_heard", "set_notice", "set_provider_reminder"),
    *("set_recovery_codes", "set_reminded", "spend_recovery_code", "tail"),
    *("set_let_go", "set_recorded", "wake_signal", "weigh_dispute"),
    *("add_waiting", "end_waiting", "put_off_waiting", "set_waiting_again"),
    # counted and ruled on in the store alone
    *("add_import", "put_import", "add_import_signals", "stop_import_signals"),
    *("take_listed", "add_taken_off", "clear_taken_off", "forget_taken_off"),
    *("add_flood", "add_flood_subject", "add_restricted", "drop_flood_subject"),
    *("drop_flood_subjects", "forget_floods", "forget_raised", "forget_restricted"),
    *("forget_flood_pictures", "put_flood", "put_flood_picture", "put_raised_bound"),
    *("add_trial", "add_trial_match", "forget_trial_matches", "put_trial"),
    "settle_sample",
    *("add_appeal", "add_appeal_ruling"),
    *("count_sighting", "end_inquiries", "forget_inquiries", "put_inquirer"),
    *("put_inquiry", "put_sent_inquiry", "put_told", "tell_sightings"),
    *("add_look", "ask_again", "drop_look", "forget_looks"),
    *("put_closing", "forget_closings", "add_sample", "put_sampled", "add_inventory"),
    # an index points to rows, and their status is read before they count
    *("relock_signal", "set_signal_status"),
    # the files that go are followed, not the note that they are to go
    *("begin_effect", "end_effect"),
    # only the process that leads has it in memory, and forgets it with its term
    *("add_feed_mark", "put_peer"),
    # each process spends its own leases, and reads the others' when it takes one
    *("add_leased", "forget_leased", "give_back"),
    # only the comparison of past days and the status read them, from the store
    *("forget_tallies", "put_tally"),
    # meters look at it again every second
    *("add_spent", "forget_spent"),
}
CREDENTIAL = CredentialRow(
    id="ab" * 32, name="bot", role="service", secret_hash=b"", created_at=0
)
SEEN = "provisions/approved"


@pytest.fixture
def one(store: Store) -> FollowedStore:
    return FollowedStore(store)


@pytest.fixture
async def other(store: Store) -> FollowedStore:
    other = FollowedStore(store)
    await other.follower.begin()
    return other


def heard(
    other: FollowedStore, *topics: Topic
) -> tuple[list[Topic], Callable[[Topic], Callable[[], Awaitable[None]]]]:
    """Note which topics a process takes up."""
    taken: list[Topic] = []

    def note(topic: Topic) -> Callable[[], Awaitable[None]]:
        async def take() -> None:
            taken.append(topic)

        return take

    for topic in topics or Topic:
        other.follower.take_up(topic, note(topic))
    return taken, note


def test_every_write_is_followed_or_named_as_not_followed() -> None:
    writes = {
        name
        for name, _ in inspect.getmembers(Transaction, inspect.iscoroutinefunction)
        if not hasattr(Reader, name)
    }

    assert writes - NOT_FOLLOWED == {*FOLLOWED, *NAMED}
    assert writes >= NOT_FOLLOWED


async def test_what_one_process_changes_another_takes_up(
    one: FollowedStore, other: FollowedStore
) -> None:
    taken, _ = heard(other)
    await one.write(lambda tx: tx.add_credential(CREDENTIAL))
    await one.write(lambda tx: tx.set_meta(SEEN, b"x"))
    await one.write(lambda tx: tx.put_document("attestation/b.demo", b"x"))

    await other.follower.fresh()

    assert taken == [Topic.DECISIONS, Topic.PEOPLE, Topic.MEMBERS]
    await other.follower.fresh()
    assert len(taken) == 3


async def test_what_concerns_nobody_else_is_not_counted(
    one: FollowedStore, other: FollowedStore
) -> None:
    taken, _ = heard(other)
    await one.write(lambda tx: tx.set_meta("store.identity", b"x"))
    await one.write(lambda tx: tx.set_due("expiry", 7))
    await one.write(lambda tx: tx.append("a.demo/audit", b"record"))

    await other.follower.fresh()

    assert taken == []
    assert await one.read(read_counts) == {}


async def test_an_act_that_fails_counts_nothing(
    one: FollowedStore, other: FollowedStore
) -> None:
    taken, _ = heard(other)
    await one.write(lambda tx: tx.add_credential(CREDENTIAL))
    await other.follower.fresh()

    with pytest.raises(ConflictError):
        await one.write(lambda tx: tx.add_credential(CREDENTIAL))
    await other.follower.fresh()

    assert taken == [Topic.PEOPLE]


async def test_who_begins_later_waits_for_a_later_look(
    one: FollowedStore, other: FollowedStore
) -> None:
    follower, entered, goes_on = other.follower, asyncio.Event(), asyncio.Event()
    names: list[int] = []

    async def people() -> None:
        entered.set()
        await goes_on.wait()
        names.append(len(await other.read(lambda reader: reader.credentials())))

    follower.take_up(Topic.PEOPLE, people)
    await one.write(lambda tx: tx.add_credential(CREDENTIAL))
    first = asyncio.create_task(follower.fresh())
    await entered.wait()
    again = msgspec.structs.replace(CREDENTIAL, id="cd" * 32, name="hal")
    await one.write(lambda tx: tx.add_credential(again))
    later = [asyncio.create_task(follower.fresh()) for _ in range(64)]
    goes_on.set()
    await asyncio.gather(first, *later)

    assert names[-1] == 2
    assert len(names) == 2


async def test_a_change_that_cannot_be_taken_up_stops_everything(
    one: FollowedStore, other: FollowedStore
) -> None:
    taken, note = heard(other)

    async def fail() -> None:
        raise RuntimeError("the text is gone")

    other.follower.take_up(Topic.DECISIONS, fail)
    await one.write(lambda tx: tx.set_meta(SEEN, b"x"))

    for _ in range(2):
        with pytest.raises(UnavailableError, match="cannot take up"):
            await other.follower.fresh()
    other.follower.take_up(Topic.DECISIONS, note(Topic.DECISIONS))
    await other.follower.fresh()
    assert taken == [Topic.DECISIONS]


async def test_an_own_change_is_looked_at_once_more(other: FollowedStore) -> None:
    taken, _ = heard(other)

    await other.write(lambda tx: tx.set_meta(SEEN, b"x"))
    await other.follower.fresh()
    await other.follower.fresh()

    assert taken == [Topic.DECISIONS]


async def test_a_cancelled_request_takes_nobody_elses_look_away(
    one: FollowedStore, other: FollowedStore
) -> None:
    taken, _ = heard(other)
    await one.write(lambda tx: tx.set_meta(SEEN, b"x"))
    gone, stays = (asyncio.create_task(other.follower.fresh()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()

    await stays

    assert taken == [Topic.DECISIONS]
    assert gone.cancelled()


async def test_a_process_that_is_alone_follows_nobody() -> None:
    await ALONE.fresh()
