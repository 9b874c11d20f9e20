# SPDX-License-Identifier: Apache-2.0
"""What people and back-ends do in the story, through the API."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from fedsafe_cli.demo.fleet import find, wait_until
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_cli.lookup.lookup_client import Answer, Terms, ask_all
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import ProgrammeError
from fedsafe_cli.terminal.inputs import Account, Question
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose

PIECE: Final = 2_000
TIMEOUT: Final = 300.0


def propose(client: Client, signals: Sequence[dict[str, Any]]) -> list[str]:
    """Record signals and return their ids; none may be refused."""
    ids: list[str] = []
    for start in range(0, len(signals), PIECE):
        body = {"signals": signals[start : start + PIECE]}
        answer = client.change("/v1/signals/import", body, timeout=TIMEOUT)
        if answer["problems"]:
            problem = answer["problems"][0]
            raise ProgrammeError(
                Phrase("a ban is refused: {detail}").filled(detail=problem["detail"])
            )
        ids += answer["signals"]
    return ids


def approve(client: Client, signals: Sequence[str]) -> dict[str, list[Any]]:
    """Approve drafts and return what became of them."""
    whole: dict[str, list[Any]] = {"approved": [], "problems": []}
    for start in range(0, len(signals), PIECE):
        body = {"signals": list(signals[start : start + PIECE])}
        answer = client.change("/v1/signals/approve", body, timeout=TIMEOUT)
        whole["approved"] += answer["approved"]
        whole["problems"] += answer["problems"]
    return whole


def results(client: Client, questions: Sequence[Question]) -> list[str]:
    """Return each question's result, in order."""
    accounts = [Account((question,)) for question in questions]
    terms = Terms(purpose=Purpose.SIGNUP_CHECK.value)
    return [
        outcome.body["result"] if isinstance(outcome, Answer) else outcome.fault.code
        for outcome in ask_all(client, accounts, terms)
    ]


def result_at(node: DemoNode, question: Question) -> str:
    """Return the result of one question at a node."""
    return results(node.client(), [question])[0]


def count_signals(node: DemoNode) -> int:
    """Return how many signals a node holds."""
    return int(node.client().get("/v1/status")["signals"])


def wait_for(nodes: Sequence[DemoNode], ready: Callable[[], bool]) -> None:
    """Wait until it is so, as long as all nodes run."""
    processes = [
        (node.directory, process)
        for node in nodes
        if (process := find(node.directory)) is not None
    ]
    wait_until(ready, processes, "the exchange of feeds", timeout=TIMEOUT)


@dataclass(slots=True)
class Watch:
    """How long something took."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Watch]:
    """Take the time of a block."""
    watch = Watch()
    start = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - start
