# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING, Any

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
GOT: dict[str, Any] = {
    "recipient": "b.demo",
    "purpose": "moderation_review",
    "basis": "file-2026-17",
    "first_at": "2026-11-24T12:00:00+00:00",
    "last_at": "2026-11-25T12:00:00+00:00",
    "times": 2,
    "told": False,
}
PACK: dict[str, Any] = {
    "entry": 310,
    "recipient": "Amtsgericht Köln",
    "purpose": "audit_review",
    "basis": "gdpr_5_2",
    "at": "2026-11-25T12:00:00+00:00",
    "first": 0,
    "last": 309,
    "asked_by": "staff-2026q4-a",
    "approved_by": "staff-2026q4-b",
}
TARGET = f"GET /v1/signals/{ID}/recipients"


def test_the_recipients_are_shown_in_both_languages(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(TARGET, {"signal": ID, "nodes": ["b.demo"], "recipients": [GOT]})
    shown = ask("signal", "recipients", ID)
    german = ask("signal", "recipients", ID, "--lang", "de")
    as_json = ask("signal", "recipients", ID, "--json")

    assert shown.status == 0
    assert "meant for: b.demo" in shown.out
    assert "file-2026-17" in shown.out
    assert shown.out.splitlines()[-2].endswith("no")
    assert german.out.splitlines()[-2].endswith("nein")
    assert shown.out.splitlines()[-1] == "receipt missing: b.demo"
    assert json.loads(as_json.out)["recipients"] == with_moments([GOT])


RECEIPT: dict[str, Any] = {
    "sequence": 3,
    "method": "overwritten",
    "erased_at": "2026-11-25T13:00:00+00:00",
    "residual_until": "2026-12-31T13:00:00+00:00",
    "received_at": "2026-11-25T13:00:01+00:00",
    "statement": {"type": "erasure.receipt"},
}


def test_receipts_say_how_it_was_erased_and_who_owes_one(
    ask: "Run", node: "FakeNode"
) -> None:
    good = GOT | {"told": True, "receipt": RECEIPT}
    owing = GOT | {"recipient": "c.demo"}
    node.always(TARGET, {"signal": ID, "nodes": None, "recipients": [good, owing]})
    shown = ask("signal", "recipients", ID)
    german = ask("signal", "recipients", ID, "--lang", "de")

    assert "signed, not proved" in shown.out
    assert "2026-12-31 13:00:00 UTC" in shown.out
    assert shown.out.splitlines()[-1] == "receipt missing: c.demo"
    assert "überschrieben" in german.out
    assert german.out.splitlines()[-1] == "Quittung fehlt: c.demo"


def test_a_signal_that_has_ended_tells_how_far_it_is_erased(
    ask: "Run", node: "FakeNode"
) -> None:
    until = "2026-12-31T13:00:00+00:00"
    state = {
        "signal": ID,
        "state": "revoked",
        "scope": "federation",
        "plane": "actor",
        "origin": "a.demo",
        "erasure": {"recipients": 3, "receipts": 2, "residual_until": until},
    }
    node.always(f"GET /v1/signals/{ID}", state)

    assert "2 of 3, residues until 2026-12-31" in ask("signal", "show", ID).out
    german = ask("signal", "show", ID, "--lang", "de").out
    assert "2 von 3, Reste bis 2026-12-31" in german


def test_packs_stand_beside_the_members(ask: "Run", node: "FakeNode") -> None:
    node.always(
        TARGET, {"signal": ID, "nodes": None, "recipients": [], "packs": [PACK]}
    )
    shown = ask("signal", "recipients", ID)
    german = ask("signal", "recipients", ID, "--lang", "de")
    as_json = ask("signal", "recipients", ID, "--json")

    for part in ("Evidence packs", "Amtsgericht Köln", "gdpr_5_2", "staff-2026q4-b"):
        assert part in shown.out
    assert "gemacht für" in german.out
    assert json.loads(as_json.out)["packs"] == with_moments([PACK])


def test_nobody_is_said_in_words(ask: "Run", node: "FakeNode") -> None:
    node.always(
        f"{TARGET}?purpose=supervision",
        {"signal": ID, "nodes": None, "recipients": []},
    )
    shown = ask("signal", "recipients", ID, "--purpose", "supervision")

    assert shown.out == "No member has received this signal.\n"


def test_what_is_no_id_is_not_asked_for(ask: "Run", node: "FakeNode") -> None:
    refused = ask("signal", "recipients", "../status")

    assert refused.status == 5
    assert node.asked == []


def test_a_signal_is_meant_for_whom_it_names(ask: "Run", node: "FakeNode") -> None:
    state = {
        "signal": ID,
        "state": "draft",
        "scope": "federation",
        "plane": "actor",
        "origin": "a.demo",
        "nodes": ["b.demo"],
    }
    node.always("POST /v1/signals", state, 201)
    added = ask(
        *("signal", "add", "--kind", "email", "--phenomenon", "grooming"),
        *("--surface", "public_content", "--grade", "confirmed_conduct"),
        *("--rule", "tos-4.2", "--removed-on", "2026-11-20"),
        *("--scope", "federation", "--to", "b.demo", "--subject-ref", "user-4711"),
        stdin=b"anna@example.de\n",
    )
    ((_, body),) = node.asked

    assert (body["nodes"], body["subject_ref"]) == (["b.demo"], "user-4711")
    assert "b.demo" in added.out
    assert "user-4711" not in added.out


def test_sums_of_outcomes_are_shown(ask: "Run", node: "FakeNode") -> None:
    sums = [
        {"origin": "b.demo", "outcomes": {"confirm": 12, "dismiss": 40}},
        {"origin": "c.demo", "outcomes": {}},
    ]
    kinds = {"email": {"confirm": 20, "listing_wrong": 10, "new_word": 30}}
    told = [{"member": "c.demo", "day": "2026-11-24", "kinds": kinds}]
    answer = {"fewest": 10, "sightings": sums, "told": told}
    node.always("GET /v1/sightings", answer)
    shown = ask("signal", "sightings")
    german = ask("signal", "sightings", "--lang", "de")
    as_json = ask("signal", "sightings", "--json")

    assert "confirmed: 12, dismissed: 40" in shown.out
    assert "below 10" in shown.out
    assert "bestätigt: 12" in german.out
    assert "confirmed: 20, listing wrong: 10, new_word: 30" in shown.out
    assert "Eintrag falsch: 10" in german.out
    assert "2026-11-24" in german.out
    assert json.loads(as_json.out)["sightings"] == sums
