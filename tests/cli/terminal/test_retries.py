# SPDX-License-Identifier: Apache-2.0
"""What changes something happens once, however often its connection breaks."""

import re
import socket
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.signals.bulk_import import PIECE
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import BrokenOffError, NodeUnreachableError
from fedsafe_node.rules.idempotency import KEY

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
STATE = {"signal": ID, "state": "own", "scope": "self"}
FINDING = (
    "--phenomenon=grooming",
    "--surface=public_content",
    "--grade=confirmed_conduct",
    "--rule=tos-4.2",
)
ADD = ("signal", "add", "--kind", "email", *FINDING)
IMPORT = ("signal", "import", "--kind", "email", *FINDING)
VALUE = b"anna@example.de\n"
APPROVED = {"approved": [ID], "problems": []}
IMPORTED = {"signals": [ID], "problems": []}


def count_acts(node: "FakeNode", target: str, document: object) -> list[int]:
    acts: list[int] = []

    def answering(_body: dict[str, Any]) -> tuple[int, Any]:
        acts.append(1)
        return 200, document

    node.on(target, answering)
    return acts


@pytest.mark.parametrize("drops", [1, 2])
@pytest.mark.parametrize(
    ("command", "target", "document"),
    [
        (ADD, "POST /v1/signals", STATE),
        (IMPORT, "POST /v1/signals/import", IMPORTED),
        (("signal", "approve", ID), "POST /v1/signals/approve", APPROVED),
        (
            ("signal", "revoke", ID, "--reason", "mistake", "--yes"),
            f"POST /v1/signals/{ID}/revoke",
            STATE,
        ),
        (
            ("signal", "revoke", "--account", "a", "--reason", "mistake", "--yes"),
            "POST /v1/signals/revoke",
            {"signals": [], "unknown": 0},
        ),
    ],
    ids=["add", "import", "approve", "revoke", "account"],
)
def test_a_lost_answer_is_asked_for_and_the_act_happens_once(  # noqa: PLR0913
    ask: "Run",
    node: "FakeNode",
    drops: int,
    command: tuple[str, ...],
    target: str,
    document: object,
) -> None:
    acts = count_acts(node, target, document)
    node.drops, node.dropped = drops, target
    outcome = ask(*command, stdin=VALUE)

    assert outcome.status == 0
    assert acts == [1]
    asked = [each for each in node.asked if each[0] == target]
    assert asked == [asked[0]] * (drops + 1)
    (key,) = set(node.keys) - {None}
    assert key is not None
    assert KEY.fullmatch(key)


def test_a_node_that_always_breaks_off_is_told_as_before(
    ask: "Run", node: "FakeNode"
) -> None:
    acts = count_acts(node, "POST /v1/signals", STATE)
    node.drops = 9
    outcome = ask(*ADD, stdin=VALUE)

    assert outcome.status == 4
    assert outcome.err == (
        "fedsafe: error: the node's answer breaks off\n"
        "fedsafe: hint: see the node's log; was it stopped?\n"
    )
    assert (len(acts), len(node.asked)) == (1, 3)


def test_a_node_that_is_gone_afterwards_is_told_as_a_break(
    ask: "Run", node: "FakeNode"
) -> None:
    def vanish(_body: dict[str, Any]) -> tuple[int, Any]:
        (node.directory / "node.sock").unlink()
        return 201, STATE

    node.on("POST /v1/signals", vanish)
    node.drops = 1
    outcome = ask(*ADD, stdin=VALUE)

    assert outcome.status == 4
    assert "the node's answer breaks off" in outcome.err


def test_a_repetition_that_tells_nothing_is_repeated(
    ask: "Run", node: "FakeNode"
) -> None:
    answers = iter(
        [
            (503, {"code": "busy", "detail": "later"}),
            (409, {"code": "in_flight", "detail": "under way"}),
            (201, STATE),
        ]
    )
    node.on("POST /v1/signals", lambda _: next(answers))
    node.drops = 1
    outcome = ask(*ADD, stdin=VALUE)

    assert outcome.status == 0
    assert ID in outcome.out


def test_a_repetition_that_is_refused_tells_the_refusal(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/signals", {"code": "forbidden", "detail": "no"}, 403)
    node.drops = 1
    outcome = ask(*ADD, stdin=VALUE)

    assert outcome.status == 3
    assert len(node.asked) == 2


def test_every_request_has_a_key_of_its_own(ask: "Run", node: "FakeNode") -> None:
    def take(body: dict[str, Any]) -> tuple[int, Any]:
        return 200, {"signals": [ID] * len(body["signals"]), "problems": []}

    node.on("POST /v1/signals/import", take)
    node.drops, node.dropped = 1, "POST /v1/signals/import"
    outcome = ask(*IMPORT, stdin=VALUE * (PIECE + 1))

    assert outcome.status == 0
    _, first, again, second = node.keys
    assert first == again != second


def test_a_gate_record_is_entered_once(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    record = tmp_path / "gate.toml"
    record.write_text('legal_basis = "file-1"\n')
    acts = count_acts(node, "POST /v1/gate", {"open": True})
    node.drops = 1

    assert ask("gate", "record", "--yes", str(record)).status == 0
    assert acts == [1]
    assert node.keys[0] == node.keys[1] is not None


def test_what_has_no_such_key_is_sent_once(ask: "Run", node: "FakeNode") -> None:
    node.knows()
    node.drops = 1

    assert ask("lookup", "email:a@b.de").status == 4
    assert node.keys == [None]


def test_a_node_that_never_answers_is_asked_once(short_path: Path) -> None:
    path = str(short_path / "node.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(5)
        with pytest.raises(NodeUnreachableError, match=r"within 0\.05 s") as caught:
            Client(path, None, str(short_path)).change("/v1/signals", {}, timeout=0.05)
        listener.settimeout(0)
        listener.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert not isinstance(caught.value, BrokenOffError)


def test_a_connection_that_is_reset_counts_as_broken(short_path: Path) -> None:
    path = str(short_path / "node.sock")
    keys: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(5)

        def reset() -> None:
            for _ in range(3):
                with listener.accept()[0] as line:
                    # What is left unread makes closing a reset.
                    head = line.recv(200)
                    keys.extend(re.findall(rb"Idempotency-Key: (\w+)", head))

        thread = Thread(target=reset)
        thread.start()
        with pytest.raises(BrokenOffError, match="reset"):
            Client(path, None, "/").change("/v1/signals", {"x": "y" * 500})
        thread.join()

    assert keys == [keys[0]] * 3
