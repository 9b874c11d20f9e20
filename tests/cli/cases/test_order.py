# SPDX-License-Identifier: Apache-2.0
"""The register of orders from the command line."""

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ORDER: Final = "0a" * 16
RECEIPT: Final = {"order": ORDER, "revision": 1, "due_at": 1_795_512_600}
LISTED: Final = {
    "order": ORDER,
    "kind": "epoc",
    "emergency": True,
    "received_at": 1_795_512_600,
    "due_at": 1_795_541_400,
    "confirm_by": None,
    "acknowledged_at": None,
    "confirmed_at": None,
    "answered_at": None,
    "outcome": None,
    "case": None,
    "overdue": True,
    "unconfirmed": False,
}
SHOWN: Final = {
    "order": LISTED,
    "revision": 1,
    "source": "Art. 10",
    "fixed": False,
    "by_letter": False,
    "entered_by": "ella",
    "answered_by": None,
    "authority": "Parquet de Paris",
    "reference": "4711",
    "basis": "Art. 5",
    "scope": "Konto kim77",
    "language": "fr",
    "oral": False,
    "secret_until": 1_795_541_400,
    "grounds": ["unclear"],
    "answer_reference": None,
    "move_reference": None,
    "accounts": ["user-4711"],
}


def test_an_order_is_entered_with_its_scope_from_standard_input(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/orders", RECEIPT, 201)
    arguments = (
        *("order", "add", "--kind", "epoc", "--emergency"),
        *("--authority", "Parquet de Paris", "--reference", "4711"),
        *("--basis", "Art. 5", "--language", "fr", "--received", "2026-11-24T09:30Z"),
    )
    outcome = ask(*arguments, stdin=b"Konto kim77\n")
    empty = ask(*arguments, stdin=b" \n")

    assert (outcome.status, empty.status) == (0, 2)
    assert node.asked == [
        (
            "POST /v1/orders",
            {
                "kind": "epoc",
                "received_at": 1_795_512_600,
                "authority": "Parquet de Paris",
                "reference": "4711",
                "basis": "Art. 5",
                "scope": "Konto kim77",
                "language": "fr",
                "emergency": True,
                "oral": False,
            },
        )
    ]


def test_a_secret_order_names_the_accounts_that_are_not_told(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/orders", RECEIPT, 201)
    node.always(f"GET /v1/orders/{ORDER}", SHOWN)
    arguments = (
        *("order", "add", "--kind", "tdddg_22", "--authority", "LKA"),
        *("--reference", "4711", "--basis", "x", "--secret-until", "2027-01-01T00:00Z"),
    )
    ask(*arguments, "--account", "user-1", "--account", "user-2", stdin=b"Daten\n")
    shown = ask("order", "show", ORDER)
    refusal = {"code": "bad_request", "detail": "say whom", "pointer": "/accounts"}
    node.always("POST /v1/orders", refusal, 400)
    refused = ask(*arguments, stdin=b"Daten\n")

    assert node.asked[0][1]["accounts"] == ["user-1", "user-2"]
    assert "user-4711" in shown.out
    assert "--account" in refused.err


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (("acknowledge", ORDER), "note", {"step": "acknowledged"}),
        (("confirm", ORDER), "note", {"step": "confirmed"}),
        (
            ("move", ORDER, "--due", "2026-11-24T09:30Z", "--reference", "letter-9"),
            "note",
            {"step": "moved", "due_at": 1_795_512_600, "reference": "letter-9"},
        ),
        (
            ("answer", ORDER, "--outcome", "refused", "--ground", "unclear"),
            "answer",
            {"outcome": "refused", "grounds": ["unclear"]},
        ),
    ],
)
def test_each_step_of_an_order_sends_its_request(
    ask: "Run",
    node: "FakeNode",
    arguments: tuple[str, ...],
    path: str,
    body: dict[str, object],
) -> None:
    node.always(f"POST /v1/orders/{ORDER}/{path}", RECEIPT)

    assert ask("order", *arguments).status == 0
    assert node.asked == [(f"POST /v1/orders/{ORDER}/{path}", body)]


def test_orders_are_listed_and_shown_in_both_languages(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/orders", {"orders": [LISTED]})
    node.always(f"GET /v1/orders/{ORDER}", SHOWN)
    german = ask("order", "list", "--lang", "de").out
    english = ask("order", "list").out
    shown = ask("order", "show", ORDER, "--lang", "de").out

    assert "überfällig" in german
    assert "Europäische Herausgabeanordnung" in german
    assert "overdue" in english
    for word in ("Parquet de Paris", "Konto kim77", "Lesart", "nicht mitteilen"):
        assert word in shown
    assert ask("order", "show", "x").status == 2
    node.always("GET /v1/orders", {"orders": []})
    assert "no order" in ask("order", "list").out


def test_a_letter_of_the_bzkj_is_entered_with_the_deadline_that_it_sets(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/orders", RECEIPT, 201)
    named = ("--authority", "BzKJ", "--reference", "4711", "--basis", "§ 24b JuSchG")
    arguments = ("order", "add", "--kind", "bzkj_hearing", *named)
    lacking = ask(*arguments, stdin=b"Meldewege")
    entered = ask(*arguments, "--due", "2026-11-24T09:30Z", stdin=b"Meldewege")

    assert (lacking.status, entered.status) == (2, 0)
    assert "--due" in lacking.err
    ((_, body),) = node.asked
    assert (body["kind"], body["due_at"]) == ("bzkj_hearing", 1_795_512_600)


def test_a_letter_says_that_its_own_words_set_the_time(
    ask: "Run", node: "FakeNode"
) -> None:
    listed = LISTED | {"kind": "bzkj_hearing", "outcome": "answered"}
    shown = SHOWN | {"order": listed, "by_letter": True, "move_reference": "letter-9"}
    node.always(f"GET /v1/orders/{ORDER}", shown)
    german = ask("order", "show", ORDER, "--lang", "de").out
    english = ask("order", "show", ORDER).out

    for word in ("Stellungnahme", "beantwortet", "dem Schreiben entnommen", "letter-9"):
        assert word in german
    assert "Lesart" not in german
    assert "taken from the letter" in english
