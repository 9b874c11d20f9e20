# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING, Any

import click
import pytest

from fedsafe_cli.audit.search import search
from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

VERIFY = "POST /v1/audit/verify"


def log(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    whole = {"log": "audit", "size": 9, "root": "ab", "openings": 4, "erased": 1}
    return whole | {"ok": True} | changes


def test_whole_logs_verify(ask: "Run", node: "FakeNode") -> None:
    node.always(VERIFY, {"ok": True, "logs": [log()]})
    outcome = ask("audit", "verify")

    assert outcome.status == 0
    assert outcome.out.splitlines()[1].split() == ["audit", "9", "4", "1", "ok", "ab"]


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ((), "entries 7 to 9 were lost and declared lost on 2026-11-03 09:30:00 UTC"),
        (("--lang", "de"), "die Einträge 7 bis 9 sind verloren"),
        (("--json",), '"first": 7'),
    ],
)
def test_what_a_restore_has_declared_lost_is_named_as_missing(
    ask: "Run", node: "FakeNode", flags: tuple[str, ...], word: str
) -> None:
    lost = {"first": 7, "last": 9, "at": 1_793_698_200, "entry": 11}
    node.always(VERIFY, {"ok": True, "logs": [log()], "lost": [lost]})
    outcome = ask("audit", "verify", *flags)

    assert outcome.status == 21
    assert word in outcome.out


@pytest.mark.parametrize(
    ("damage", "status"),
    [("tampered", 20), ("incomplete", 21), ("unreadable", 22), (None, 20)],
)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_damaged_log_is_named_and_has_its_status(
    ask: "Run",
    node: "FakeNode",
    flags: tuple[str, ...],
    damage: str | None,
    status: int,
) -> None:
    bad = log(ok=False, first_bad_index=7, why="the root differs", damage=damage)
    node.always(VERIFY, {"ok": False, "logs": [log(log="feed"), bad]})
    outcome = ask("audit", "verify", *flags)

    assert outcome.status == status
    if flags:
        assert outcome.document["logs"][1] == bad
    else:
        assert "the root differs at entry 7" in outcome.out


def test_of_several_damages_the_worst_decides(ask: "Run", node: "FakeNode") -> None:
    logs = [log(ok=False, damage="unreadable"), log(ok=False, damage="incomplete")]
    node.always(VERIFY, {"ok": False, "logs": logs})
    without = ask("audit", "verify").status
    table = {"table": "signals", "rows": 0, "ok": False, "damage": "tampered"}
    node.always(VERIFY, {"ok": False, "logs": logs, "tables": [table]})

    assert (without, ask("audit", "verify").status) == (21, 20)


def test_a_damaged_table_is_shown_with_signal_and_row(
    ask: "Run", node: "FakeNode"
) -> None:
    good = {"table": "restrictions", "rows": 2, "ok": True}
    bad = {"table": "signals", "rows": 0, "ok": False, "why": "its token differs"}
    named = bad | {"first_bad": "0192", "first_bad_row": 17}
    unnamed = bad | {"why": "a row cannot be read"}
    tables = [good, named, unnamed]
    node.always(VERIFY, {"ok": False, "logs": [log()], "tables": tables})
    outcome = ask("audit", "verify")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]

    assert outcome.status == 20
    assert "restrictions 2 ok" in lines
    assert "signals 0 its token differs at 0192 (row 17)" in lines
    assert "signals 0 a row cannot be read" in lines
    assert "fedsafe doctor" in lines[-1]
    assert "eine Zeile ist nicht zu lesen" in ask("audit", "verify", "--lang", "de").out


@pytest.mark.parametrize("body", [None, {}, {"ok": True}, {"logs": {}, "events": {}}])
def test_an_answer_without_what_was_asked_is_an_error(
    ask: "Run", node: "FakeNode", body: object
) -> None:
    node.always(VERIFY, body)
    node.always("GET /v1/audit/entries/0", body)
    node.always("GET /v1/audit/status", body)

    assert ask("audit", "verify").status == 1
    assert ask("audit", "show", "0").status == 1
    assert ask("audit", "status").status == 1


def test_an_entry_is_printed_with_what_is_gone(ask: "Run", node: "FakeNode") -> None:
    entry = {"index": 3, "record": "{}", "leaf": "ab", "openings": {"detail": "{1}"}}
    gone = {"erased": {"actor": 0, "signal": None}, "withheld": ["subject"]}
    node.always("GET /v1/audit/entries/3", entry | gone)
    proved = entry | {"proof": ["cd", "ef"], "checkpoint": "a.demo/audit\n4\n"}
    node.always("GET /v1/audit/entries/3?proof=true&purpose=supervision", proved)
    plain = ask("audit", "show", "3")
    proof = ask("audit", "show", "3", "--proof", "--purpose", "supervision")

    rows = [row.split(maxsplit=1) for row in plain.out.splitlines()]
    assert ["actor", "erased on 1970-01-01 00:00:00 UTC"] in rows
    assert ["signal", "erased"] in rows
    assert ["subject", "withheld"] in rows
    assert ["detail", "{1}"] in rows
    assert proof.out.endswith("proof   cd\nproof   ef\n\na.demo/audit\n4\n")
    assert ask("audit", "show", "3", "--json").document == entry | gone | {
        "erased": {"actor": "1970-01-01T00:00:00Z", "signal": None}
    }


@pytest.mark.parametrize(("missing", "status"), [(0, 0), (2, 21)])
def test_the_status_tells_of_gaps(
    ask: "Run", node: "FakeNode", missing: int, status: int
) -> None:
    standing = {"log": "a.demo/audit", "size": 9, "missing": missing}
    node.always("GET /v1/audit/status", standing)
    outcome = ask("audit", "status")

    assert outcome.status == status
    assert ["entries", "9"] in [row.split() for row in outcome.out.splitlines()]
    assert ask("audit", "status", "--json").document == with_moments(standing)


@pytest.mark.parametrize("what", ["status", "gaps"])
@pytest.mark.parametrize(
    ("lang", "count", "range_"),
    [
        ("en", ["declared", "lost", "4"], "entries 7 to 9 were lost and declared lost"),
        ("de", ["als", "verloren", "erklärt", "4"], "die Einträge 7 bis 9 sind"),
    ],
)
def test_what_was_declared_lost_is_missing_wherever_gaps_are_told(  # noqa: PLR0913
    ask: "Run", node: "FakeNode", what: str, lang: str, count: list[str], range_: str
) -> None:
    lost = [
        {"first": 7, "last": 9, "at": 1_793_698_200, "entry": 11},
        {"first": 20, "last": 20, "at": 1_793_698_300, "entry": 21},
    ]
    told = {"missing": 0, "gaps": [], "keys": [], "erased": {}, "holds": 0}
    node.always(f"GET /v1/audit/{what}", told | {"lost": lost})
    outcome = ask("audit", what, "--lang", lang)

    assert outcome.status == 21
    assert count in [row.split() for row in outcome.out.splitlines()]
    assert range_ in outcome.out
    assert ask("audit", what, "--json").status == 21


def test_the_standing_names_who_has_cosigned(ask: "Run", node: "FakeNode") -> None:
    by = [{"name": "b.demo/witness", "at": "2026-11-24T12:00:00+00:00"}]
    cosigned = {"size": 7, "anchor": 2, "by": by}
    body = {"size": 9, "missing": 0, "cosigned": cosigned}
    node.always("GET /v1/audit/status", body)

    told = ask("audit", "status").out
    assert "7 entries, by b.demo/witness at 2026-11-24 12:00:00 UTC" in told
    node.always("GET /v1/audit/status", body | {"cosigned": None})
    assert "nothing yet" in ask("audit", "status").out


def found(*indices: int, to: int, more: bool) -> dict[str, Any]:
    event = {"at": "t", "event": "lookup", "outcome": "ok", "actor": "anna"}
    event["subject_ref"] = "account-1"
    return {
        "events": [event | {"index": index} for index in indices],
        "next": to,
        "more": more,
    }


def test_a_search_asks_until_there_are_enough(ask: "Run", node: "FakeNode") -> None:
    base = "GET /v1/audit/search?actor=anna&after=1793491200&events=lookup%2Crefused"
    node.always(f"{base}&since=5&limit=3", found(7, to=20, more=True))
    node.always(f"{base}&since=20&limit=2", found(21, 22, to=23, more=True))
    options = ("--actor", "anna", "--event", "lookup", "--event", "refused")
    span = ("--since", "2026-11-01", "--from", "5", "--limit", "3")
    outcome = ask("audit", "search", *options, *span)

    assert outcome.status == 0, outcome.err
    assert [row.split()[0] for row in outcome.out.splitlines()[1:]] == ["7", "21", "22"]
    assert outcome.out.count("account-1") == 3
    assert "--from 23" in outcome.err


def test_a_search_of_the_newest_goes_back_until_there_are_enough(
    ask: "Run", node: "FakeNode"
) -> None:
    base = "GET /v1/audit/search?actor=anna&since=0"
    node.always(f"{base}&limit=3&newest=true", found(27, to=20, more=True))
    node.always(f"{base}&limit=2&until=20&newest=true", found(19, 12, to=12, more=True))
    outcome = ask("audit", "search", "--actor", "anna", "--newest", "--limit", "3")

    assert outcome.status == 0, outcome.err
    shown = [row.split()[0] for row in outcome.out.splitlines()[1:]]
    assert shown == ["27", "19", "12"]
    assert "--before 12" in outcome.err


def test_a_search_that_does_not_go_back_is_a_broken_answer(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(
        "GET /v1/audit/search?since=0&limit=3&until=20&newest=true",
        found(to=20, more=True),
    )
    outcome = ask("audit", "search", "--newest", "--before", "20", "--limit", "3")

    assert outcome.status != 0
    assert "lists no events" in outcome.err


def test_a_search_for_an_account_has_it_in_no_url(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/audit/search", found(7, to=20, more=False))
    outcome = ask("audit", "search", "--subject", "account-1", "--event", "lookup")

    assert outcome.status == 0, outcome.err
    assert node.asked == [
        (
            "POST /v1/audit/search",
            {"events": "lookup", "subject_ref": "account-1", "since": 0, "limit": 100},
        )
    ]


def test_a_search_for_refusals(ask: "Run", node: "FakeNode") -> None:
    event = {
        "index": 7,
        "event": "door.refused",
        "at": "2026-11-24T12:00:00.000+00:00",
        "outcome": "forbidden",
        "purpose": "operations",
        "basis": "gdpr_32",
        "source": "192.0.2.0/24",
        "detail": {"who": "keyless", "route": "knock", "count": 49},
    }
    node.always(
        "GET /v1/audit/search?who=keyless&route=knock&peer=b.demo&events=door.refused"
        "&since=0&limit=100",
        {"events": [event], "next": 8, "more": False},
    )
    options = ("--who", "keyless", "--route", "knock", "--peer", "b.demo")
    outcome = ask("audit", "search", "--event", "door.refused", *options)

    assert outcome.status == 0
    assert "source=192.0.2.0/24 who=keyless route=knock count=49" in outcome.out


def test_a_search_takes_no_class_and_no_route_that_there_is_not(ask: "Run") -> None:
    who = ask("audit", "search", "--who", "stranger")
    route = ask("audit", "search", "--route", "Knok")
    none = ask("audit", "search", "--route", "zzz")
    german = ask("audit", "search", "--route", "searchaudit", "--lang", "de")

    assert [each.status for each in (who, route, none, german)] == [2] * 4
    for word in ("keyless", "member", "service", "person", "local"):
        assert word in who.err
    assert "'Knok' is no route of the API; did you mean knock?" in route.err
    assert "docs/reference/api.md" in none.err
    assert "gemeint ist vielleicht searchAudit" in german.err
    assert "others" in ask("audit", "search", "--route", "other").err


@pytest.mark.parametrize("who", ["keyless", "member", "service", "person", "local"])
def test_every_class_of_who_is_refused_is_found(
    ask: "Run", node: "FakeNode", who: str
) -> None:
    target = f"GET /v1/audit/search?who={who}&since=0&limit=100"
    node.always(target, {"events": [], "next": 1, "more": False})

    assert ask("audit", "search", "--who", who).status == 0


def test_the_shell_completes_classes_and_routes() -> None:
    options = {option.name: option for option in search.params}
    context = click.Context(search)

    def completed(name: str, begun: str) -> list[str]:
        option = options[name]
        found = option.type.shell_complete(context, option, begun)
        return [each.value for each in found]

    assert completed("who", "l") == ["local"]
    assert completed("route", "kno") == ["knock"]
    assert completed("route", "other") == ["others"]


def test_a_search_in_json_says_where_it_ended(ask: "Run", node: "FakeNode") -> None:
    answer = found(1, to=9, more=False)
    target = "GET /v1/audit/search?purpose=supervision&since=0&limit=100"
    node.always(target, answer)
    outcome = ask("audit", "search", "--json", "--purpose", "supervision")

    assert outcome.document == answer


@pytest.mark.parametrize("body", [None, {}, found(to=0, more=True), {"events": 3}])
def test_a_search_that_gets_nowhere_ends(
    ask: "Run", node: "FakeNode", body: object
) -> None:
    node.always("GET /v1/audit/search?since=0&limit=100", body)

    assert ask("audit", "search").status == 1
