# SPDX-License-Identifier: Apache-2.0
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_policies.documents.policy import SHIPPED, shipped, shipped_text

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

BAN: dict[str, Any] = {
    "kind": "phone",
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "scope": "federation",
    "rule": "house-1",
    "since": "2026-09-20",
    "author": "anna:analyst",
    "approver": "ruth:reviewer",
    "findings": ["adult"],
}
AT = ("--policy", "germany", "--at", "2026-09-21")


@pytest.fixture
def looser(tmp_path: Path) -> Path:
    """The German policy, looser than `strict` on purpose in two keys."""
    file = tmp_path / "ours.toml"
    text = shipped_text("strict").decode()
    text = text.replace('phone = "3 months"', 'phone = "6 months"')
    file.write_text(text.replace("stop_hours = 48", "stop_hours = 72"))
    return file


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_is_shown_and_fits(run: "Run", name: str) -> None:
    shown, checked = run("policy", "show", name), run("policy", "check", name)

    assert shown.out.encode() == shipped_text(name)
    assert (checked.status, checked.out) == (0, f"{shipped(name).reference}: fits\n")
    assert run("policy", "show", name, "--json").document["digest"] == (
        shipped(name).digest
    )


def test_check_names_key_and_line_of_a_misfit(run: "Run", tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(shipped_text("strict").replace(b'ip = "3 days"', b'ip = "9 days"'))
    outcome = run("policy", "check", str(file))

    assert outcome.status == 5
    assert "ageing.ip: want 7 days at most (P9)" in outcome.err
    assert "line " in outcome.err


def test_check_names_every_key_that_loosens(run: "Run", looser: Path) -> None:
    args = ("policy", "check", str(looser), "--federation", "strict")
    outcome, as_json = run(*args), run(*args, "--json")

    assert (outcome.status, as_json.status) == (5, 5)
    assert "ageing.phone: 6 months is longer than 3 months" in outcome.out
    assert [item["key"] for item in as_json.document["looser"]] == [
        "ageing.phone",
        "erasure.stop_hours",
    ]
    assert all(item["line"] for item in as_json.document["looser"])
    german = run(*args, "--lang", "de").out
    assert ": lockerer\n   Zeile " in german
    assert "ageing.phone: 6 Monate ist länger als 3 Monate" in german


def test_a_file_that_is_not_there_is_bad_input(run: "Run") -> None:
    outcome = run("policy", "check", "nowhere.toml")

    assert outcome.status == 5
    assert "shipped are strict, germany, synthetic" in outcome.err


def test_diff_speaks_of_effects(run: "Run") -> None:
    english = run("policy", "diff", "strict", "germany", "--lang", "en").out
    german = run("policy", "diff", "strict", "germany", "--lang", "de").out

    assert "phone" in english
    assert "signals may now also go to: federation, group, nodes" in english
    assert "nun auch gehen an: Föderation, Gruppe, einzelne Knoten" in german
    assert "lockerer  Mediensignale enden nach: jetzt 24 Monate, bisher 12" in german
    assert "months" not in german
    assert "phone" not in german
    assert "looser    media signals end after: now 24 months, was 12 months" in english
    same = ("policy", "diff", "germany", "germany", "--lang")
    assert run(*same, "en").out == "no difference\n"
    assert run(*same, "de").out == "kein Unterschied\n"
    assert run(*same[:-1], "--json").document == []
    back = run("policy", "diff", "germany", "strict", "--json").document
    assert {item["direction"] for item in back} <= {"stricter", "other"}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_cases_beside_a_shipped_policy_hold(run: "Run", name: str) -> None:
    outcome = run("policy", "test", name)

    assert outcome.status == 0
    assert outcome.out.endswith("cases hold\n")


def test_a_case_that_comes_out_otherwise_fails(run: "Run", tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_bytes(shipped_text("strict"))
    cases = tmp_path / "ours.cases.toml"
    cases.write_text(
        'format = 1\n[[cases]]\nname = "we ask"\nrequest = "lookup"\n'
        'at = 2026-09-21\nexpect = "deny"\n[cases.facts]\nrole = "service"\n'
        'purpose = "signup_check"\nplane = "actor"\n'
    )
    outcome = run("policy", "test", str(tmp_path / "ours.toml"))

    assert outcome.status == 1
    assert "fails: we ask: allow P8 purpose" in outcome.out
    assert "0 of 1 cases hold" in outcome.out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"lookup"', '"look"', "case 1 (we ask): request: want one of gate"),
        ('plane = "actor"', "", "case 1 (we ask): plane: is missing"),
        ('plane = "actor"', 'plane = "sky"', "plane: want one of actor, media"),
        ('plane = "actor"', 'plain = "actor"', "plain: unknown key"),
        ("format = 1", "format = 2", "line 1: format"),
    ],
)
def test_a_bad_case_is_named(
    run: "Run", tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = (
        'format = 1\n[[cases]]\nname = "we ask"\nrequest = "lookup"\n'
        'at = 2026-09-21\nexpect = "deny"\n[cases.facts]\nrole = "service"\n'
        'purpose = "signup_check"\nplane = "actor"\n'
    )
    file = tmp_path / "bad.toml"
    file.write_text(text.replace(old, new))
    outcome = run("policy", "test", "strict", str(file))

    assert outcome.status == 5
    assert told in outcome.err


def test_explain_says_why_in_both_languages(run: "Run", tmp_path: Path) -> None:
    file = tmp_path / "ban.json"
    file.write_text(json.dumps(BAN))
    args = ("policy", "explain", "publish", *AT, "--facts", str(file))
    allowed = run(*args)
    closed = run(*args, "--no-gate", "--lang", "de")
    minor = run(*args, "--fact", "suspected_minor=true", "--json")

    assert allowed.status == 0
    assert "P1" in allowed.out
    assert closed.status == 3
    assert "Freigabe fehlt" in closed.out
    assert closed.out.startswith("Wirkung")
    assert minor.status == 3
    assert minor.document["code"] == "help_instead"
    assert "help_path" in minor.document["obligations"]


def test_explain_takes_facts_one_by_one(run: "Run") -> None:
    facts = ("role=service", "purpose=signup_check", "plane=actor")
    given = [part for fact in facts for part in ("--fact", fact)]

    assert run("policy", "explain", "lookup", *AT, *given).status == 0
    assert run("policy", "explain", "lookup", *given).status == 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("lookup",), "facts of lookup: role, purpose, plane"),
        (("look", "--fact", "a=b"), "requests are gate, publish"),
        (("lookup", "--fact", "role"), "NAME=VALUE"),
        (("gate", "--fact", "plane=sky"), "plane: want one of actor"),
        (("lookup", "--facts", "nowhere"), "nowhere: No such file"),
        (("lookup", "--fact", "a=b", "--at", "soon"), "want a day"),
    ],
)
def test_explain_names_what_does_not_fit(
    run: "Run", args: tuple[str, ...], told: str
) -> None:
    outcome = run("policy", "explain", *args)

    assert outcome.status == 5
    assert told in outcome.err


def test_explain_takes_a_providers_calendar(run: "Run", tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.toml"
    calendar.write_text(
        'format = 1\ndated = 2026-09-01\n[recorded]\neu-interim-2026 = "oj:1"\n'
    )
    facts = {**BAN, "scope": "self", "surface": "ni_ics_private"}
    del facts["findings"]  # a list, which no single option can give
    given = [part for fact in facts.items() for part in ("--fact", "=".join(fact))]
    args = ("policy", "explain", "publish", *AT, *given)

    assert run(*args).status == 3
    assert run(*args, "--calendar", str(calendar)).status == 0


# --- what was decided ----------------------------------------------------------------

STRICT = shipped("strict")
EVENT = {
    "index": 7,
    "event": "refused",
    "at": "2026-11-24T10:00:00.000+00:00",
    "outcome": "purpose",
    "actor": "staff-2026q4-mfzwizltmvxgk4tfon2gc",
    "rule": "P8",
    "code": "purpose",
    "policy": STRICT.reference,
    "detail": {"act": "lookup", "about": "operations"},
}


def keep(node: "FakeNode", text: bytes) -> None:
    folder = node.directory / "policies"
    folder.mkdir()
    (folder / f"{STRICT.digest}.toml").write_bytes(text)


def tell(node: "FakeNode", event: object) -> None:
    answer = {"events": [event] if event else [], "next": 8}
    node.always("GET /v1/audit/events?since=7&limit=1", answer)


def test_a_past_refusal_is_explained_by_the_policy_of_its_day(
    ask: "Run", node: "FakeNode"
) -> None:
    keep(node, shipped_text("strict"))
    tell(node, EVENT)
    said = ask("policy", "explain", "--event", "7")
    german = ask("policy", "explain", "--event", "7", "--lang", "de")
    told = ask("policy", "explain", "--event", "7", "--json").document

    assert said.status == 0
    assert "not admitted for this role" in said.out
    assert "# P8, purposes" in said.out
    assert 'operator = ["operations"]' in said.out
    assert "[retention]" not in said.out
    assert "nicht zugelassen" in german.out
    assert german.out.startswith("Eintrag")
    assert told["effect"] == "deny"
    assert told["event"] == EVENT | {"at": "2026-11-24T10:00:00.000Z"}
    assert "7, 2026-11-24 10:00:00 UTC" in said.out


def test_what_was_allowed_is_explained_as_allowed(ask: "Run", node: "FakeNode") -> None:
    tell(node, EVENT | {"event": "lookup"})
    said = ask("policy", "explain", "--event", "7")

    assert "The stated purpose is admitted for this role." in said.out
    assert f"{STRICT.reference} (not kept here)" in said.out
    german = ask("policy", "explain", "--event", "7", "--lang", "de").out
    assert f"{STRICT.reference} (hier nicht aufbewahrt)" in german
    assert "erlaubt" in german


def test_a_kept_policy_that_was_changed_explains_nothing(
    ask: "Run", node: "FakeNode"
) -> None:
    keep(node, shipped_text("strict") + b"# more\n")
    tell(node, EVENT)

    assert "not kept here" in ask("policy", "explain", "--event", "7").out


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (None, "no entry 7"),
        (EVENT | {"index": 512}, "entry 7 was pruned; the first that is there is 512"),
    ],
)
def test_an_entry_that_is_not_there_is_named(
    ask: "Run", node: "FakeNode", event: object, why: str
) -> None:
    tell(node, event)
    said = ask("policy", "explain", "--event", "7")

    assert said.status == 5
    assert why in said.err


def test_an_entry_without_a_rule_is_no_decision(ask: "Run", node: "FakeNode") -> None:
    tell(node, EVENT | {"event": "node.started", "rule": None})
    said = ask("policy", "explain", "--event", "7")

    assert said.status == 5
    assert "(node.started) is no decision of a rule" in said.err


@pytest.mark.parametrize("given", [(), ("publish", "--event", "7")])
def test_explain_wants_a_request_or_an_entry(
    run: "Run", given: tuple[str, ...]
) -> None:
    assert run("policy", "explain", *given).status == 2


@pytest.mark.parametrize(
    "command",
    [("policy", "check"), ("policy", "explain", "lookup", "--facts")],
)
def test_a_pipe_is_refused_and_never_waited_for(
    run: "Run", tmp_path: Path, command: tuple[str, ...]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    outcome = run(*command, str(pipe))

    assert outcome.status == 5
    assert "no regular file" in outcome.err


EFFECTS = [
    {"key": "x", "direction": "looser", "de": "mehr ist erlaubt", "en": "more may be"},
    {"key": "y", "direction": "stricter", "de": "weniger", "en": "less may be"},
]
CHANGE = {
    "before": {"policy": "a1" * 32, "calendar": None, "do_not_share": None},
    "after": {"policy": "b2" * 32, "calendar": "c3" * 32, "do_not_share": None},
    "policy": "ours@b2b2b2b2",
    "instead_of": "strict@a1a1a1a1",
    "effects": EFFECTS,
}
PROPOSED = {
    "act": "0a" * 16,
    "kind": "policy_change",
    "digest": "d4" * 32,
    "content": CHANGE,
    "asked_by": "olaf",
    "asked_at": 1_795_000_000,
    "expires_at": 1_795_000_100,
    "state": "pending",
}


def test_a_proposal_says_what_changes_and_who_goes_on(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/policy/propose", PROPOSED)
    english, german = ask("policy", "propose"), ask("policy", "propose", "--lang", "de")

    assert (english.status, german.status) == (13, 13)
    for told in ("ours@b2b2b2b2", "strict@a1a1a1a1", "a1a1a1a1 → b2b2b2b2"):
        assert told in english.out
        assert told in german.out
    assert "looser" in english.out
    assert "more may be" in english.out
    assert "mehr ist erlaubt" in german.out
    assert "Rechtskalender" in german.out
    assert "do-not-share" not in english.out
    assert f"fedsafe act approve {'0a' * 16}" in english.err
    assert node.asked[0] == ("POST /v1/policy/propose", None)


def test_a_proposal_in_json_is_the_act(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/policy/propose", PROPOSED)
    outcome = ask("policy", "propose", "--json")

    assert outcome.status == 13
    assert outcome.document["content"]["policy"] == "ours@b2b2b2b2"


def test_a_text_that_does_not_fit_names_the_way_out(
    ask: "Run", node: "FakeNode"
) -> None:
    detail = "ours.toml: line 7: share: unknown key"
    refusal = {"code": "bad_policy", "detail": detail, "pointer": ""}
    node.always("POST /v1/policy/propose", refusal, 422)
    outcome = ask("policy", "propose")

    assert outcome.status == 5
    assert detail in outcome.err
    assert "fedsafe policy check" in outcome.err
