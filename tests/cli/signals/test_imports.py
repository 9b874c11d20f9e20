# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal import` of tables, run again, and `fedsafe import`."""

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from tests.cli.conftest import Terminal

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_node.acts.bodies import made_of
from fedsafe_policies.vocabulary import IdentifierKind

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID: Final = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
RUN: Final = "0a" * 16
KEY: Final = "1b" * 16
FINDING: Final = (
    *("--phenomenon", "grooming", "--surface", "public_content"),
    *("--grade", "confirmed_conduct", "--rule", "tos-4.2"),
)
IMPORT: Final = ("signal", "import", *FINDING)
FORUM: Final = (
    "id;Benutzername;E-Mail;Telefon;Land;Gesperrt am;Bemerkung\r\n"
    '1;jürgen;juergen@mail.example;0151 12345678;de;24.11.2026;"alt; gesperrt"\r\n'
    "2;;[gelöscht];;;2026-11-20 08:00:00;\r\n"
    "3;zoë;;+43 664 1234567;;2026-11-20;\r\n"
    "4;;;;;2026-11-20;Konto gelöscht\r\n"
)
MAPPED: Final = ("--map", "email=E-Mail", "--map", "removed_on=Gesperrt am")
SHOWN: Final[dict[str, Any]] = {
    "run": RUN,
    "author": "anna",
    "began_at": 1_796_000_000,
    "ended_at": 1_796_000_100,
    "state": "done",
    "lines": 9,
    "added": 5,
    "listed": 2,
    "refused": 1,
    "over": 1,
    "stopped": 0,
    "met_again": 0,
    "list": None,
    "undone_by": None,
    "undone_at": None,
    "reason": None,
}


def take_in(node: "FakeNode", *, already: bool = False, resumed: bool = False) -> None:
    def answering(body: dict[str, Any]) -> tuple[int, Any]:
        count = len(body["signals"])
        known = list(range(count)) if already else []
        answer = {"signals": [ID] * count, "problems": [], "already": known, "over": []}
        answer["differing"] = known[1:]
        return 200, answer | {"state": "own", "run": RUN}

    node.on("POST /v1/signals/import", answering)
    begun = {"run": RUN, "key": KEY, "resumed": resumed}
    node.always("POST /v1/imports", begun)
    node.always(f"POST /v1/imports/{RUN}/finish", SHOWN)


def sent(node: "FakeNode") -> list[dict[str, Any]]:
    return [
        signal
        for target, body in node.asked
        if target == "POST /v1/signals/import"
        for signal in body["signals"]
    ]


def about(node: "FakeNode") -> list[tuple[str, str, str | None]]:
    return [
        (
            each["about"]["kind"],
            each["about"]["value"],
            each["about"].get("region"),
        )
        for each in sent(node)
    ]


@pytest.fixture
def forum(tmp_path: Path) -> Path:
    path = tmp_path / "forum.csv"
    path.write_bytes(FORUM.encode("utf-8-sig"))
    return path


def test_the_table_of_a_forum_is_imported(
    ask: "Run", node: "FakeNode", forum: Path
) -> None:
    take_in(node)
    done = ask(*IMPORT, *MAPPED, "--namespace", "forum", "--json", str(forum))

    assert done.status == 0
    assert about(node) == [
        ("email", "juergen@mail.example", None),
        ("phone", "0151 12345678", "DE"),
        ("username", "jürgen", None),
        ("email", "[gelöscht]", None),
        ("phone", "+43 664 1234567", None),
        ("username", "zoë", None),
    ]
    assert [each["removed_on"] for each in sent(node)] == [
        *["2026-11-24"] * 3,
        *["2026-11-20"] * 3,
    ]
    assert done.document["nameless"] == [5]
    assert done.document["import"] == RUN
    assert "mail.example" not in done.err + done.out


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["email", "E-Mail", '"e-mail"'])
def test_a_header_that_fits_needs_no_map(
    ask: "Run", node: "FakeNode", separator: str, header: str
) -> None:
    take_in(node)
    rows = [[header, "banned_on", "x"], ['"a@b.example"', "2026-11-24", '"1,;""2"']]
    text = "\n".join(separator.join(row) for row in rows)
    done = ask(*IMPORT, stdin=text.encode())

    assert done.status == 0
    assert about(node) == [("email", "a@b.example", None)]


def test_a_table_from_windows_says_its_encoding(
    ask: "Run", node: "FakeNode", forum: Path
) -> None:
    take_in(node)
    forum.write_bytes(FORUM.encode("cp1252"))
    refused = ask(*IMPORT, *MAPPED, str(forum))
    german = ask(*IMPORT, *MAPPED, "--lang", "de", str(forum))
    assert node.asked == []
    done = ask(*IMPORT, *MAPPED, "--encoding", "cp1252", str(forum))

    assert refused.status == 5
    assert "line 2 of the table is not UTF-8" in refused.err
    assert "--encoding cp1252" in refused.err
    assert "Zeile 2 der Tabelle ist nicht UTF-8" in german.err
    assert "aus Windows" in german.err
    assert done.status == 0
    assert ("username", "jürgen", None) in about(node)


def test_what_is_utf8_is_not_read_as_something_else(
    ask: "Run", node: "FakeNode", forum: Path
) -> None:
    take_in(node)
    refused = ask(*IMPORT, *MAPPED, "--encoding", "cp1252", str(forum))

    assert refused.status == 5
    assert "leave --encoding out" in refused.err
    assert node.asked == []


def test_a_table_without_options_gets_a_hint_how(ask: "Run", node: "FakeNode") -> None:
    table = b"Nr,Kontakt,Datum\n1,a@b.example,2026-11-24\n"
    refused = ask(*IMPORT, stdin=table)
    records = ask(*IMPORT, stdin=b'{"kind":"email","value":"a@b.example"}\n')

    assert refused.status == records.status == 5
    assert "--map email='E-Mail'" in refused.err
    assert "its columns: Nr, Kontakt, Datum" in refused.err
    assert "--ndjson" in records.err
    assert node.asked == []


def test_a_first_line_of_values_is_never_shown(ask: "Run", tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("maxmuster;berlin\nerika;hamburg\n", encoding="utf-8")
    refused = ask(*IMPORT, str(path))
    mapped = ask(*IMPORT, "--map", "username=Name", str(path))

    assert refused.status == mapped.status == 5
    assert "begins with a header" in refused.err
    assert "maxmuster" not in refused.err + mapped.err


def test_a_bad_row_is_told_by_line_column_reason_and_known_words(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    take_in(node)
    table = tmp_path / "list.csv"
    table.write_text(
        "email,Grund,banned_on\n"
        "a@b.example,groming,2026-11-24\n"
        '"c@d.example",grooming,11/24/2026\n'
        "e@f.example,grooming,2026-11-24,more\n"
        "g@h.example,grooming,2026-11-24\n",
        encoding="utf-8",
    )
    rejects = tmp_path / "rejects.ndjson"
    command = (*IMPORT, "--map", "phenomenon=Grund", "--rejects", str(rejects))
    done = ask(*command, str(table))
    lines = [json.loads(line) for line in rejects.read_text().splitlines()]

    assert done.status == 5
    assert [(each["line"], each.get("field"), each["code"]) for each in lines] == [
        (2, "phenomenon", "unknown_word"),
        (3, "removed_on", "bad_date"),
        (4, None, "bad_row"),
    ]
    assert "grooming" in lines[0]["known"]
    assert lines[0]["column"] == "email"
    assert "24.11.2026" in lines[1]["known"]
    assert "groming" not in done.err + done.out + rejects.read_text()
    assert about(node) == [("email", "g@h.example", None)]
    assert not (tmp_path / "rejects.ndjson.part").exists()


@pytest.mark.parametrize("missing", ["phenomenon", "surface", "grade", "rule"])
def test_what_a_record_lacks_is_named_with_its_option(
    ask: "Run", node: "FakeNode", missing: str
) -> None:
    take_in(node)
    at = FINDING.index(f"--{missing}")
    options = (*FINDING[:at], *FINDING[at + 2 :])
    done = ask("signal", "import", "--kind", "email", *options, stdin=b"a@b.example\n")

    assert done.status == 5
    assert f"{missing}: state it, or give --{missing}" in done.err
    assert sent(node) == []


def test_the_same_file_again_asks_under_the_same_keys(
    ask: "Run", node: "FakeNode", forum: Path
) -> None:
    take_in(node, resumed=True)
    one = ask(*IMPORT, *MAPPED, str(forum))
    other = ask(*IMPORT, *MAPPED, "--region", "AT", str(forum))
    again = ask(*IMPORT, *MAPPED, str(forum))
    digests = [
        body["digest"]
        for target, body in node.asked
        if "imports" in target and "finish" not in target
    ]
    keys = [
        key
        for (target, _), key in zip(node.asked, node.keys, strict=True)
        if target == "POST /v1/signals/import"
    ]

    assert one.status == other.status == again.status == 0
    assert digests[0] == digests[2] != digests[1]
    assert keys[0] == keys[2] == keys[1]  # the import that it is says which it is
    assert "goes on" in one.err


def test_what_is_listed_already_is_told_with_its_lines(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node, already=True)
    lines = b"a@b.example\nc@d.example\n"
    told = ask(*IMPORT, "--kind", "email", stdin=lines)
    as_json = ask(*IMPORT, "--kind", "email", "--json", stdin=lines)

    assert told.status == 0
    assert "0 recorded, 0 refused, 2 listed already" in told.out
    assert "line 1-2" in told.out
    assert "other than what stands already, which stays as it is: line 2" in told.out
    assert as_json.document["already"] == [
        {"line": 1, "signal": ID, "differs": False},
        {"line": 2, "signal": ID, "differs": True},
    ]


def test_who_was_taken_off_before_is_counted_with_reason_and_way_out(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    answer = {
        "signals": [None, ID, None],
        "problems": [],
        "taken_off": [
            {"reason": "mistake", "positions": [0]},
            {"reason": "appeal_granted", "positions": [2]},
        ],
    }
    node.always("POST /v1/signals/import", answer)
    lines = b"a@b.example\nc@d.example\ne@f.example\n"
    told = ask(*IMPORT, "--kind", "email", stdin=lines)
    as_json = ask(*IMPORT, "--kind", "email", "--json", stdin=lines)
    finished = [body for target, body in node.asked if target.endswith("/finish")]
    german = ask(*IMPORT, "--kind", "email", "--lang", "de", stdin=lines)

    assert told.status == german.status == 0
    assert "1 recorded, 0 refused, 2 taken off before" in told.out
    assert "taken off the list (a mistake): line 1" in told.out
    assert "taken off the list (an appeal was granted): line 3" in told.out
    assert "--anew" in told.out
    assert "von der Liste genommen (Irrtum): Zeile 1" in german.out
    assert as_json.document["taken_off"] == [
        {"reason": "mistake", "lines": [1]},
        {"reason": "appeal_granted", "lines": [3]},
    ]
    assert "only `fedsafe signal add` lists" in told.out
    assert [each["taken_off"] for each in finished] == [2, 2]


def test_anew_asks_and_lists_only_whom_a_mistake_had_taken_off(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    take_in(node)

    def answering(body: dict[str, Any]) -> tuple[int, Any]:
        if body.get("anew"):
            return 200, {"signals": [ID] * len(body["signals"]), "problems": []}
        off = [
            {"reason": "mistake", "positions": [0]},
            {"reason": "appeal_granted", "positions": [2]},
        ]
        answer = {"signals": [None, ID, None], "problems": [], "taken_off": off}
        return 200, answer

    node.on("POST /v1/signals/import", answering)
    path = tmp_path / "addresses.txt"
    path.write_bytes(b"a@b.example\nc@d.example\ne@f.example\n")
    anew = (*IMPORT, "--kind", "email", "--anew")
    declined = ask(*anew, str(path), stdin=b"n\n")
    assert not any(body.get("anew") for _, body in node.asked)
    agreed = ask(*anew, str(path), stdin=b"y\n")
    piped = ask(*anew, stdin=path.read_bytes())
    as_json = ask(*anew, "--yes", "--json", str(path))
    again = [body["signals"] for _, body in node.asked if body.get("anew")]

    assert (declined.status, piped.status) == (0, 5)
    assert (
        "1 were taken off as a mistake, and are to be listed again: line 1"
        in declined.err
    )
    assert "not confirmed: nobody was listed again" in declined.err
    assert "1 recorded, 0 refused, 2 taken off before" in declined.out
    assert "--yes" in piped.err
    assert agreed.status == as_json.status == 0
    assert "2 recorded, 0 refused, 1 taken off before" in agreed.out
    assert [[each["about"]["value"] for each in part] for part in again] == [
        ["a@b.example"],
        ["a@b.example"],
    ]
    assert as_json.document["signals"] == [ID, ID, None]
    assert [each["reason"] for each in as_json.document["taken_off"]] == [
        "appeal_granted"
    ]


def test_a_reference_out_of_form_is_told_with_the_form(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    take_in(node)
    path = tmp_path / "forum.csv"
    path.write_text("id,email\nacc-4711,a@b.example\nJane Doe,c@d.example\n")
    rejects = tmp_path / "rejects.ndjson"
    told = ask(
        *(*IMPORT, "--map", "subject_ref=id", "--removed-on", "2026-11-20"),
        *("--rejects", str(rejects), str(path)),
    )

    assert told.status == 5
    assert [each["subject_ref"] for each in sent(node)] == ["acc-4711"]
    assert "line 3 (email): subject_ref: the subject_ref is out of" in told.err
    assert "Jane" not in told.err + told.out + rejects.read_text()


def test_a_later_removal_is_told_with_both_days_and_the_command(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    later = {"position": 1, "listed": "2026-06-03", "removed_on": "2026-11-20"}
    answer = {"signals": [ID, ID], "problems": [], "already": [1], "differing": [1]}
    node.always("POST /v1/signals/import", answer | {"later": [later]})
    lines = b"a@b.example\nc@d.example\n"
    told = ask(*IMPORT, "--kind", "email", stdin=lines)
    german = ask(*IMPORT, "--kind", "email", "--lang", "de", stdin=lines)
    as_json = ask(*IMPORT, "--kind", "email", "--json", stdin=lines)

    command = f"fedsafe signal revoke {ID} --reason superseded"
    assert "line 2: removed on 2026-11-20, listed as of 2026-06-03" in told.out
    assert "Zeile 2: gesperrt am 2026-11-20, gelistet ab 2026-06-03" in german.out
    assert command in told.out
    assert command in german.out
    assert as_json.document["later"] == [
        {
            "line": 2,
            "signal": ID,
            "listed": "2026-06-03",
            "removed_on": "2026-11-20",
        }
    ]


def test_what_the_node_refuses_of_a_whole_piece_is_not_tried_in_parts(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    problem = {"type": "about:blank", "code": "list_missing", "detail": "take a list"}
    node.on("POST /v1/signals/import", lambda _: (409, problem))
    told = ask(*IMPORT, "--kind", "email", stdin=b"a@b.example\nc@d.example\n")

    assert told.status == 5
    assert "list_missing" in told.err
    assert len(node.asked_of("POST /v1/signals/import")) == 1


def test_rows_that_are_over_are_counted_and_no_error(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    over = {"kind": "email", "term": "12 months", "first": "2025-12-01"}
    answer = {
        "signals": [None, None, ID],
        "problems": [],
        "already": [],
        "over": [over | {"positions": [0, 1]}],
    }
    node.always("POST /v1/signals/import", answer)
    lines = b"a@b.example\nc@d.example\ne@f.example\n"
    told = ask(*IMPORT, "--kind", "email", "--dry-run", stdin=lines)
    german = ask(*IMPORT, "--kind", "email", "--lang", "de", stdin=lines)

    assert told.status == german.status == 0
    assert "1 would be recorded, 0 refused, 2 over; nothing was written" in told.out
    assert "listed for 12 months from the removal (P9)" in told.out
    assert "removals from 2025-12-01 on still count" in told.out
    assert "12 Monate" in german.out


def test_a_bar_is_drawn_on_a_terminal_and_json_stays_clean(
    ask: "Run", node: "FakeNode", forum: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(node)
    silent = ask(*IMPORT, *MAPPED, "--json", str(forum))
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    ask(*IMPORT, *MAPPED, "--json", str(forum))

    assert json.loads(silent.out)["dry_run"] is False
    assert "100%" not in silent.err
    assert "100%" in terminal.getvalue()


def test_adding_twice_says_listed_already(ask: "Run", node: "FakeNode") -> None:
    state = {"signal": ID, "state": "own", "scope": "self", "already": True}
    state["differs"] = True
    node.always("POST /v1/signals", state, 201)
    command = ("signal", "add", "--kind", "email", *FINDING)
    told = ask(*command, stdin=b"a@b.example\n")
    german = ask(*command, "--lang", "de", stdin=b"a@b.example\n")

    assert told.status == 0
    assert "already listed" in told.err
    assert "revoke it first" in told.err
    assert "steht schon auf der Liste" in german.err


def test_imports_are_listed_and_shown(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/imports?limit=50", {"imports": [SHOWN], "more": False})
    node.always(f"GET /v1/imports/{RUN}", SHOWN)
    listed = ask("import", "list")
    shown = ask("import", "show", RUN, "--lang", "de")
    bad = ask("import", "show", "x")

    assert RUN in listed.out
    assert max(map(len, listed.out.splitlines())) <= 80
    assert "finished" in listed.out
    assert "schon gelistet" in shown.out
    assert bad.status == 5


def test_undoing_goes_on_until_nothing_is_left(ask: "Run", node: "FakeNode") -> None:
    target = f"POST /v1/imports/{RUN}/undo"
    answers = [
        {"state": "undoing", "withdrawn": 3, "revoked": 0, "left": 2},
        {"state": "undone", "withdrawn": 1, "revoked": 1, "left": 0},
    ]
    rest = [dict(each, run=RUN, met_again=2) for each in answers]
    node.on(target, lambda _: (200, rest.pop(0)))
    node.always(f"GET /v1/imports/{RUN}", SHOWN)
    asked = ask("import", "undo", RUN)
    assert len(rest) == 2
    done = ask("import", "undo", RUN, "--yes", "--reason", "superseded")

    assert asked.status == 5
    assert "5 signals end everywhere" in asked.err
    assert "--yes" in asked.err
    assert done.status == 0
    assert "4 withdrawn, 1 revoked" in done.out
    assert "import that again" in done.err
    assert rest == []


HEAD: Final = "Benutzername;E-Mail;Telefon;Gesperrt am;Grund;weg\n"
ROWS: Final = (
    "eins;eins@mail.example;0171/1234567;04.11.2026;{};nein\n"
    "zwei;zwei@mail.example;0171/1234568;04.11.2026;{};nein\n"
    "drei;drei@mail.example;;04.11.2026;{};nein\n"
)


@pytest.mark.parametrize(
    ("rows", "first", "last"),
    [
        (ROWS.format("x", '"Groom', "x"), 3, 4),  # open to the end
        (ROWS.format('"Groom', '"x"', "x"), 2, 3),  # another mark closes it
        (ROWS.format('"Groom', '"', "x"), 2, 3),  # one with a separator behind it
        (ROWS.format("x", "x", '"Groom').removesuffix(";nein\n"), 4, 4),
        ('"eins;' + ROWS.format("x", "x", "x") + 'vier";a@b.example;;;;\n', 2, 5),
        (ROWS.format('"' + "so\n" * 100 + '"', "x", "x"), 2, 102),
    ],
    ids=["end", "mark", "separator", "last line", "whole rows", "many lines"],
)
@pytest.mark.parametrize("piped", [True, False])
def test_an_open_quotation_mark_stops_all_before_a_row_is_sent(  # noqa: PLR0913
    ask: "Run",
    node: "FakeNode",
    tmp_path: Path,
    rows: str,
    first: int,
    last: int,
    *,
    piped: bool,
) -> None:
    take_in(node)
    path = tmp_path / "list.csv"
    path.write_text(HEAD + rows, encoding="utf-8")
    if piped:
        done = ask(*IMPORT, "--csv", stdin=path.read_bytes())
    else:
        done = ask(*IMPORT, str(path))

    assert done.status == 5
    assert f"a quotation mark in line {first} " in done.err
    assert f"up to line {last}" in done.err
    assert node.asked == []
    german = ask(*IMPORT, "--lang", "de", str(path))
    assert f"ein Anführungszeichen in Zeile {first} " in german.err


@pytest.mark.parametrize(
    "remark",
    [
        'sagte\n""komm, nur; zu mir""\n\nund mehr',
        "so\n" * 98 + "so",
        "erst dies; dann das;\ndann jenes; und so",
    ],
)
def test_a_remark_of_several_lines_is_no_open_quotation_mark(
    ask: "Run", node: "FakeNode", remark: str
) -> None:
    take_in(node)
    rows = ROWS.format("x", f'"{remark}"', "x")
    done = ask(*IMPORT, "--region", "DE", "--json", stdin=(HEAD + rows).encode())

    assert done.status == 0
    emails = [value for kind, value, _ in about(node) if kind == "email"]
    assert emails == ["eins@mail.example", "zwei@mail.example", "drei@mail.example"]


def test_remarks_of_sentences_with_commas_are_no_rows(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    spoken = b'email,banned_on,Grund\na@b.example,2026-11-24,"so, und, so\nwar es"\n'
    swallowed = b'email,banned_on,Grund\na@b.example,2026-11-24,"so\nc@d.example,,"\n'

    assert ask(*IMPORT, stdin=spoken).status == 0
    assert ask(*IMPORT, stdin=swallowed).status == 5
    assert about(node) == [("email", "a@b.example", None)]


def test_a_row_that_was_cut_off_names_nobody(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    take_in(node)
    table = tmp_path / "list.csv"
    table.write_text(
        "Gesperrt am;Benutzername;E-Mail;Telefon;\n"
        "03.11.2026;eins;eins@mail.ex\n"
        "04.11.2026;zwei;zwei@mail.example;;\n"
        "04.11.2026;;drei@mail.example;;;\n"
        "04.11.2026;;vier@mail.example;\n"
        '04.11.2026;"fü"nf;fuenf@mail.example;\n'
        "04.11.2026;;sechs@mail.example;;;more\n",
        encoding="utf-8",
    )
    done = ask(*IMPORT, "--json", str(table))
    problems = done.document["problems"]

    assert done.status == 5
    assert [(each["line"], each["code"]) for each in problems] == [
        (2, "bad_row"),
        (6, "bad_row"),
        (7, "bad_row"),
    ]
    assert "3 cells, the header 4" in problems[0]["detail"]
    assert "complete it" in problems[0]["detail"]
    emails = [value for kind, value, _ in about(node) if kind == "email"]
    assert emails == ["zwei@mail.example", "drei@mail.example", "vier@mail.example"]


def test_a_node_that_goes_away_leaves_no_traceback(
    ask: "Run", node: "FakeNode", forum: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(node)
    unseen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unseen.append)
    node.on("POST /v1/signals/import", lambda _: (503, {"code": "x", "detail": "x"}))
    forum.write_text(
        FORUM + "3;zoë;;+43 664 1234567;;2026-11-20;\n" * 3_000, encoding="utf-8"
    )
    done = ask(*IMPORT, *MAPPED, str(forum))
    gc.collect()

    assert done.status != 0
    assert unseen == []


@pytest.mark.parametrize(
    ("number", "region", "clear"),
    [
        ("48501777889", "DE", False),
        ("351 912 345 679", "DE", False),
        ("4917155566688", "DE", False),
        ("4917155566688", "at", False),
        ("+48501777889", "DE", True),
        ("0048501777889", "DE", True),
        ("0171 5556668", "DE", True),
        ("1715556668", "DE", True),  # no country's
        ("48501777889", "PL", True),  # the same person in both readings
        ("501777889", "PL", True),
        ("912345679", "PT", True),
        ("2125550123", "US", True),
    ],
)
def test_a_number_that_may_have_lost_its_plus_is_refused(
    ask: "Run", node: "FakeNode", number: str, region: str, *, clear: bool
) -> None:
    take_in(node)
    table = f"phone,region,banned_on\n{number},{region},2026-11-24\n"
    done = ask(*IMPORT, stdin=table.encode())
    options = ("--kind", "phone", "--region", region.upper())
    line = ask(*IMPORT, *options, stdin=f"{number}\n".encode())

    assert done.status == line.status == (0 if clear else 5)
    assert len(sent(node)) == (2 if clear else 0)
    if not clear:
        assert "phone_ambiguous" in done.err
        assert "write + before it, or 0" in line.err
        assert number not in done.err + line.err


REASONED: Final = (
    "Nick;E-Mail;Gesperrt am;Grund\n"
    "eins;a@b.example;24.11.2026; GROOMING \n"
    "zwei;c@d.example;24.11.2026;Verdacht\n"
    "drei;e@f.example;24.11.2026;Erpressung: Bild=Geld\n"
    ";geloescht@forum.example;24.11.2026;Grooming\n"
    ";;never;Spam\n"
)


def test_only_rows_with_a_value_are_taken_and_words_are_translated(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    take_in(node)
    without = (*FINDING[2:], "--map", "phenomenon=Grund", "--json")
    choice = ("--where", "grund=Grooming", "--where", "Grund=erpressung: bild=geld")
    word = ("--word", "Grund:Erpressung: Bild=Geld=sextortion")
    placeholders = tmp_path / "placeholders.txt"
    placeholders.write_text("\n Geloescht@forum.example\n", encoding="utf-8")
    left_out = ("--except", str(placeholders))
    command = ("signal", "import", *without, *choice, *word, *left_out)
    done = ask(*command, stdin=REASONED.encode())

    assert done.status == 0
    assert [
        (each["about"]["value"], each["phenomenon"])
        for each in sent(node)
        if each["about"]["kind"] == "email"
    ] == [("a@b.example", "grooming"), ("e@f.example", "sextortion")]
    assert done.document["left_out"] == {"where": [3, 6], "except": [5]}
    assert done.document["nameless"] == []
    told = ask(*(each for each in command if each != "--json"), stdin=REASONED.encode())
    assert "2 left out by --where, 1 left out by --except" in told.out


def test_columns_that_nobody_names_are_told_by_name(
    ask: "Run", node: "FakeNode", forum: Path
) -> None:
    take_in(node)
    done = ask(*IMPORT, *MAPPED, str(forum))
    german = ask(*IMPORT, *MAPPED, "--lang", "de", str(forum))

    assert "2 others are left out: id, Bemerkung" in done.err
    assert "weg bleiben 2 andere: id, Bemerkung" in german.err


def test_values_are_left_out_of_lines_and_records_as_well(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    take_in(node)
    path = tmp_path / "out.txt"
    path.write_text("a@b.example\n", encoding="utf-8")
    lines = b"A@b.example\nc@d.example\n"
    records = b"".join(
        b'{"kind":"email","value":"%s"}\n' % each for each in lines.split()
    )
    plain = ask(*IMPORT, "--kind", "email", "--except", str(path), stdin=lines)
    ndjson = ask(*IMPORT, "--ndjson", "--except", str(path), stdin=records)

    assert plain.status == ndjson.status == 0
    assert [value for _, value, _ in about(node)] == ["c@d.example"] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--where", "Anlass=x"), "no column of the name that --where gives: Anlass"),
        (("--map", "phone=Tel"), "no column of the name that --map gives: Tel"),
        (("--word", "Grund:Spam=grooming"), "a column that no field is read from"),
        (
            ("--map", "phenomenon=Grund", "--word", "Grund:Spam=spam"),
            "--word gives phenomenon a word that it does not have",
        ),
        (("--word", "Grund=grooming"), "COLUMN:WORD=OURS"),
        (("--where", "Grund"), "COLUMN=VALUE"),
        (("--except", "/nowhere"), "No such file"),
    ],
)
def test_a_choice_that_fits_nothing_stops_before_anything_is_sent(
    ask: "Run", node: "FakeNode", options: tuple[str, ...], said: str
) -> None:
    take_in(node)
    done = ask(*IMPORT, "--csv", *options, stdin=REASONED.encode())

    assert done.status in {2, 5}
    assert said in done.err
    assert node.asked == []


def test_lines_and_identifiers_are_counted_apart(ask: "Run", node: "FakeNode") -> None:
    take_in(node)
    good = "eins{0};a{0}@b.example;24.11.2026\n"
    bad = "zwei{0};c{0}@d.example;{0}/11/2026\n"
    rows = "".join(good.format(n) for n in range(3))
    rows += "".join(bad.format(n) for n in range(11)) + "drei;e@f.example\n"
    table = "Nick;E-Mail;Gesperrt am\n" + rows
    told = ask(*IMPORT, *MAPPED, stdin=table.encode())
    german = ask(*IMPORT, *MAPPED, "--lang", "de", stdin=table.encode())

    assert "read: 15 lines with 29 identifiers" in told.out
    assert "6 recorded (identifiers of 3 lines), 23 refused (identifiers of 12 " in (
        told.out
    )
    assert "11 lines, 22 identifiers: removed_on (bad_date)" in told.err
    assert "1 line: - (bad_row)" in told.err
    assert told.err.count("line 5") == 1
    assert "gelesen: 15 Zeilen mit 29 Kennungen" in german.out
    assert "11 Zeilen, 22 Kennungen" in german.err


@pytest.mark.parametrize("dry", [True, False])
def test_what_stands_twice_in_a_table_is_not_called_listed_already(
    ask: "Run", node: "FakeNode", *, dry: bool
) -> None:
    take_in(node)

    def answering(body: dict[str, Any]) -> tuple[int, Any]:
        values = [signal["about"]["value"].lower() for signal in body["signals"]]
        known = [
            at
            for at, each in enumerate(values)
            if each in values[:at] or each[0] == "s"
        ]
        answer = {"signals": [ID] * len(values), "problems": [], "already": known}
        return 200, answer

    node.on("POST /v1/signals/import", answering)
    options = ("--kind", "email", *(("--dry-run",) if dry else ()))
    lines = b"a@b.example\nstood@b.example\nA@b.example\nstood@b.example\n"
    more = b"".join(b"n%d@b.example\n" % n for n in range(2_000)) + b"a@b.example\n"
    told = ask(*IMPORT, *options, stdin=lines + (more if dry else b""))
    found = ask(*IMPORT, *options, "--json", stdin=lines).document

    assert "2 listed already, " in told.out
    assert "listed already: line 2, 4" in told.out
    assert f"twice in this list: line 3{', 2005' if dry else ''}\n" in told.out
    assert [each["line"] for each in found["already"]] == [2, 4]
    assert [each["line"] for each in found["twice"]] == [3]


def test_an_identifier_on_many_rows_may_be_a_placeholder(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    rows = [f"n{n};Geloescht@forum.example;24.11.2026" for n in range(5)]
    rows += [f"m{n};vier@forum.example;24.11.2026" for n in range(4)]
    table = "\n".join(["Nick;E-Mail;Gesperrt am", *rows, ""])
    told = ask(*IMPORT, *MAPPED, "--dry-run", stdin=table.encode())
    german = ask(*IMPORT, *MAPPED, "--lang", "de", stdin=table.encode())
    found = ask(*IMPORT, *MAPPED, "--json", stdin=table.encode()).document

    assert "(E-Mail) stands on 5 lines: 2-6: a placeholder? --except FILE" in told.out
    assert "ein Platzhalter?" in german.out
    assert found["repeated"] == [
        {"kind": "email", "column": "E-Mail", "lines": [2, 3, 4, 5, 6]}
    ]
    assert "forum.example" not in told.out + told.err + german.out


def test_what_is_wrong_with_a_row_is_said_in_german_with_its_columns(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    error = IdentifierError(IdentifierKind.EMAIL, IdentifierFault.MALFORMED)
    made = msgspec.to_builtins(made_of(error.phrase))
    fault = {"code": "identifier_malformed", "detail": str(error), "position": 0}
    problems = [fault | made]
    answer = {"signals": [None], "problems": problems}
    node.always("POST /v1/signals/import", answer)
    table = (
        "Nick;E-Mail;Telefon;Gesperrt am;Grund\n"
        "eins;a@b.example;;11/24/2026;grooming\n"
        "zwei;c@d.example;;2026-11-24\n"
        ";c@d.example;;2026-11-24;Spam\n"
        ";;48501777889;2026-11-24;grooming\n"
        ";e@f.example;;2026-11-24;grooming\n"
    )
    mapped = (*MAPPED, "--map", "phenomenon=Grund", "--region", "DE")
    said = ask(*IMPORT, *mapped, "--lang", "de", stdin=table.encode()).err
    english = ask(*IMPORT, *mapped, stdin=table.encode()).err

    assert "Zeile 2 (E-Mail, Nick): removed_on: der Tag hat eine andere Form" in said
    assert "; bekannt: 2026-11-24, 24.11.2026 (bad_date)" in said
    assert "Zeile 3: die Zeile hat 4 Zellen, die Überschrift 5" in said
    assert "Zeile 4 (E-Mail): phenomenon: das ist keines seiner Wörter" in said
    assert "Zeile 5 (Telefon): value: sie beginnt vielleicht mit einer Landes" in said
    assert "Zeile 6 (E-Mail): email: der Wert hat nicht die Form seiner Art" in said
    assert "line 2 (E-Mail, Nick): removed_on: the day has another form" in english
    assert "line 6 (E-Mail): email: the value does not have the form" in english


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("piped", [True, False])
def test_a_table_in_utf_16_is_read(
    ask: "Run", node: "FakeNode", tmp_path: Path, encoding: str, *, piped: bool
) -> None:
    take_in(node)
    mark = "" if encoding == "utf-16" else "\ufeff"
    path = tmp_path / "list.csv"
    path.write_bytes((mark + FORUM).encode(encoding))
    command = (*IMPORT, *MAPPED, "--json")
    arguments = [] if piped else [str(path)]
    done = ask(*command, *arguments, stdin=path.read_bytes())

    assert done.status == 0
    assert ("username", "jürgen", None) in about(node)
    path.write_bytes(path.read_bytes()[:-1])
    damaged = ask(*command, str(path))
    assert damaged.status == 5
    assert "UTF-16, and damaged" in damaged.err + damaged.out


@pytest.mark.parametrize("said", ["sep=;", '"sep=;"', "\ufeffSEP=;"])
def test_a_line_that_says_the_separator_is_understood(
    ask: "Run", node: "FakeNode", said: str
) -> None:
    take_in(node)
    table = (
        f"{said}\r\nE-Mail;Gesperrt am;a,b,c,d\r\n;bad\r\na@b.example;24.11.2026;\r\n"
    )
    done = ask(*IMPORT, "--csv", *MAPPED, "--json", stdin=table.encode())

    assert [each["line"] for each in done.document["problems"]] == [3]
    assert about(node) == [("email", "a@b.example", None)]


def test_two_columns_that_may_be_one_field_are_refused_by_name(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    day = ";Gesperrt am\n"
    rows = "x.y@mail.example;z.y@mail.example;24.11.2026\n"
    one = ask(*IMPORT, "--csv", stdin=f"E-Mail;E-Mail{day}{rows}".encode())
    german = ask(
        *(*IMPORT, "--lang", "de", "--csv"), stdin=f"E-Mail;Mail{day}{rows}".encode()
    )
    assert node.asked == []
    chosen = ask(*IMPORT, *MAPPED, stdin=f"E-Mail;Mail{day}{rows}".encode())

    assert one.status == german.status == 5
    assert "several columns of the table may be email: E-Mail, E-Mail" in one.err
    assert "mehrere Spalten" in german.err
    assert "--map email=SPALTE" in german.err
    assert chosen.status == 0
    assert about(node) == [("email", "x.y@mail.example", None)]


def test_a_day_of_an_option_has_the_forms_of_a_cell(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    options = ("--kind", "email", "--removed-on", "3.11.2026")
    done = ask(*IMPORT, *options, stdin=b"a@b.example\n")

    assert done.status == 0
    assert [each["removed_on"] for each in sent(node)] == ["2026-11-03"]


def test_undoing_names_which_later_imports_met_the_same(
    ask: "Run", node: "FakeNode"
) -> None:
    answer = {"state": "undone", "withdrawn": 3, "revoked": 0, "left": 0}
    node.always(f"POST /v1/imports/{RUN}/undo", answer | {"run": RUN, "met_again": 2})
    node.always(f"GET /v1/imports/{RUN}", SHOWN)
    repeat = SHOWN | {"run": "0c" * 16, "added": 0, "listed": 7}
    other = SHOWN | {"run": "0d" * 16, "author": "ben", "lines": 4, "added": 0}
    before = SHOWN | {"run": "0e" * 16, "began_at": SHOWN["began_at"] - 1}
    target = "GET /v1/imports?limit=200"
    node.always(target, {"imports": [repeat, other, SHOWN, before], "more": False})
    done = ask("import", "undo", RUN, "--yes")
    german = ask("import", "undo", RUN, "--yes", "--lang", "de")
    node.always(target, {"imports": [repeat, SHOWN, before], "more": False})
    alone = ask("import", "undo", RUN, "--yes")

    assert "import that again" in done.err
    assert f"perhaps {'0d' * 16}, 2026-11-30T00:53:20Z, by ben" in done.err
    assert "0c" * 16 not in done.err
    assert "0e" * 16 not in done.err
    assert "von ben" in german.err
    assert "again" not in alone.err


def test_the_node_does_not_list_its_own_address(ask: "Run", node: "FakeNode") -> None:
    take_in(node)
    settings = 'contact = "abuse@forum.example"\ndpo_contact = "dpo@forum.example"\n'
    (node.directory / "node.toml").write_text(settings, encoding="utf-8")
    lines = b"Abuse@forum.example\ndpo@forum.example\na@b.example\n"
    done = ask(*IMPORT, "--kind", "email", "--dry-run", stdin=lines)

    assert done.status == 0
    assert about(node) == [("email", "a@b.example", None)]
    assert "2 left out: this node's own address" in done.out
