# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.programs import (
    BROWSER,
    NEEDS,
    NEEDS_BROWSER,
    do_without,
    files,
    program,
)

MISSING = "fedsafe-has-no-such-program"


@pytest.fixture(params=["", "git strace-of-another-name"])
def needs_others(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NEEDS, request.param)


@pytest.mark.usefixtures("needs_others")
def test_a_test_without_its_program_names_the_package() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"needs strace \(apt install s"):
        program(MISSING, "strace")


@pytest.mark.usefixtures("needs_others")
def test_a_test_without_its_files_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="needs a-library"):
        files("a-library", tmp_path, tmp_path / "missing")


@pytest.mark.parametrize("needs", ["all", "git strace"])
def test_a_test_without_a_program_that_must_be_there_fails(
    needs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NEEDS, needs)

    with pytest.raises(pytest.fail.Exception, match=f"{NEEDS}={needs}, but: needs"):
        program(MISSING, "strace")


def test_a_test_without_its_browser_fails_where_that_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(NEEDS, raising=False)
    monkeypatch.setenv(NEEDS_BROWSER, "1")

    with pytest.raises(pytest.fail.Exception, match=f"{NEEDS_BROWSER}=1, but: needs"):
        program(MISSING, BROWSER)
    with pytest.raises(pytest.skip.Exception):
        program(MISSING, "strace")


def test_a_test_without_a_server_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NEEDS, raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"needs postgresql \(it is old\)"):
        do_without("postgresql", "it is old")


def test_a_program_that_is_there_is_found(tmp_path: Path) -> None:
    assert Path(program("git", "git")).is_file()
    files("a-library", tmp_path)
