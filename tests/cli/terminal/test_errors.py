# SPDX-License-Identifier: Apache-2.0
"""The border of the process: an error is a document for programs too."""

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

import pytest

from fedsafe_cli.entry import main
from fedsafe_cli.terminal.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run


@pytest.mark.parametrize(
    "arguments", [("signal", "list"), ("federation", "show"), ("gate", "show")]
)
@pytest.mark.parametrize("front", [True, False])
def test_a_refusal_is_a_problem_document_under_json(
    ask: "Run",
    node: "FakeNode",
    arguments: tuple[str, ...],
    front: bool,  # noqa: FBT001
) -> None:
    refusal = {"code": "state", "detail": "It cannot be"}
    for target in ("/v1/signals?state=draft", "/v1/federation", "/v1/gate"):
        node.always(f"GET {target}", refusal, 409)
    option = ("--json",)
    outcome = ask(*option, *arguments) if front else ask(*arguments, *option)

    assert outcome.status == outcome.document["exit_status"] == 5
    assert "code" in outcome.document["problem"]
    assert "fedsafe: error: " in outcome.err


def test_without_json_an_error_is_text_alone(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/gate", {"code": "state", "detail": "It cannot be"}, 409)
    outcome = ask("gate", "show")

    assert outcome.status == 5
    assert not outcome.out


def test_an_unknown_error_is_a_document_without_its_text(
    run: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("anna@example.de")

    monkeypatch.setattr("fedsafe_cli.doctor.doctor.examine", broken)
    outcome = run("doctor", "--json")

    assert outcome.status == outcome.document["exit_status"] == 1
    assert "ZeroDivisionError" in outcome.document["problem"]["detail"]
    assert "anna" not in outcome.out + outcome.err


class CtrlC(MetaPathFinder):
    """Is pressed while the command line loads."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "fedsafe_cli.main":
            raise KeyboardInterrupt


def test_ctrl_c_while_the_command_loads_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "fedsafe_cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [CtrlC(), *sys.meta_path])

    assert main() == INTERRUPTED
    assert capsys.readouterr() == ("", "\n")
