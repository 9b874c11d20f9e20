# SPDX-License-Identifier: Apache-2.0
"""Logins, accounts and approvals from the command line: secrets never are arguments."""

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.shown_partners import ACT

from fedsafe_cli.node.credential import SCOPES
from fedsafe_cli.terminal.moments import with_moments
from fedsafe_cli.terminal.sessions import session_file
from fedsafe_node.acts.people import CredentialScope

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

TOKEN = "fs2_" + "a" * 43
SESSION = {
    "token": TOKEN,
    "name": "anna",
    "role": "reviewer",
    "ends_at": 1_795_000_000,
    "recovery_codes_left": 2,
}
ENROLMENT = {
    "name": "anna",
    "secret": "GEZDGNBV",
    "uri": "otpauth://totp/x",
    "recovery_codes": ["AAAA-BBBB"],
}
CODE = {"name": "anna", "code": "AAAA-BBBB-CCCC-DDDD", "until": 1_795_000_000}


@pytest.fixture
def logged_in(ask: "Run", node: "FakeNode") -> Path:
    """Log anna in; return the file of her session."""
    node.always("POST /v1/session", SESSION, 201)
    outcome = ask("login", "anna", "--json", stdin=b"pass word 1234\n123456\n")
    assert outcome.status == 0, outcome.err
    return Path(outcome.document["file"])


def test_a_login_is_kept_in_a_private_file(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    assert stat.S_IMODE(logged_in.stat().st_mode) == 0o600
    assert stat.S_IMODE(logged_in.parent.stat().st_mode) == 0o700
    assert logged_in.is_relative_to(os.environ["XDG_STATE_HOME"])
    assert node.asked == [
        (
            "POST /v1/session",
            {"name": "anna", "password": "pass word 1234", "code": "123456"},
        )
    ]
    node.always("GET /v1/accounts", {"accounts": []})
    outcome = ask("account", "list")
    assert outcome.status == 0
    assert node.tokens[-1] == f"Bearer {TOKEN}"
    assert TOKEN not in outcome.out + outcome.err


def test_a_login_shows_no_token_and_warns_of_few_codes(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/session", SESSION, 201)
    login = ("login", "anna", "--role", "reviewer")
    outcome = ask(*login, stdin=b"p\n123456\n")
    german = ask(*login, "--lang", "de", stdin=b"p\n123456\n")

    assert "noch 2 Wiederherstellungscodes" in german.err
    assert outcome.out.startswith("anna (reviewer) until 2026-11-18")
    assert "2 recovery codes left" in outcome.err
    assert TOKEN not in outcome.out + outcome.err
    assert node.asked[0][1]["role"] == "reviewer"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "a recovery code only logs in"),
        (("--lang", "de"), "mit einem Wiederherstellungscode meldet man sich nur an"),
    ],
)
def test_whoever_logs_in_with_a_recovery_code_hears_what_it_is_not_good_for(
    ask: "Run", node: "FakeNode", words: tuple[str, ...], said: str
) -> None:
    node.always("POST /v1/session", SESSION, 201)
    typed = b"p\nAAAA-BBBB\n"
    outcome = ask("login", "anna", "--role", "reviewer", *words, stdin=typed)
    usual = ask("login", "anna", "--role", "reviewer", *words, stdin=b"p\n123456\n")

    assert said in outcome.err
    assert said not in usual.err


def test_a_back_end_stays_a_service_whoever_has_logged_in(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    assert logged_in.exists()
    node.knows()
    outcome = ask("lookup", "--kind", "email", "-", stdin=b"anna@example.de\n")

    assert outcome.status == 0
    assert node.tokens[-1] is None


def test_logging_out_removes_the_file_even_if_the_node_refuses(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    node.always("POST /v1/session/end", {"code": "unauthenticated"}, 401)

    assert ask("logout").status == 3
    assert not logged_in.exists()


def test_a_session_file_that_others_can_read_is_refused(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    logged_in.chmod(0o644)
    outcome = ask("account", "list")

    assert outcome.status == 2
    assert "open to others" in outcome.err
    assert [target for target, _ in node.asked] == ["POST /v1/session"]


@pytest.mark.parametrize("stdin", [b"", b"only a password\n"])
def test_input_that_ends_too_soon_is_named(
    ask: "Run", node: "FakeNode", stdin: bytes
) -> None:
    outcome = ask("login", "anna", stdin=stdin)

    assert outcome.status == 5
    assert "standard input ends before" in outcome.err
    assert node.asked == []


def test_a_login_needs_a_name(ask: "Run") -> None:
    assert ask("login").status == 2


def test_who_has_no_role_is_told_who_can_give_one(ask: "Run", node: "FakeNode") -> None:
    problem = {"code": "forbidden", "detail": "no role is granted"}
    node.always("POST /v1/session", problem, 403)
    outcome = ask("login", "anna", stdin=b"p\n123456\n")

    assert outcome.status == 3
    assert "fedsafe account first OTHERNAME" in outcome.err


def test_a_setup_that_lacks_training_says_how(ask: "Run", node: "FakeNode") -> None:
    problem = {"code": "bad_training", "detail": "say", "pointer": "/training"}
    node.always("POST /v1/account/setup", problem, 422)
    outcome = ask("account", "setup", "olaf", stdin=b"AAAA-BBBB\npass word 1234\n")

    assert outcome.status == 5
    assert "fedsafe account setup olaf --training" in outcome.err


def test_a_login_through_a_provider_takes_its_own_answer_only(
    ask: "Run", node: "FakeNode"
) -> None:
    state = "s" * 43
    begun = {"url": "https://id.example.de/authorize?x=1", "state": state}
    node.always("POST /v1/session/oidc", begun, 201)
    node.always("POST /v1/session/oidc/code", SESSION, 201)
    node.always("POST /v1/account/identity", {"name": "anna", "issuer": "https://i"})
    back = f"http://127.0.0.1:9/callback?code=c%20d&state={state}\n".encode()
    outcome = ask("login", "--sso", "--role", "reviewer", stdin=back)

    assert outcome.status == 0, outcome.err
    assert begun["url"] in outcome.err
    assert node.asked == [
        ("POST /v1/session/oidc", {"role": "reviewer"}),
        ("POST /v1/session/oidc/code", {"state": state, "code": "c d"}),
    ]
    linked = ask("account", "link", stdin=back)
    assert "anna is linked at https://i" in linked.out
    assert node.tokens[-1] == f"Bearer {TOKEN}"
    for wrong in (back.replace(b"s" * 43, b"t" * 43), b"https://x/\n"):
        assert ask("login", "--sso", stdin=wrong).status == 5


def test_a_step_up_sends_the_code_alone(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    assert logged_in.exists()
    node.always("POST /v1/session/step-up", {"fresh_until": 1_795_000_000})
    outcome = ask("login", "--step-up", stdin=b"123456\n")

    assert outcome.status == 0
    assert node.asked[-1][1] == {"code": "123456"}
    assert "2026-11-18" in outcome.out


def test_an_account_is_set_up_with_two_lines_of_input(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/account/setup", ENROLMENT, 201)
    outcome = ask(
        *("account", "setup", "anna", "--training", "Fachstelle"),
        *("--training-until", "2027-06-01"),
        stdin=b"AAAA-BBBB\npass word 1234\n",
    )

    assert outcome.status == 0
    assert node.asked[0][1] == {
        "name": "anna",
        "code": "AAAA-BBBB",
        "password": "pass word 1234",
        "training": {"organisation": "Fachstelle", "until": 1_811_808_000},
    }
    assert "GEZDGNBV" in outcome.out
    assert "pass word" not in outcome.out + outcome.err
    assert ask("account", "setup", "anna", "--training", "x").status == 2


@pytest.mark.parametrize(
    ("arguments", "target", "body", "answer", "shown"),
    [
        (
            ("account", "add", "anna", "--display", "Anna", "--external"),
            "POST /v1/accounts",
            {"name": "anna", "display": "Anna", "external": True},
            CODE,
            "AAAA-BBBB-CCCC-DDDD",
        ),
        (
            ("account", "lock", "anna"),
            "POST /v1/accounts/anna/lock",
            None,
            {"name": "anna", "state": "locked"},
            "anna is locked",
        ),
        (
            ("account", "reset", "anna"),
            "POST /v1/accounts/anna/reset",
            None,
            CODE,
            "AAAA-BBBB-CCCC-DDDD",
        ),
        (
            ("account", "totp"),
            "POST /v1/account/authenticator",
            None,
            ENROLMENT,
            "AAAA-BBBB",
        ),
        (
            ("account", "roles", "ben", "--grant", "analyst", "--until", "2027-06-01"),
            "POST /v1/roles",
            {"name": "ben", "role": "analyst", "until": 1_811_808_000},
            {"name": "ben", "role": "analyst", "granted": False, "act": ACT},
            f"fedsafe act approve {'0' * 32}",
        ),
        (
            ("account", "roles", "ben", "--end", "analyst"),
            "POST /v1/roles/end",
            {"name": "ben", "role": "analyst"},
            {"name": "ben", "role": "analyst", "granted": False},
            "ben has no longer the role analyst",
        ),
        (
            (
                *("training", "add", "ben", "--module", "basic", "--by", "Fachstelle"),
                *("--on", "2027-05-01", "--until", "2027-06-01"),
            ),
            "POST /v1/training",
            {
                "name": "ben",
                "module": "basic",
                "organisation": "Fachstelle",
                "since": 1_809_129_600,
                "until": 1_811_808_000,
            },
            {"name": "ben", "module": "basic", "until": 1_811_808_000},
            "ben: basic until 2027-06-01 00:00:00 UTC",
        ),
        (
            ("act", "withdraw", "0" * 32),
            f"POST /v1/acts/{'0' * 32}/withdraw",
            None,
            ACT | {"state": "withdrawn"},
            ": withdrawn",
        ),
        (
            ("node", "credential", "revoke", "shop"),
            "POST /v1/credentials/shop/revoke",
            None,
            {"name": "shop"},
            "shop is revoked",
        ),
    ],
    ids=["add", "lock", "reset", "totp", "grant", "end", "train", "withdraw", "revoke"],
)
def test_a_command_sends_its_request_and_tells_the_answer(  # noqa: PLR0913
    ask: "Run",
    node: "FakeNode",
    arguments: tuple[str, ...],
    target: str,
    body: Any,  # noqa: ANN401 - JSON
    answer: dict[str, Any],
    shown: str,
) -> None:
    node.always(target, answer)
    node.always("GET /v1/accounts", {"accounts": []})
    outcome = ask(*arguments)
    as_json = ask(*arguments, "--json")

    waits = isinstance(answer.get("act"), dict)
    assert outcome.status == as_json.status == (13 if waits else 0), outcome.err
    assert node.asked[0] == (target, body)
    assert shown in outcome.out
    assert as_json.document == with_moments(answer)


@pytest.mark.parametrize(
    ("name", "role", "lapsed", "alone"),
    [
        ("rita", "reviewer", False, False),
        ("rita", "reviewer", True, True),
        ("rita", "analyst", False, True),
        ("ben", "reviewer", False, True),
        ("olaf", "operator", False, True),
    ],
)
def test_a_grant_that_nobody_could_approve_says_so(  # noqa: PLR0913
    ask: "Run", node: "FakeNode", *, name: str, role: str, lapsed: bool, alone: bool
) -> None:
    roles = [{"role": role, "since": 1_794_000_000, "until": None, "lapsed": lapsed}]
    account = {"name": name, "state": "active", "roles": roles}
    node.always("GET /v1/accounts", {"accounts": [account]})
    asked = {"name": "ben", "role": "analyst", "granted": False, "act": ACT}
    node.always("POST /v1/roles", asked)
    outcome = ask("account", "roles", "ben", "--grant", "analyst")

    assert outcome.status == 13
    assert ("fedsafe account first" in outcome.err) is alone


def test_a_refusal_by_policy_is_told_in_german(ask: "Run", node: "FakeNode") -> None:
    problem = {
        "code": "training",
        "detail": "A valid training record is missing.",
        "rule": "P19",
        "policy": "strict@1",
        "about": "advanced, basic",
        "reason": {"de": "Ein Schulungsnachweis fehlt.", "en": "A record is missing."},
    }
    node.always("POST /v1/roles", problem, 403)
    grant = ("account", "roles", "ben", "--grant", "analyst")
    german, english = ask(*grant, "--lang", "de"), ask(*grant)

    assert "Fehler: Ein Schulungsnachweis fehlt. (training)" in german.err
    assert "error: A record is missing. (training)" in english.err
    assert "decides; missing modules: advanced, basic" in english.err
    assert "fedsafe training add" in english.err


def test_lists_are_tables(ask: "Run", node: "FakeNode") -> None:
    role = {"role": "analyst", "since": 1_795_000_000, "until": None, "lapsed": True}
    account = {
        "name": "ben",
        "display": "Ben",
        "external": True,
        "state": "active",
        "roles": [role],
    }
    record = {
        "name": "ben",
        "module": "basic",
        "organisation": "Fachstelle",
        "since": 1_795_000_000,
        "until": 1_795_000_001,
        "valid": False,
    }
    credential = {
        "name": "shop",
        "holder": "shop",
        "role": "service",
        "scope": "lookup",
        "purposes": ["recheck"],
        "created_at": 1_795_000_000,
        "until": 1_795_000_001,
        "expired": True,
    }
    node.always("GET /v1/accounts", {"accounts": [account]})
    node.always("GET /v1/training", {"trainings": [record]})
    node.always("GET /v1/acts", {"acts": [ACT]})
    node.always("GET /v1/credentials", {"credentials": [credential]})

    assert "(analyst)" in ask("account", "list").out
    (listed,) = ask("account", "list", "--json").document["accounts"]
    assert listed["roles"] == [role | {"since": "2026-11-18T11:06:40Z"}]
    assert "the node must run" in ask("node", "credential", "list", "--help").out
    assert "expired" in ask("training", "list").out
    assert "ben" in ask("act", "list").out
    assert "expired" in ask("node", "credential", "list").out
    assert " recheck " in ask("node", "credential", "list").out
    first, second = "2026-11-18T11:06:40Z", "2026-11-18T11:06:41Z"
    (told,) = ask("training", "list", "--json").document["trainings"]
    assert (told["since"], told["until"]) == (first, second)
    (told,) = ask("node", "credential", "list", "--json").document["credentials"]
    assert (told["created_at"], told["until"]) == (first, second)
    (told,) = ask("act", "list", "--json").document["acts"]
    assert told["asked_at"].endswith("Z")


def test_all_pages_of_acts_are_read(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/acts", {"acts": [ACT], "next": ACT["act"]})
    other = ACT | {"act": "9" * 32}
    node.always(f"GET /v1/acts?after={ACT['act']}", {"acts": [other]})

    listed = ask("act", "list", "--json").document["acts"]
    assert [each["act"] for each in listed] == [ACT["act"], "9" * 32]


GATE = {
    "legal_basis": "file-2026-17",
    "dpo_approval": {"person": "C. Weber", "on": "2026-11-02"},
    "arrangement": None,
}


@pytest.mark.parametrize(
    ("kind", "content", "english", "german"),
    [
        (
            "export_with_openings",
            {"start": 0, "end": 244, "events": None},
            ["entries 0 to 243"],
            ["Einträge 0 bis 243"],
        ),
        (
            "export_with_openings",
            {"start": 7, "end": 8, "events": ["lookup", "task.due"]},
            ["entries 7 to 7", "events lookup, task.due"],
            ["Ereignisse lookup, task.due"],
        ),
        (
            "subject_erasure",
            {"subject_ref": "user-7", "reason": "letter-3", "nonce": "ab" * 16},
            ["what erase an account", "account user-7", "reason letter-3"],
            ["Konto user-7", "Grund letter-3"],
        ),
        (
            "gate_opening",
            {"gate": GATE, "after": "cd" * 16},
            [
                "legal basis file-2026-17",
                "approval of the dpo C. Weber on 2026-11-02",
            ],
            ["Rechtsgrundlage file-2026-17"],
        ),
        (
            "key_rotation",
            {"epoch": 1, "generation": 1, "threshold": 2, "opens": True},
            ["what begin a new key epoch, with a new key", "threshold 2"],
            ["was eine neue Schlüsselepoche beginnen, mit einem neuen Schlüssel"],
        ),
        (
            "key_rotation",
            {"epoch": 1, "generation": 1, "threshold": 2, "opens": False},
            ["what share the key anew"],
            ["was neue Anteile am Schlüssel"],
        ),
        (
            "role_grant",
            {
                "name": "ben",
                "role": "dpo",
                "since": 1_794_000_000,
                "until": 1_795_000_000,
            },
            ["since 2026-11-06 21:20:00 UTC", "until 2026-11-18 11:06:40 UTC"],
            ["seit 2026-11-06 21:20:00 UTC", "bis 2026-11-18 11:06:40 UTC"],
        ),
    ],
)
def test_the_second_person_reads_words(  # noqa: PLR0913 - a table
    ask: "Run",
    node: "FakeNode",
    kind: str,
    content: dict[str, Any],
    english: list[str],
    german: list[str],
) -> None:
    node.always("GET /v1/acts", {"acts": [ACT | {"kind": kind, "content": content}]})
    shown = [" ".join(line.split()) for line in ask("act", "list").out.splitlines()]
    told = ask("act", "list", "--lang", "de").out
    words = [" ".join(line.split()) for line in told.splitlines()]

    assert [line for line in english if line not in shown] == []
    assert [line for line in german if line not in words] == []
    node.always("GET /v1/acts", {"acts": []})
    assert ask("act", "list").out == "nothing waits\n"
    assert not {"nonce", "after", "arrangement", "opens"} & {
        each.split()[0] for each in shown
    }


def test_two_nodes_never_share_a_session_file(tmp_path: Path) -> None:
    long = "x" * 120
    directories = [
        tmp_path / "a" / "b",
        tmp_path / "a%b",
        tmp_path / "one" / long / long / "n",
        tmp_path / "two" / long / long / "n",
    ]
    places = [*map(str, directories), "https://n.example:443", "https://n.example:8"]
    files = {session_file(each) for each in places}

    assert len(files) == len(places)
    assert all(len(Path(file).name) <= 255 for file in files)


def test_an_approval_names_the_digest_that_was_shown(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/acts", {"acts": [ACT]})
    node.always(f"POST /v1/acts/{'0' * 32}/approve", ACT | {"state": "done"})

    declined = ask("act", "approve", "0" * 32, stdin=b"n\n")
    assert (declined.status, "nothing was done" in declined.err) == (5, True)
    assert len(node.asked) == 1
    nobody = ask("act", "approve", "0" * 32)
    assert nobody.status == 5
    assert f"--digest {'ab' * 32}" in nobody.err
    german = ask("act", "approve", "0" * 32, "--lang", "de", stdin=b"was?\nj\n")
    assert german.status == 0
    assert "Zustimmen" in german.err
    outcome = ask("act", "approve", "0" * 32, stdin=b"y\n")
    assert outcome.status == 0
    assert "what: grant a role\nperson: ben\nrole: analyst\n" in outcome.err
    assert node.asked[-1][1] == {"digest": "ab" * 32}
    ask("act", "approve", "0" * 32, "--digest", "cd" * 32)
    assert node.asked[-1][1] == {"digest": "cd" * 32}


def test_an_act_is_refused_with_a_reason(ask: "Run", node: "FakeNode") -> None:
    why = {"by": "staff-2026q4-x", "at": 9, "reason": "incomplete", "reference": "t-4"}
    refused = ACT | {"state": "refused", "content": None, "refusal": why}
    node.always(f"POST /v1/acts/{'0' * 32}/refuse", refused)
    node.always("GET /v1/acts?state=refused", {"acts": [refused]})

    assert ask("act", "refuse", "0" * 32).status == 2
    done = ask(
        *("act", "refuse", "0" * 32, "--reason", "incomplete", "--reference", "t-4")
    )
    assert node.asked[-1][1] == {"reason": "incomplete", "reference": "t-4"}
    ask("act", "refuse", "0" * 32, "--reason", "conflict")
    assert node.asked[-1][1] == {"reason": "conflict"}
    listed = ask("act", "list", "--state", "refused")
    german = ask("act", "list", "--state", "refused", "--lang", "de")
    node.always("GET /v1/acts?state=refused", {"acts": []})
    none = ask("act", "list", "--state", "refused")

    assert (done.status, done.out) == (0, f"{'0' * 32}: refused\n")
    for word in ("refused", "staff-2026q4-x", "something is missing", "t-4"):
        assert word in listed.out
    assert "es fehlt etwas" in german.out
    assert none.out == "nothing of yours was refused lately\n"


def test_of_an_act_that_waits_no_more_the_node_says_why(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/acts", {"acts": [ACT]})
    refusal = {"code": "case_closed", "detail": "the case is closed, by ada"}
    node.always(f"POST /v1/acts/{'1' * 32}/approve", refusal, 409)
    outcome = ask("act", "approve", "1" * 32)

    assert outcome.status == 5
    assert "the case is closed, by ada" in outcome.err
    assert "fedsafe case open" in outcome.err
    assert node.asked[-1][1] == {"digest": "0" * 64}


def test_an_old_proof_names_the_way_out(ask: "Run", node: "FakeNode") -> None:
    refusal = {"code": "step_up", "detail": "Prove the second factor anew"}
    node.always(f"POST /v1/acts/{'0' * 32}/approve", refusal, 403)
    outcome = ask("act", "approve", "0" * 32, "--digest", "ab" * 32)

    assert outcome.status == 3
    assert "fedsafe login --step-up" in outcome.err


def test_the_command_knows_every_scope() -> None:
    assert set(SCOPES) == {scope.value for scope in CredentialScope}


def test_a_services_token_goes_into_a_private_file(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    token = "fs1_" + "b" * 43
    answer = {"name": "shop", "holder": "shop", "token": token, "until": 2}
    node.always("POST /v1/credentials", answer, 201)
    node.always("POST /v1/credentials/shop/rotate", answer, 201)
    out = tmp_path / "shop.key"
    add = ("node", "credential", "add", "shop", "--scope", "lookup")
    terms = ("--purpose", "recheck", "--until", "2027-06-01")
    outcome = ask(*add, *terms, "--out", str(out))

    assert outcome.status == 0, outcome.err
    assert token not in outcome.out
    assert out.read_text() == f"{token}\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert node.asked[0][1] == {
        "name": "shop",
        "scope": "lookup",
        "purposes": ["recheck"],
        "until": 1_811_808_000,
    }
    again = ("--until", "2027-06-01", "--overlap", "2")
    rotate = ("node", "credential", "rotate", "shop", *again)
    assert ask(*rotate, "--out", str(out)).status == 2  # it exists
    assert len(node.asked) == 1
    assert ask(*rotate, "--out", f"{out}2").status == 0
    assert node.asked[-1][1] == {"until": 1_811_808_000, "overlap": 7_200}
    of = ("--service", "shop")
    assert ask(*add, *terms, *of, "--out", f"{out}4").status == 0
    assert node.asked[-1][1]["service"] == "shop"
    assert ask(*rotate, *of, "--out", f"{out}5").status == 0
    assert node.asked[-1][1]["service"] == "shop"
    node.always("POST /v1/credentials", {"code": "forbidden"}, 403)
    assert ask(*add, *terms, "--out", f"{out}3").status == 3
    assert not Path(f"{out}3").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--out", "x"),
        ("--role", "analyst", "--scope", "lookup", "--out", "x"),
        ("--scope", "lookup", "--out", "x"),
        ("--role", "analyst", "--purpose", "recheck", "--out", "x"),
        ("--scope", "lookup", "--until", "tomorrow", "--out", "x"),
        ("--role", "analyst", "--service", "shop", "--out", "x"),
        ("--role", "service", "--service", "a", "--person", "b", "--out", "x"),
    ],
)
def test_options_that_do_not_go_together_are_usage(
    ask: "Run", node: "FakeNode", arguments: tuple[str, ...]
) -> None:
    assert ask("node", "credential", "add", "shop", *arguments).status == 2
    assert node.asked == []


def test_three_people_can_run_the_german_policy(run: "Run") -> None:
    outcome = run(
        "staffing", "check", "--policy", "germany", "anna", "ben", "dora", "--json"
    )

    assert outcome.status == 0
    people = {one["name"]: one["roles"] for one in outcome.document["people"]}
    seats = [role for roles in people.values() for role in roles]
    assert set(people) == {"anna", "ben", "dora"}
    assert sorted(seats) == [
        "analyst",
        "dpo",
        "escalation_officer",
        "legal_adviser",
        "operator",
        "reviewer",
        "youth_protection_officer",
    ]
    assert "dpo+operator" in outcome.document["apart"]
    assert "dpo" in outcome.document["external"]


def test_two_people_do_not_suffice(run: "Run") -> None:
    shown = run("staffing", "check", "--policy", "germany", "anna", "ben")

    assert shown.status == 3
    assert "the people do not suffice" in shown.out


def test_a_clash_is_said_in_words(run: "Run") -> None:
    outcome = run("staffing", "check", "anna:dpo,operator", "ben:analyst")

    assert outcome.status == 3
    assert "anna may not be dpo and operator at once" in outcome.out
    assert "nobody is reviewer" in outcome.out
    assert run("staffing", "check", "anna:queen").status == 2
    assert run("staffing", "check", "--policy", "nowhere", "anna").status == 2


def test_roles_have_their_german_names(run: "Run") -> None:
    people = ("anna:dpo,operator", "ben:analyst", "cem:legal_adviser")
    outcome = run("staffing", "check", *people, "--lang", "de")

    clash = "anna darf nicht zugleich Datenschutzbeauftragte und Technischer Betrieb"
    assert clash in outcome.out
    assert not re.findall(r"\b(?:operator|dpo|analyst|reviewer)\b", outcome.out)
    assert "legal_adviser" not in outcome.out


def test_the_nodes_own_people_are_checked(ask: "Run", node: "FakeNode") -> None:
    found = {
        "policy": "germany@00000000",
        "suffices": True,
        "gaps": [],
        "people": [{"name": "anna", "external": True, "roles": ["dpo"]}],
    }
    node.always("GET /v1/staffing", found)
    outcome = ask("staffing", "check")

    assert outcome.status == 0
    assert "policy germany@00000000: the people suffice" in outcome.out
    assert ask("staffing", "check", "--policy", "germany").status == 2


def test_a_lost_first_code_is_replaced_while_the_node_is_stopped(
    run: "Run", short_path: Path
) -> None:
    home = str(short_path / "a")
    made = run(
        *("node", "init", "--dir", home, "--name", "a.demo", "--json"),
        *("--contact", "trust@a.demo", "--administrator", "olaf"),
    )
    first = ("account", "first", "--config", home)
    outcome = run(*first, "olaf", "--json")

    assert outcome.status == 0
    assert outcome.document["code"] != made.document["administrator"]["code"]
    assert "setup olaf --training" in run(*first, "olaf").err
    assert run(*first, "o.laf").status == 5
    assert run(*first, "setup").status == 2


def test_signals_of_people_take_the_login(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    assert logged_in.exists()
    signal = "01936e0c-0000-7000-8000-000000000001"
    finding = (
        *("--kind", "email", "--phenomenon", "grooming", "--rule", "tos-4.2"),
        *("--surface", "public_content", "--grade", "confirmed_conduct"),
    )
    for command in (
        ("signal", "revoke", signal, "--reason", "mistake", "--yes"),
        ("signal", "show", signal),
        ("signal", "add", *finding, "--scope", "federation"),
    ):
        ask(*command, stdin=b"anna@example.de\n")
        assert node.tokens[-1] == f"Bearer {TOKEN}", command
    # An own ban may be a back-end's, which asks under the same user.
    ask("signal", "add", *finding, stdin=b"anna@example.de\n")
    assert node.tokens[-1] is None


BEN_RULES_ALONE = (
    "anna:analyst,escalation_officer",
    "ben:reviewer,legal_adviser,operator",
    "dora:dpo,youth_protection_officer",
)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "what anna, ben published: nobody else may rule"),
        (("--lang", "de"), "was anna, ben veröffentlicht: niemand sonst darf"),
    ],
)
def test_people_do_not_suffice_if_nobody_is_left_to_rule(
    run: "Run", words: tuple[str, ...], told: str
) -> None:
    outcome = run("staffing", "check", *BEN_RULES_ALONE, *words)

    assert outcome.status == 3
    assert told in outcome.out


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "together: gate opening"), (("--lang", "de"), "zusammen: Öffnen der")],
)
def test_an_act_that_finds_no_two_people_is_named(
    run: "Run", words: tuple[str, ...], told: str
) -> None:
    outcome = run("staffing", "check", "anna:analyst", "ben:reviewer", *words)

    assert outcome.status == 3
    assert told in outcome.out


def test_sessions_are_listed_and_ended(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    assert logged_in.exists()
    one = {
        "session": "0f3a9c5e7b1d2468",
        "role": "reviewer",
        "way": "password",
        "began_at": 1_795_000_000,
        "seen_at": 1_795_000_000,
        "idle_until": 1_795_001_800,
        "ends_at": 1_795_043_200,
        "fresh_until": None,
        "current": True,
    }
    other = one | {"session": "1" * 16, "way": None, "current": False}
    node.always("GET /v1/sessions", {"sessions": [one, other]})
    listed = ask("session", "list")
    german = ask("session", "list", "--lang", "de")

    assert "0f3a9c5e7b1d2468" in listed.out
    assert "password" in listed.out
    assert "Passwort" in german.out
    ended = {"name": "anna", "ended": 1}
    for words, target in (
        (("1" * 16,), f"POST /v1/sessions/{'1' * 16}/end"),
        (("--others",), "POST /v1/sessions/end"),
        (("--of", "ben"), "POST /v1/accounts/ben/log-out"),
    ):
        node.always(target, ended)
        outcome = ask("session", "end", *words)
        assert outcome.status == 0, outcome.err
        assert "sessions ended: 1" in outcome.out
        assert node.asked[-1][0] == target


@pytest.mark.parametrize(
    "words", [(), ("x",), ("1" * 16, "--others"), ("--of", "../x")]
)
def test_ending_sessions_takes_one_word_that_fits(
    ask: "Run", node: "FakeNode", words: tuple[str, ...]
) -> None:
    assert ask("session", "end", *words).status == 2
    assert node.asked == []


def test_another_role_replaces_the_token(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    token = "fs2_" + "b" * 43
    changed = SESSION | {"token": token, "role": "dpo"}
    node.always("POST /v1/session/role", changed)
    outcome = ask("session", "role", "dpo")

    assert outcome.status == 0, outcome.err
    assert token not in outcome.out + outcome.err
    assert logged_in.read_text(encoding="ascii") == f"{token}\n"


def test_passkeys_are_listed_named_and_removed(
    ask: "Run", node: "FakeNode", logged_in: Path
) -> None:
    assert logged_in.exists()
    key = "0f" * 16
    one = {
        "passkey": key,
        "name": "key",
        "added_at": 1_795_000_000,
        "used_at": None,
        "synced": True,
        "fits": False,
    }
    node.always("GET /v1/account/passkeys", {"passkeys": [one]})
    node.always(f"POST /v1/account/passkeys/{key}/name", one | {"name": "safe"})
    node.always(f"POST /v1/account/passkeys/{key}/remove", {"passkey": key})
    listed = ask("account", "passkey", "list")
    german = ask("account", "passkey", "list", "--lang", "de")
    named = ask("account", "passkey", "name", key, "safe")
    removed = ask("account", "passkey", "remove", key)

    assert key in listed.out
    assert "for another address" in listed.out
    assert "für eine andere Adresse" in german.out
    assert named.out == f"{key} is called safe\n"
    assert node.asked_of(f"POST /v1/account/passkeys/{key}/name") == [{"name": "safe"}]
    assert removed.out == f"{key} is removed\n"
    before = len(node.asked)
    assert ask("account", "passkey", "remove", "../x").status == 2
    assert len(node.asked) == before
