# SPDX-License-Identifier: Apache-2.0
"""What is given out for OpenSSL and GnuPG has its signature beside it."""

import os
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.openssl_desk import CMS, VERIFY, equip, run, signature, smime

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

CASE: Final = "0c" * 16
SENT: Final = "0d" * 16
TAKE: Final = f"GET /v1/cases/{CASE}/dispatches/{SENT}/package"
TEST: Final = "POST /v1/partners/lka/test"
Give = Callable[..., Any]


def text(data: bytes) -> str:
    return b64encode(data).decode()


def taken(**more: object) -> dict[str, object]:
    return {
        "name": f"fedsafe-{SENT}.p7m",
        "media_type": "application/pkcs7-mime",
        "sha256": sha256(smime()).hexdigest(),
        "content": text(smime()),
        "signature": text(signature(smime())),
    } | more


def tried(**more: object) -> dict[str, object]:
    return {
        "partner": "lka",
        "signer": "77de 4410",
        "format": "smime",
        "sealed": text(smime()),
        "signature": text(signature(smime())),
    } | more


@pytest.fixture(params=["take", "test"])
def give(
    request: pytest.FixtureRequest, ask: "Run", node: "FakeNode", tmp_path: Path
) -> Give:
    """Write a package to `case.p7m`, by either of the commands that do."""

    def run_it(*more: str, **answer: object) -> Any:  # noqa: ANN401
        out = str(tmp_path / "case.p7m")
        if request.param == "take":
            node.always(TAKE, taken(**answer))
            return ask("case", "take", CASE, SENT, "--output", out, *more)
        node.always(TEST, tried(**answer))
        return ask("partner", "test", "lka", "--out", out, *more)

    return run_it


def test_what_is_written_is_verified_with_openssl_and_opens(
    give: Give, tmp_path: Path
) -> None:
    done, folder = give(), equip(tmp_path)
    file, beside = folder / "case.p7m", folder / "case.p7m.sig"

    assert done.status == 0
    assert run(folder, f"{VERIFY.format('case.p7m')} && {CMS}")
    assert f"fedsafe: give {beside} along: the partner first checks" in done.err
    for each in (file, beside):
        assert each.stat().st_mode & 0o777 == 0o600
    assert (file.read_bytes(), beside.read_bytes()) == (smime(), signature(smime()))


def test_it_is_said_in_german_and_to_programs(give: Give, tmp_path: Path) -> None:
    german = give("--lang", "de")
    for each in tmp_path.glob("case.p7m*"):
        each.unlink()
    told = give("--json")

    assert "case.p7m.sig mitgeben: der Partner prüft damit zuerst" in german.err
    assert told.document["file"] == str(tmp_path / "case.p7m")
    assert told.document["signature_file"] == str(tmp_path / "case.p7m.sig")
    assert "along" not in told.err


@pytest.mark.parametrize("there", ["case.p7m", "case.p7m.sig"])
def test_neither_is_written_where_one_is_there(
    give: Give, node: "FakeNode", tmp_path: Path, there: str
) -> None:
    (tmp_path / there).write_bytes(b"other")
    done = give()

    assert (done.status, node.asked) == (5, [])
    assert f"{there} exists already" in done.err
    assert [each.name for each in tmp_path.glob("case.p7m*")] == [there]
    assert (tmp_path / there).read_bytes() == b"other"


def test_what_fedsafe_alone_opens_has_nothing_beside_it(
    give: Give, tmp_path: Path
) -> None:
    done = give(signature=None)

    assert done.status == 0
    assert "along" not in done.err
    assert [each.name for each in tmp_path.glob("case.p7m*")] == ["case.p7m"]


@pytest.mark.parametrize(
    "changed",
    [{"signature": "?"}, {"signature": "ä"}, {"content": "ä", "sealed": "ä"}],
)
def test_bytes_that_are_none_are_not_written(
    give: Give, tmp_path: Path, changed: dict[str, str]
) -> None:
    done = give(**changed)

    assert "is not what the node says of it" in done.err
    assert list(tmp_path.glob("case.p7m*")) == []


def test_half_of_it_is_not_left(
    give: Give, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def full(path: Any, *given: Any, **more: Any) -> int:  # noqa: ANN401
        if str(path).endswith("case.p7m"):
            raise OSError(28, "No space left on device")
        return opened(path, *given, **more)

    monkeypatch.setattr("os.open", full)
    done = give()

    assert done.status == 5
    assert "No space left" in done.err
    assert list(tmp_path.glob("case.p7m*")) == []


def test_standard_output_has_room_for_the_package_alone(
    ask: "Run", node: "FakeNode"
) -> None:
    data = b"sealed"
    node.always(TAKE, taken(content=text(data), sha256=sha256(data).hexdigest()))
    done = ask("case", "take", CASE, SENT, "--output", "-")

    assert done.status == 0
    assert done.out == "sealed"
    assert "without its signature: name a file" in done.err
