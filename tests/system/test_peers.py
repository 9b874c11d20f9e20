# SPDX-License-Identifier: Apache-2.0
"""Members that lie are named and passed over; too few members defer an answer."""

from collections.abc import Iterator

import pytest
from tests.support.federation import Federation, federation, until
from tests.support.hatchery import hatchery
from tests.support.lying_node import LIES

from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_cli.terminal.exit_codes import ExitStatus

pytestmark = pytest.mark.timeout(90)

PERSON = {"kind": "email", "value": "anna.muster@post.example"}
STRANGER = "stranger@post.example"
TRIES = 15  # of two lookups, each of which asks the liar or the other by chance


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    root = tmp_path_factory.mktemp("peers")
    with federation(root / "f") as raised, hatchery(root / "clock") as hatched:
        raised.starter = hatched.start
        raised.publish(raised.a, [PERSON])
        until(raised.caught_up, "replication")
        yield raised


def _accused(fed: Federation, node: DemoNode) -> list[str]:
    """Name whom a node's audit log calls wrong, oldest first."""
    auditor = fed.caller(node, "audit")
    events = auditor.get("/v1/audit/events?limit=1000").body["events"]
    lies = [each for each in events if each["event"] == "evaluation.wrong_answer"]
    return [each["detail"]["peer"] for each in lies]


def _exit_status(fed: Federation, node: DemoNode, value: str) -> int:
    command = ("lookup", "--kind", "email", "-")
    return fed.fedsafe(*command, node=node, typed=f"{value}\n".encode()).returncode


@pytest.mark.promise("TM-09")
@pytest.mark.parametrize("how", LIES)
def test_a_liar_is_named_and_another_is_asked(fed: Federation, how: str) -> None:
    before = len(_accused(fed, fed.a))
    # A node remembers a liar for minutes; one that starts anew asks whom chance says.
    fed.kill(fed.a)
    fed.start(fed.a)
    with fed.lying(fed.c, how):
        until(fed.caught_up, "catching up")
        told, named = set[tuple[int, int]](), list[str]()
        for _ in range(TRIES):
            found = _exit_status(fed, fed.a, PERSON["value"])
            unknown = _exit_status(fed, fed.a, STRANGER)
            told.add((found, unknown))
            if named := _accused(fed, fed.a)[before:]:
                break

    assert told == {(ExitStatus.MATCH, ExitStatus.NO_SIGNAL)}
    assert named == [fed.c.name]


@pytest.mark.promise("TM-09")
def test_too_few_members_defer_and_the_same_question_succeeds_later(
    fed: Federation,
) -> None:
    until(fed.caught_up, "catching up")
    asked = PERSON["value"]
    fed.kill(fed.b)
    with_two = _exit_status(fed, fed.a, asked)
    fed.kill(fed.c)
    with_one = [_exit_status(fed, fed.a, value) for value in (asked, STRANGER)]
    answer = fed.lookup(fed.a, PERSON)
    fed.start(fed.b)
    again = _exit_status(fed, fed.a, asked)
    until(lambda: _exit_status(fed, fed.a, asked) == ExitStatus.MATCH, "a match")
    fed.start(fed.c)

    assert with_two == ExitStatus.MATCH
    assert with_one == [ExitStatus.DEFERRED] * 2
    assert (answer.status, answer.body["result"]) == (200, "deferred")
    assert answer.body["matches"] == []
    assert answer.body["retry_after_ms"] > 0
    assert again in {ExitStatus.MATCH, ExitStatus.DEFERRED}


def test_too_few_members_leave_a_proposal_undone(fed: Federation) -> None:
    until(fed.caught_up, "catching up")
    fed.kill(fed.b)
    fed.kill(fed.c)
    answer = fed.caller(fed.a, "anna").post(
        "/v1/signals",
        {
            "about": {"kind": "email", "value": STRANGER},
            "phenomenon": "grooming",
            "surface": "public_content",
            "grade": "confirmed_conduct",
            "rule": "tos-4.2",
            "removed_on": "2026-11-24",
            "scope": "federation",
            "findings": ["adult"],
        },
    )
    state = fed.caller(fed.a).get("/v1/status").body
    fed.start(fed.b, fed.c)

    assert (answer.status, answer.body["code"]) == (503, "deferred")
    assert (state["drafts"], state["own_bans"]) == (0, 0)
