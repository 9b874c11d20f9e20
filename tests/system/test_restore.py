# SPDX-License-Identifier: Apache-2.0
"""Yesterday's backup comes back into a federation of real processes that lives on."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.federation import Federation, federation, until

from fedsafe_cli.demo.nodes import DemoNode

PEOPLE: Final = {
    name: {"kind": "email", "value": f"{name}@mail.example"}
    for name in ("before", "since", "stopped", "after")
}


def told(fed: Federation, *arguments: str, node: DemoNode | None = None) -> Any:  # noqa: ANN401
    done = fed.fedsafe(*arguments, "--json", node=node)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def matched(fed: Federation, node: DemoNode) -> set[str]:
    """Ask a node who is listed."""
    found = set()
    for name, about in PEOPLE.items():
        answer = fed.lookup(
            node, about, purpose="signup_check", subject_ref=f"account-{name}"
        )
        assert answer.body["not_covered"] == []
        found |= {name} if answer.body["matches"] else set()
    return found


@pytest.mark.timeout(300)
def test_yesterdays_backup_of_a_killed_node_comes_back(tmp_path: Path) -> None:
    with federation(tmp_path / "d") as fed:
        fed.publish(fed.a, [PEOPLE["before"]])
        told(fed, "backup", str(tmp_path / "monday"), node=fed.a)
        (*_, stopped) = fed.publish(fed.a, [PEOPLE["since"], PEOPLE["stopped"]])
        fed.caller(fed.a, "ben").post(
            f"/v1/signals/{stopped}/revoke", {"reason": "mistake"}
        )
        until(fed.caught_up, "catching up")
        fed.kill(fed.a)
        for path in fed.a.directory.glob("store.db*"):
            path.unlink()

        restored = told(
            fed,
            *("restore", str(tmp_path / "monday"), "--dir", fed.a.dir),
            *("--by", "ben", "--reason", "ticket-7"),
        )
        fed.start(fed.a)
        until(fed.caught_up, "catching up")
        fed.publish(fed.a, [PEOPLE["after"]])
        until(fed.caught_up, "catching up")
        verified = [
            fed.caller(node).post("/v1/audit/verify").body for node in fed.nodes
        ]
        forks = [fed.caller(node).get("/v1/forks").body["forks"] for node in fed.nodes]

        assert restored["adopted"]["openings"] == 1
        assert restored["anchor"] == f"{fed.a.name}/anchor/1"
        assert [matched(fed, node) for node in fed.nodes] == [
            {"before", "since", "after"}
        ] * 3
        assert all(each["ok"] for each in verified), verified
        assert forks == [[], [], []]
