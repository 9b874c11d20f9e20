# SPDX-License-Identifier: Apache-2.0
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.cli.conftest import answer

from fedsafe_cli.lookup.lookup_client import Terms
from fedsafe_cli.lookup.match_client import Column, Matches, match_columns
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import BrokenAnswerError, RefusedError
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_node.acts.match import MatchRequest

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode

ASKED = [
    Column("sha256", bytes(96), count=3),
    Column("pdq", bytes(512), count=2, orientations=8),
]
TOLD: dict[str, Any] = {
    "rest": "incomplete",
    "not_covered": ["b.demo"],
    "gate_closed": False,
    "columns": [
        {"questions": 3, "review": 1, "at": [1], "answers": [answer("review")]},
        {"questions": 2, "review": 0, "at": [], "answers": [], "orientations": []},
    ],
}


def ask(node: "FakeNode") -> Matches:
    path: Path = node.directory
    client = Client(str(path / "node.sock"), None, str(path))
    terms = Terms(purpose="media_matching", surface="public_content")
    return match_columns(client, ASKED, terms)


def test_each_digest_has_its_answer_and_the_body_is_what_the_node_takes(
    node: "FakeNode",
) -> None:
    node.always("POST /v1/match", TOLD)

    matches = ask(node)

    assert matches.answer(0, 1).status is ExitStatus.MATCH
    others = [matches.answer(0, 0), matches.answer(0, 2), matches.answer(1, 1)]
    assert [each.status for each in others] == [ExitStatus.INCOMPLETE] * 3
    assert others[0].body["not_covered"] == ["b.demo"]
    (body,) = node.asked_of("POST /v1/match")
    request = msgspec.convert(body | _decoded(body), MatchRequest)
    assert [len(column.digests) for column in request.columns] == [96, 512]
    assert [column.orientations for column in request.columns] == [1, 8]


def _decoded(body: dict[str, Any]) -> dict[str, Any]:
    columns = [
        column | {"digests": b64decode(column["digests"])} for column in body["columns"]
    ]
    return {"columns": columns}


def test_an_answer_that_gets_lost_is_asked_for_once_more(node: "FakeNode") -> None:
    node.always("POST /v1/match", TOLD)
    node.drops = 1

    assert ask(node).answer(0, 1).status is ExitStatus.MATCH
    assert len(node.kept) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        TOLD | {"rest": "block"},
        TOLD | {"columns": TOLD["columns"][:1]},
        TOLD | {"columns": [TOLD["columns"][0] | {"at": [3]}, TOLD["columns"][1]]},
        TOLD | {"columns": [TOLD["columns"][0] | {"at": []}, TOLD["columns"][1]]},
        TOLD | {"columns": [TOLD["columns"][0] | {"at": ["1"]}, TOLD["columns"][1]]},
        TOLD | {"columns": [TOLD["columns"][0] | {"questions": 4}, TOLD["columns"][1]]},
    ],
)
def test_what_no_node_would_answer_is_none(node: "FakeNode", wrong: object) -> None:
    node.always("POST /v1/match", wrong)

    with pytest.raises(BrokenAnswerError):
        ask(node)


def test_a_refusal_names_the_column(node: "FakeNode") -> None:
    problem = {"code": "bad_column", "detail": "31 bytes", "pointer": "/columns/0"}
    node.always("POST /v1/match", problem, status=422)

    with pytest.raises(RefusedError) as caught:
        ask(node)

    assert (caught.value.code, caught.value.pointer) == ("bad_column", "/columns/0")
