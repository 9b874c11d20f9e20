# SPDX-License-Identifier: Apache-2.0
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import MATCH, answer

from fedsafe_cli.main import fedsafe

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

SECRET = "anna.geheim@example.de"


def test_an_unlisted_value_exits_0(ask: "Run", node: "FakeNode") -> None:
    node.knows()
    outcome = ask("lookup", "--kind", "email", "-", stdin=b"x@example.de\n")

    assert (outcome.status, outcome.out) == (0, "1: no signal\n")


def test_a_match_exits_10_and_says_what_a_reviewer_needs(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows(SECRET)
    outcome = ask("lookup", f"email:{SECRET}")

    assert outcome.status == 10
    for text in (
        "a.demo",
        "grooming",
        "confirmed_conduct",
        "removed 2026-11-20, published 2026-11-24, matches until 2027-11-18",
        "reason to review, not a verdict",
    ):
        assert text in outcome.out


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("imported_list", "found independently by 0", "said by 2 more")),
        ("de", ("aus einer Liste übernommen", "selbst festgestellt von 0", "von 2 A")),
    ],
)
def test_who_has_no_finding_of_its_own_is_told_apart(
    ask: "Run", node: "FakeNode", language: str, words: tuple[str, ...]
) -> None:
    counted = {"question": 0, "origins": 0, "others": 2, "enough": False}
    found = answer("review") | {"corroboration": [counted]}
    found["matches"] = [MATCH | {"provenance": "imported_list"}]
    node.always("POST /v1/lookup", found)
    outcome = ask("lookup", "--lang", language, f"email:{SECRET}")

    assert outcome.status == 10
    assert [word for word in words if word not in outcome.out] == []


def test_results_speak_german_when_the_locale_does(
    ask: "Run", node: "FakeNode", monkeypatch: pytest.MonkeyPatch
) -> None:
    node.knows(SECRET)
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    by_locale = ask("lookup", f"email:{SECRET}")
    by_option = ask("lookup", "--lang", "en", f"email:{SECRET}")

    assert "kein Urteil" in by_locale.out
    assert "not a verdict" in by_option.out


def test_one_value_is_one_lookup_and_more_are_a_batch(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows()
    ask("lookup", "email:a@example.de")
    ask("lookup", "email:a@example.de", "ip:9.9.9.9")

    assert [target for target, _ in node.asked] == [
        "POST /v1/lookup",
        "POST /v1/lookup/batch",
    ]


def test_a_subject_ref_makes_all_values_one_account(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows()
    outcome = ask("lookup", "--subject-ref", "u-1", "email:a@b.de", "ip:9.9.9.9")

    assert outcome.status == 0
    target, body = node.asked[0]
    assert target == "POST /v1/lookup"
    assert body["subject_ref"] == "u-1"
    assert [question["kind"] for question in body["questions"]] == ["email", "ip"]


def test_answers_come_in_the_order_of_the_input(ask: "Run", node: "FakeNode") -> None:
    values = [f"u{number}@example.de" for number in range(2_500)]
    listed = values[::7]
    node.knows(*listed)
    text = "".join(f"{value}\n" for value in values).encode()
    outcome = ask("lookup", "--json", "--kind", "email", "-", stdin=text)

    got = [entry["result"] for entry in outcome.document["answers"]]
    assert got == ["review" if value in set(listed) else "none" for value in values]
    assert [len(body["lookups"]) for _, body in node.asked] == [1000, 1000, 500]


def test_bad_lines_are_named_by_number_and_cost_no_other_answer(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows(SECRET, bad=("bad",))
    text = b"a@b.de\n\xff\xfe\n\nwith\0nul\nbad\n" + SECRET.encode() + b"\n"
    outcome = ask("lookup", "--json", "--kind", "email", "-", stdin=text)

    assert outcome.status == 10
    entries = outcome.document["answers"]
    assert [entry["result"] for entry in entries] == [
        "none",
        "bad_input",
        "bad_input",
        "bad_input",
        "bad_input",
        "review",
    ]
    codes = [entry["problem"]["code"] for entry in entries[1:5]]
    assert codes == ["encoding", "empty", "nul", "identifier_malformed"]


def test_a_line_of_ten_megabytes_is_one_bad_line(ask: "Run", node: "FakeNode") -> None:
    node.knows()
    text = b"x" * 10_000_000 + b"\na@b.de\n"
    outcome = ask("lookup", "--json", "--kind", "email", "-", stdin=text)

    assert outcome.status == 5
    entries = outcome.document["answers"]
    assert [entry["result"] for entry in entries] == ["bad_input", "none"]
    assert entries[0]["problem"]["code"] == "too_long"


def test_an_empty_input_is_bad_input(ask: "Run") -> None:
    outcome = ask("lookup", "--kind", "email", "-")

    assert outcome.status == 5
    assert "the input is empty" in outcome.err


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_a_value(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows()
    ask("lookup", "--kind", "email", "-", stdin=b"\xef\xbb\xbfa@b.de\r\n")

    assert node.asked[0][1]["questions"][0]["value"] == "a@b.de"


def test_a_record_that_is_out_of_form_is_named_by_its_field(
    ask: "Run", node: "FakeNode"
) -> None:
    place = {"code": "identifier_empty", "detail": "empty"}
    problems = [
        place | {"position": 0, "pointer": "/lookups/0/questions/0/value"},
        place | {"position": 1, "pointer": "/lookups/1/questions/1/value"},
    ]
    answer = {"answers": [None, None], "problems": problems}
    node.always("POST /v1/lookup/batch", answer)
    one = {"kind": "ip", "value": "x"}
    text = "\n".join(map(json.dumps, [one, {"questions": [one, one]}, {"value": "x"}]))
    outcome = ask("lookup", "--ndjson", "-", stdin=text.encode())

    assert outcome.status == 5
    fields = [answer["problem"]["field"] for answer in outcome.lines]
    assert fields == ["value", "questions/1/value", "kind"]


def test_ndjson_in_gives_ndjson_out(ask: "Run", node: "FakeNode") -> None:
    node.knows(SECRET)
    records: list[Any] = [
        {"kind": "email", "value": "a@b.de", "subject_ref": "u-1"},
        {"questions": [{"kind": "email", "value": SECRET}]},
        {"kind": "email", "value": "a@b.de", "name": "x"},
        [],
        {"kind": "email", "value": 7},
    ]
    text = "".join(json.dumps(record) + "\n" for record in records) + "{\n"
    outcome = ask("lookup", "--ndjson", "-", stdin=text.encode())

    assert outcome.status == 10
    results = [entry["result"] for entry in outcome.lines]
    assert results == ["none", "review"] + ["bad_input"] * 4
    assert node.asked[0][1]["lookups"][0]["subject_ref"] == "u-1"


def test_deep_json_is_a_bad_line(ask: "Run", node: "FakeNode") -> None:
    node.knows()
    outcome = ask("lookup", "--ndjson", "-", stdin=b"[" * 200_000 + b"\n{}\n")

    assert [entry["problem"]["code"] for entry in outcome.lines] == [
        "not_json",
        "kind",
    ]


@pytest.mark.parametrize("status", [429, 503])
def test_a_node_that_says_later_defers(
    ask: "Run", node: "FakeNode", status: int
) -> None:
    body = {"code": "busy", "detail": "later", "retry_after_ms": 700}
    node.always("POST /v1/lookup", body, status)
    node.always("POST /v1/lookup/batch", body, status)
    one = ask("lookup", "--json", "email:a@b.de")
    two = ask("lookup", "--json", "email:a@b.de", "email:c@d.de")

    assert (one.status, two.status) == (11, 11)
    assert one.document["answers"][0]["retry_after_ms"] == 700
    assert [entry["result"] for entry in two.document["answers"]] == ["deferred"] * 2


@pytest.mark.parametrize(
    ("status", "wanted"), [(401, 3), (403, 3), (400, 5), (422, 5), (500, 1), (502, 1)]
)
def test_a_refusal_has_its_exit_status(
    ask: "Run", node: "FakeNode", status: int, wanted: int
) -> None:
    node.always("POST /v1/lookup", {"code": "some_code", "detail": "no"}, status)
    outcome = ask("lookup", "email:a@b.de")

    assert outcome.status == wanted
    assert "some_code" in outcome.err


def test_stale_origins_exit_12_and_are_named(ask: "Run", node: "FakeNode") -> None:
    body = {"result": "incomplete", "matches": [], "not_covered": ["c.demo"]}
    node.always("POST /v1/lookup", body)
    outcome = ask("lookup", "email:a@b.de")

    assert outcome.status == 12
    assert "c.demo" in outcome.out


def test_a_match_names_the_command_that_shows_its_task(
    ask: "Run", node: "FakeNode"
) -> None:
    task = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    body = {"result": "review", "matches": [], "not_covered": [], "task": task}
    node.always("POST /v1/lookup", body | {"subject_ref": "acc-7"})

    for language in ("en", "de"):
        told = ask("lookup", "email:a@b.de", "--lang", language).out
        assert f"`fedsafe task show {task}`" in told


UNREADABLE: dict[str, Any] = {
    "question": 1,
    "kind": "phone",
    "code": "identifier_letters",
    "detail": {"de": "keine Buchstaben", "en": "no letters"},
    "way_out": {"de": "berichtigen", "en": "have it corrected"},
}


def test_an_unreadable_question_is_no_reason_to_ask_for_ever(
    ask: "Run", node: "FakeNode"
) -> None:
    body: dict[str, Any] = answer("incomplete") | {"unreadable": [UNREADABLE]}
    node.always("POST /v1/lookup", body)
    unreadable = ask("lookup", "email:a@b.de")
    node.always("POST /v1/lookup", body | {"not_covered": ["c.demo"]})
    stale = ask("lookup", "email:a@b.de")
    node.always("POST /v1/lookup", body | {"result": "deferred"})
    deferred = ask("lookup", "email:a@b.de")
    node.always("POST /v1/lookup", answer("review") | {"unreadable": [UNREADABLE]})
    found = ask("lookup", "--lang=de", "email:a@b.de")

    # Only asking again covers what others list; it reads nothing better.
    assert (unreadable.status, stale.status, deferred.status) == (5, 12, 11)
    assert "question 2 (phone number) cannot be read: no letters" in unreadable.out
    assert "have it corrected" in unreadable.out
    assert "c.demo" in stale.out
    assert found.status == 10
    assert "Frage 2 (Telefonnummer) ist nicht lesbar" in found.out


def test_what_names_nobody_is_said_beside_the_answer(
    ask: "Run", node: "FakeNode"
) -> None:
    left_out = UNREADABLE | {"kind": "ip", "code": "identifier_not_global"}
    body = answer("none") | {"not_compared": [left_out]}
    node.always("POST /v1/lookup", body)
    outcome = ask("lookup", "ip:127.0.0.1")

    assert outcome.status == 0
    assert "question 2 (IP address) names nobody" in outcome.out


def test_a_match_in_a_flood_has_a_status_that_restricts_nobody(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/lookup", answer("review") | {"reason": "flood"})
    outcome = ask("lookup", "email:a@b.de")
    german = ask("lookup", "--lang=de", "email:a@b.de")

    assert outcome.status == german.status == 14
    assert "review, restrict nothing" in outcome.out
    assert "create the account restricted" not in outcome.out
    assert "nichts einschränken" in german.out


def test_a_batch_that_is_refused_whole_is_asked_in_halves(
    ask: "Run", node: "FakeNode"
) -> None:
    def picky(body: dict[str, Any]) -> tuple[int, Any]:
        values = [entry["questions"][0]["value"] for entry in body["lookups"]]
        if "odd" in values:
            return 422, {"code": "invalid_body", "detail": "does not fit"}
        none = {"result": "none", "matches": [], "not_covered": []}
        return 200, {"answers": [none] * len(values), "problems": []}

    node.on("POST /v1/lookup/batch", picky)
    outcome = ask("lookup", "--json", "--kind", "email", "-", stdin=b"a\nb\nodd\nc\n")

    assert outcome.status == 5
    results = [entry["result"] for entry in outcome.document["answers"]]
    assert results == ["none", "none", "bad_input", "none"]


def test_a_node_that_vanishes_takes_no_earlier_answer_along(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows()
    batch = node.answers["POST /v1/lookup/batch"]

    def once(body: dict[str, Any]) -> tuple[int, Any]:
        (node.directory / "node.sock").unlink()
        status, document = batch(body)
        return status, document

    node.on("POST /v1/lookup/batch", once)
    text = b"a@b.de\n" * 1_500
    outcome = ask("lookup", "--json", "--kind", "email", "-", stdin=text)

    assert outcome.status == outcome.document["exit_status"] == 4
    results = [entry["result"] for entry in outcome.document["answers"]]
    assert results == ["none"] * 1_000 + ["unreachable"] * 500

    records = b'{"kind": "email", "value": "a@b.de"}\n' * 1_500
    node.on("POST /v1/lookup/batch", batch)
    gone = ask("lookup", "--ndjson", "-", stdin=records)
    assert gone.status == 4
    assert [entry["result"] for entry in gone.lines] == ["unreachable"] * 1_500


def test_a_closed_gate_is_named_as_the_cause(ask: "Run", node: "FakeNode") -> None:
    found = {"result": "incomplete", "matches": [], "not_covered": ["b.demo"]}
    node.always("POST /v1/lookup", found | {"gate_closed": True})
    closed = ask("lookup", "email:a@b.de")
    german = ask("lookup", "--lang", "de", "email:a@b.de")
    node.always("POST /v1/lookup", found | {"gate_closed": False})
    stale = ask("lookup", "email:a@b.de")

    assert closed.status == stale.status == 12
    assert "`fedsafe gate show`" in closed.out
    assert "nicht alle Quellen sind abgedeckt: b.demo" in german.out
    assert "`fedsafe gate show`" in german.out
    assert "gate" not in stale.out


@pytest.mark.promise("RM-04")
@pytest.mark.parametrize("form", ["--json", "--ndjson"])
@pytest.mark.parametrize("count", [1, 2, 1_001])
def test_a_node_that_is_down_never_reads_like_no_signal(
    run: "Run", short_path: Path, form: str, count: int
) -> None:
    (short_path / "node.toml").touch()
    where = ("--config", str(short_path), form, "--kind", "email", "-")
    value = b'{"value": "x@example.de"}\n' if form == "--ndjson" else b"x@example.de\n"
    outcome = run("lookup", *where, stdin=value * count)

    entries = outcome.lines if form == "--ndjson" else outcome.document["answers"]
    assert outcome.status == 4
    assert form == "--ndjson" or outcome.document["exit_status"] == 4
    assert [entry["position"] for entry in entries] == list(range(count))
    assert {entry["result"] for entry in entries} == {"unreachable"}
    assert {entry["problem"]["code"] for entry in entries} == {"unreachable"}
    assert outcome.err.count("fedsafe: error:") == 1


def test_an_answer_of_no_node_takes_its_status_into_the_document(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/lookup/batch", {"answers": [], "problems": []})
    outcome = ask("lookup", "--json", "email:a@b.de", "email:b@b.de")

    assert outcome.status == outcome.document["exit_status"] == 1
    assert [entry["result"] for entry in outcome.document["answers"]] == ["error"] * 2


def test_an_empty_input_is_no_document_of_status_0(ask: "Run") -> None:
    outcome = ask("lookup", "--json", "--kind", "email", "-")

    assert outcome.document == {"exit_status": 5, "answers": []}


def test_a_lookup_that_finds_no_node_anywhere_says_so_in_json(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    outcome = run("lookup", "--json", "email:a@b.de")
    wrong = run("lookup", "--json", "--config", "/nowhere/at/all", "email:a@b.de")

    assert outcome.status == outcome.document["exit_status"] == 4
    assert outcome.document["problem"]["code"] == "unreachable"
    assert wrong.status == wrong.document["exit_status"] == 2


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"result": "guilty"},
        {"answers": [], "problems": []},
        {"answers": [None, None], "problems": []},
    ],
)
def test_an_answer_that_no_node_gives_is_an_error(
    ask: "Run", node: "FakeNode", body: object
) -> None:
    node.always("POST /v1/lookup", body)
    node.always("POST /v1/lookup/batch", body)

    assert ask("lookup", "email:a@b.de").status == 1
    assert ask("lookup", "email:a@b.de", "email:a@b.de").status == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("lookup", "--no-such-option"),
        ("lookup", "--kind", "shoe-size", "-"),
        ("lookup", "-", "email:a@b.de"),
        ("lookup", "--file", "x", "email:a@b.de"),
        ("lookup", "--ndjson", "email:a@b.de"),
        ("lookup", "--deadline-ms", "5", "email:a@b.de"),
        ("lookup", "--config", "/nowhere/at/all", "email:a@b.de"),
        ("no-such-command",),
    ],
)
def test_wrong_usage_exits_2(run: "Run", arguments: tuple[str, ...]) -> None:
    assert run(*arguments).status == 2


def test_no_node_exits_4_and_says_how_to_start_it(run: "Run", short_path: Path) -> None:
    (short_path / "node.toml").touch()
    outcome = run("lookup", "--config", str(short_path), "email:a@b.de")

    assert outcome.status == 4
    assert f"fedsafe node run --config {short_path}" in outcome.err


def test_nowhere_a_node_exits_4(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    outcome = run("lookup", "email:a@b.de")

    assert outcome.status == 4
    assert "fedsafe node init" in outcome.err


def test_a_file_that_cannot_be_read_is_named(ask: "Run", tmp_path: Path) -> None:
    missing = ask("lookup", "--kind", "email", "--file", str(tmp_path / "no\nfile"))
    folder = ask("lookup", "--kind", "email", "--file", str(tmp_path))

    assert (missing.status, folder.status) == (5, 5)
    assert "no\\nfile" in missing.err


def test_no_output_repeats_a_value(ask: "Run", node: "FakeNode") -> None:
    node.knows(SECRET, bad=(SECRET.upper(),))
    values = f"{SECRET}\n{SECRET.upper()}\n".encode()
    for flags in ((), ("--json",)):
        outcome = ask("lookup", *flags, "--kind", "email", "-", stdin=values)

        assert SECRET not in (outcome.out + outcome.err).lower()


def test_an_unknown_error_shows_its_place_and_no_value(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/lookup", {"result": "review", "matches": 5})
    outcome = ask("lookup", f"email:{SECRET}")

    assert outcome.status == 1
    assert "unexpected TypeError at verdicts.py:" in outcome.err
    assert SECRET not in outcome.err


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_file_that_the_system_refuses_is_named_with_the_way_out(
    ask: "Run", monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/srv/a\n/key")

    monkeypatch.setattr(fedsafe, "invoke", refuse)
    outcome = ask("--lang", language, "lookup", f"email:{SECRET}")

    says = {
        "en": "fedsafe: error: /srv/a\\n/key may not be read or written by this user\n",
        "de": "fedsafe: Fehler: /srv/a\\n/key darf dieser Benutzer nicht",
    }
    assert outcome.status == 2
    assert outcome.err.startswith(says[language])
    assert "ls -ld /srv/a\\n/key" in outcome.err


def test_what_the_disk_does_not_give_back_is_said_as_that(
    ask: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "/srv/list.csv")

    monkeypatch.setattr(fedsafe, "invoke", fail)
    outcome = ask("lookup", f"email:{SECRET}")

    assert outcome.status == 1
    assert outcome.err == "fedsafe: error: /srv/list.csv: Input/output error\n"


def test_a_reader_that_goes_away_is_no_error_message(node: "FakeNode") -> None:
    node.knows()
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fedsafe_cli", "lookup", "email:a@b.de"],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=os.environ | {"FEDSAFE_CONFIG": str(node.directory)},
            check=False,
        )
    finally:
        os.close(writer)

    assert done.returncode == 141
    assert done.stderr == b""


def test_a_lookup_imports_nothing_heavy(node: "FakeNode") -> None:
    node.knows()
    code = (
        "import sys; sys.argv[1:] = ['lookup', 'email:a@b.de'];"
        "from fedsafe_cli.main import main; status = main();"
        "print(sorted(sys.modules), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=os.environ | {"FEDSAFE_CONFIG": str(node.directory)},
        check=False,
    )
    loaded = set(json.loads(done.stderr.replace(b"'", b'"')))

    assert done.returncode == 0
    assert not loaded & {
        "aiohttp",
        "asyncio",
        "email",
        "http.client",
        "importlib.metadata",
        "msgspec",
        "numpy",
        "rich",
        "sqlite_utils",
        "tempfile",
    }


def test_the_surface_goes_with_the_question(ask: "Run", node: "FakeNode") -> None:
    node.knows()
    options = ("--purpose", "moderation_review", "--surface", "hosted_private")
    one = ask("lookup", *options, "email:a@b.de")
    two = ask("lookup", *options, "email:a@b.de", "ip:9.9.9.9")
    implied = ask("lookup", "email:a@b.de")

    assert [one.status, two.status, implied.status] == [0, 0, 0]
    said = [body.get("surface") for _, body in node.asked]
    assert said == ["hosted_private", "hosted_private", None]


@pytest.mark.parametrize("purpose", ["moderation_review", "media_matching"])
def test_a_purpose_that_says_no_surface_wants_one(
    ask: "Run", node: "FakeNode", purpose: str
) -> None:
    node.knows()
    outcome = ask("lookup", "--purpose", purpose, "email:a@b.de")

    assert outcome.status == 2
    assert f"--purpose {purpose} needs --surface" in outcome.err
    assert node.asked == []


def test_a_surface_without_a_basis_names_the_calendar(
    ask: "Run", node: "FakeNode"
) -> None:
    reason = {"de": "keine Rechtsgrundlage", "en": "no legal basis"}
    problem = {"rule": "P3", "code": "surface", "policy": "germany@1a2b3c4d"}
    body = problem | {"about": "eu-interim-2026", "reason": reason}
    node.always("POST /v1/lookup", body, 403)
    outcome = ask("lookup", "--surface", "ni_ics_private", "email:a@b.de")

    assert outcome.status == 3
    assert "no legal basis" in outcome.err
    assert "eu-interim-2026" in outcome.err


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", ("allowed by", "P1 of policy germany@1a2b3c4d", "appeal", "at origin")),
        ("de", ("erlaubt durch", "P1 der Richtlinie germany@1a2b3c4d", "Widerspruch")),
    ],
)
def test_a_match_says_why_it_counts_and_where_it_is_contested(
    ask: "Run", node: "FakeNode", language: str, lines: tuple[str, ...]
) -> None:
    node.knows(SECRET)
    outcome = ask("lookup", "--lang", language, f"email:{SECRET}")

    assert "None" not in outcome.out
    for text in (*lines, "https://b.example/rights, safety@b.example"):
        assert text in outcome.out
    assert "https://a.example/rights" in outcome.out
