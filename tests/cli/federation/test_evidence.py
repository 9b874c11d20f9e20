# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.witnessed_log import OpenLog

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_federation.feed.forks import fork_of
from fedsafe_federation.wire.wireformat import encode

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

LOG = "b.demo/feed"
KEY = SigningKey.generate()
VERIFIER = VerifierKey.of(LOG, KEY.public)
ONE, OTHER = OpenLog(LOG, KEY), OpenLog(LOG, KEY, b"other")


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    shown = fork_of(VERIFIER, ONE.note(7).decode(), OTHER.note(7).decode())
    path = tmp_path / "fork.json"
    path.write_bytes(encode(shown))
    return path


def test_evidence_is_checked_without_a_node(run: "Run", proof: Path) -> None:
    found = run("evidence", "check", str(proof), "--json")
    known = run("evidence", "check", str(proof), "--key", VERIFIER.encode())

    assert (found.status, known.status) == (0, 0)
    assert found.document["log"] == LOG
    assert found.document["sizes"] == [7, 7]
    assert LOG in known.out


def test_what_proves_nothing_has_a_status_of_its_own(run: "Run", proof: Path) -> None:
    stranger = VerifierKey.of(LOG, SigningKey.generate().public).encode()
    other = run("evidence", "check", str(proof), "--key", stranger)
    shown = json.loads(proof.read_text())
    proof.write_text(json.dumps(shown | {"second": shown["first"]}))
    same = run("evidence", "check", str(proof), "--json")
    proof.write_text("{")
    junk = run("evidence", "check", str(proof))
    proof.write_text(" " * 70_000)
    large = run("evidence", "check", str(proof))

    assert (other.status, same.status, junk.status, large.status) == (20, 20, 20, 5)
    assert "agree" in same.document["why"]


def test_evidence_is_listed_exported_and_given_to_a_node(
    node: "FakeNode", ask: "Run", proof: Path
) -> None:
    shown = json.loads(proof.read_text())
    kept = {"log": LOG, "origin": "b.demo", "digest": "ab" * 32, "evidence": shown}
    taken = {**kept, "new": True, "suspended": True}
    node.always("GET /v1/forks", {"forks": [kept]})
    node.always("POST /v1/forks", taken)
    out = proof.with_name("out.json")

    assert "ab" * 32 in ask("evidence", "list").out
    assert ask("evidence", "export", LOG, "--out", str(out)).status == 0
    assert ask("evidence", "check", str(out)).status == 0
    assert ask("evidence", "export", LOG, "--out", str(out)).status == 5
    assert ask("evidence", "export", "c.demo/feed").status == 5
    assert "b.demo" in ask("evidence", "submit", str(out)).out
    assert node.asked[-1] == ("POST /v1/forks", shown)
