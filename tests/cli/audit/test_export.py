# SPDX-License-Identifier: Apache-2.0
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import Terminal

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.tree import leaf_hash
from fedsafe_node.audit.packs.archive import Archive
from fedsafe_node.audit.packs.contents import Facts, first_files, policy_files
from fedsafe_node.keys.own_keys import MediaKeys, NodeKeys, OwnKeys
from fedsafe_node.log.span import Part

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ASK = "POST /v1/audit/export"
FETCH = "GET /v1/audit/export"
ACT = "0a" * 16
ASKED = {"act": ACT, "content": {"start": 3, "end": 9, "events": ["lookup"]}}


def small_pack() -> bytes:
    key = SigningKey.generate
    own = OwnKeys(bytes(32), MediaKeys(bytes(32), bytes(32)))
    node = NodeKeys(key(), key(), key(), key(), key(), RecipientKey.generate(), own)
    record = json.dumps({"event": "lookup", "commitments": {}})
    line = {"index": 0, "record": record, "openings": {}, "erased": {}, "withheld": []}
    facts = Facts(
        node="a.demo",
        part=Part(start=0, end=1),
        minimum=0,
        openings=False,
        made_at="2026-11-24T12:00:00+00:00",
        checkpoint=Checkpoint("a.demo/audit", 1, leaf_hash(record.encode())),
        proof=(),
    )
    files = [
        *first_files(facts, node),
        ("entries/000000000000.ndjson", json.dumps(line).encode() + b"\n"),
        *policy_files(set(), Path("nowhere")),
    ]
    archive = Archive()
    pieces = [archive.add(name, content) for name, content in files]
    return b"".join([*pieces, archive.close("a.demo/audit", node.audit)])


PACK = small_pack()


def test_a_pack_is_written_for_its_owner_alone(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    out = tmp_path / "pack.zip"
    node.always(f"{FETCH}?first=0&last=0&events=lookup%2Crefused", PACK)
    span = ("--from", "0", "--to", "0", "--event", "lookup", "--event", "refused")
    outcome = ask("audit", "export", "--without-openings", *span, "-o", str(out))

    assert outcome.status == 0, outcome.err
    assert out.read_bytes() == PACK
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "0 to 0 of 1" in outcome.out
    assert list(tmp_path.glob("*.part")) == []


def test_what_a_pack_holds_is_told_in_german_but_not_to_programs(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(FETCH, PACK)
    export, german = ("audit", "export", "--without-openings"), ("--lang", "de")
    told = ask(*export, *german, "-o", str(tmp_path / "a.zip")).out
    document = ask(*export, *german, "--json", "-o", str(tmp_path / "b.zip")).document

    assert "0 bis 0 von 1" in told
    assert "nichts" in told
    assert document["entries"] == "0 to 0 of 1"
    assert document["cosigned"] == "nothing"
    assert document["unproved"] == ["witnesses"]
    assert "nicht bewiesen" in told
    assert "Dass der Knoten anderen dasselbe Protokoll gezeigt hat" in told


def test_with_openings_it_is_asked_for_first(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    out = str(tmp_path / "pack.zip")
    node.always(ASK, ASKED)
    node.always(f"{FETCH}?first=3&last=8&act={ACT}&anchors=5", PACK)
    days = ("--since", "2026-11-01", "--until", "2026-11-02")
    part = ("--from", "3", "--to", "8")
    leaves = ("--anchors-from", "5")
    asked = ask("audit", "export", *days, *leaves, "-o", out)
    fetched = ask("audit", "export", *part, *leaves, "--act", ACT, "-o", out)

    assert asked.status == 13
    wanted = f"--from 3 --to 8 --event lookup --anchors-from 5 --act {ACT}"
    assert wanted in asked.err
    assert node.asked[0] == (ASK, {"since": 1_793_491_200, "until": 1_793_577_600})
    assert fetched.status == 0, fetched.err


def test_whom_a_pack_is_for_is_asked_for_and_repeated(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    out = str(tmp_path / "pack.zip")
    content = {"start": 3, "end": 9, "recipient": "Amtsgericht Köln"}
    node.always(ASK, {"act": ACT, "content": content})
    node.always(
        f"{FETCH}?first=3&last=8&recipient=Amtsgericht+K%C3%B6ln&act={ACT}", PACK
    )
    part = ("--from", "3", "--to", "8", "--for", "Amtsgericht Köln")
    asked = ask("audit", "export", *part, "-o", out)
    fetched = ask("audit", "export", *part, "--act", ACT, "-o", out)

    assert f"--to 8 --for 'Amtsgericht Köln' --act {ACT}" in asked.err
    wanted = {"first": 3, "last": 8, "recipient": "Amtsgericht Köln"}
    assert node.asked[0] == (ASK, wanted)
    assert fetched.status == 0, fetched.err


def test_a_file_that_is_there_stays_and_nothing_is_asked(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    out = tmp_path / "pack.zip"
    out.write_text("mine")
    outcome = ask("audit", "export", "--without-openings", "-o", str(out))

    assert outcome.status == 2
    assert (out.read_text(), node.asked) == ("mine", [])


@pytest.mark.parametrize(
    ("answer", "exit_status"),
    [
        ((200, PACK[:-1]), 1),
        ((200, b""), 1),
        ((409, {"code": "not_approved", "detail": "none"}), 5),
        ((403, {"code": "role", "detail": "not this role"}), 3),
        ((304, None), 1),
    ],
)
def test_whatever_is_no_pack_leaves_no_file(
    ask: "Run",
    node: "FakeNode",
    tmp_path: Path,
    answer: tuple[int, object],
    exit_status: int,
) -> None:
    node.on(FETCH, lambda _: answer)
    out = tmp_path / "pack.zip"
    outcome = ask("audit", "export", "--without-openings", "-o", str(out))

    assert outcome.status == exit_status
    assert list(tmp_path.glob("pack*")) == []


def test_a_pack_that_does_not_verify_is_refused_in_german_too(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.on(FETCH, lambda _: (200, PACK[:-1]))
    out = str(tmp_path / "pack.zip")
    outcome = ask("audit", "export", "--without-openings", "-o", out, "--lang", "de")

    assert "nicht unversehrt: das Verzeichnis des Archivs ist verändert" in outcome.err
    assert "siehe `fedsafe audit verify`" in outcome.err


@pytest.mark.parametrize("answer", [None, {}, {"act": ACT, "content": None}])
def test_an_answer_without_an_act_is_an_error(
    ask: "Run", node: "FakeNode", tmp_path: Path, answer: object
) -> None:
    node.always(ASK, answer)

    assert ask("audit", "export", "-o", str(tmp_path / "x.zip")).status == 1


def test_openings_and_none_contradict_each_other(ask: "Run", tmp_path: Path) -> None:
    arguments = ("--without-openings", "--act", ACT, "-o", str(tmp_path / "x.zip"))

    assert ask("audit", "export", *arguments).status == 2


def test_a_terminal_sees_how_much_has_come(
    ask: "Run", node: "FakeNode", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.always(FETCH, PACK)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    out = str(tmp_path / "pack.zip")

    assert ask("audit", "export", "--without-openings", "-o", out).status == 0
    assert f"{len(PACK):,} B" in terminal.getvalue()


def test_a_file_that_is_there_stays_and_another_one_is_asked_for(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    there = tmp_path / "pack.zip"
    there.write_bytes(b"kept")
    outcome = ask("audit", "export", "--without-openings", "-o", str(there))
    tiles = ask("audit", "tiles", str(tmp_path))

    assert (outcome.status, tiles.status) == (2, 2)
    assert "name a new file" in outcome.err
    assert "name a new directory" in tiles.err
    assert there.read_bytes() == b"kept"
    assert node.asked == []
