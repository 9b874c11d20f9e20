# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.fleet import make

from fedsafe_cli.doctor.diagnosis import Level
from fedsafe_cli.doctor.doctor import outside_key
from fedsafe_cli.terminal.exit_codes import ExitStatus

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome, Run

    Call = Callable[..., Outcome]

NODE = "a.demo"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    asyncio.run(make(tmp_path, NODE))
    return tmp_path / NODE


@pytest.fixture
def call(run: "Run", directory: Path) -> "Call":
    def call(*arguments: str) -> "Outcome":
        return run("node", "outside-key", *arguments, "--config", str(directory))

    return call


def told(found: "Outcome") -> dict[str, object]:
    assert found.status == 0, found.err
    answer: dict[str, object] = json.loads(found.out)
    return answer


def test_a_key_from_its_making_to_its_end(
    call: "Call", directory: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.key", tmp_path / "second.key"
    (before,) = outside_key(directory)
    assert told(call("show", "--json"))["plain"] == ["own.key"]

    made = told(call("new", str(first), "--json"))
    (wrapped,) = outside_key(directory)
    shown = call("show")
    rotated = told(call("rotate", str(second), "--json"))
    first.unlink()
    secret = second.read_bytes()
    second.unlink()
    (lost,) = outside_key(directory)
    refused = call("show")
    custody = str(tmp_path / "custody" / f"{NODE}.key")
    recovered = told(call("recover", str(second), "--custody-key", custody, "--json"))
    removed = told(call("remove", "--json"))

    assert (before.level, "opens media" in str(before.found)) == (Level.OK, True)
    assert (wrapped.level, lost.level) == (Level.OK, Level.FAIL)
    assert made["path"] == str(first)
    assert str(made["name"]) in shown.out
    assert str(made["name"]) in str(wrapped.found)
    assert rotated["name"] != made["name"]
    assert rotated["wrapped"] == made["wrapped"] == ["own.key"]
    assert refused.status == ExitStatus.BAD_INPUT
    assert "outside-key recover" in refused.err
    assert recovered == rotated
    assert second.read_bytes() == secret
    assert (removed["name"], removed["plain"]) == (None, ["own.key"])


@pytest.mark.parametrize("case", ["gone", "loose", "another"])
def test_doctor_and_verify_say_the_way_out_of_a_key_that_does_not_fit(
    call: "Call", run: "Run", directory: Path, tmp_path: Path, case: str
) -> None:
    key = tmp_path / "outside.key"
    told(call("new", str(key), "--json"))
    if case == "gone":
        key.unlink()
    elif case == "loose":
        key.chmod(0o644)
    else:
        key.write_bytes(bytes(32))
    where = ("--config", str(directory))
    examined = run("doctor", *where, "--json")
    german = run("doctor", *where, "--lang", "de")
    verified = run("audit", "verify", *where)

    rows = {each["check"]: each for each in examined.document["findings"]}
    way_out = {
        "gone": "fedsafe node outside-key recover",
        "loose": f"chmod 600 {key}",
        "another": "fedsafe node outside-key recover",
    }[case]
    assert examined.status == german.status == ExitStatus.INTERNAL
    assert rows["outside key"]["level"] == "fail"
    assert way_out in rows["outside key"]["way_out"]
    assert rows["store"]["way_out"].startswith("mend the outside key first")
    assert "evidence" not in json.dumps(rows["store"])
    assert "nicht geprüft: der äußere Schlüssel" in " ".join(german.out.split())
    assert verified.status == ExitStatus.BAD_INPUT
    assert "unexpected" not in verified.err
    wanted = "name the key" if case == "another" else way_out
    assert wanted in verified.err


def test_a_key_in_the_directory_is_refused(call: "Call", directory: Path) -> None:
    inside = directory / "outside.key"

    found = call("new", str(inside))

    assert found.status == ExitStatus.BAD_INPUT
    assert "lies in the node's directory" in found.err
    assert "name a path outside of it" in found.err
    assert not inside.exists()


def test_it_is_told_in_german_as_well(call: "Call", tmp_path: Path) -> None:
    found = call("new", str(tmp_path / "outside.key"), "--lang", "de")

    assert "äußerer Schlüssel" in found.out
    assert "getrennt vom Verzeichnis" in found.err
