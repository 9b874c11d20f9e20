# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ANSWER = {
    "document": {"sheet": "dpia", "sections": []},
    "markdown": "# Titel\n\nText\n",
}
SHEETS = {
    ("art30",): "art30",
    ("dpia",): "dpia",
    ("works-council",): "works-council",
    ("template", "balancing-test"): "balancing-test",
    ("template", "arrangement"): "arrangement",
}


@pytest.mark.parametrize("command", SHEETS, ids="-".join)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_document_is_printed_as_it_comes(
    ask: "Run", node: "FakeNode", command: tuple[str, ...], language: str
) -> None:
    node.always(f"GET /v1/records/{SHEETS[command]}?language={language}", ANSWER)
    shown = ask("records", *command, "--lang", language)
    as_json = ask("records", *command, "--lang", language, "--json")

    assert (shown.status, shown.out) == (0, ANSWER["markdown"])
    assert as_json.document == ANSWER["document"]


def test_a_purpose_is_passed_on(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/records/dpia?language=en&purpose=supervision", ANSWER)
    shown = ask("records", "dpia", "--lang", "en", "--purpose", "supervision")

    assert shown.status == 0


def test_a_template_that_there_is_not_is_a_misuse(ask: "Run") -> None:
    assert ask("records", "template", "contract").status == 2
