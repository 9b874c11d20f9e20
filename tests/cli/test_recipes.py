# SPDX-License-Identifier: Apache-2.0
"""The recipes of the front page, the reference and the help, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.cli.conftest import answer

from fedsafe_cli.lookup.lookup import lookup
from fedsafe_cli.terminal.exit_codes import SEVERITY, ExitStatus

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode

ROOT: Final = Path(__file__).parents[2]
BRANCH: Final = re.compile(
    r"printf [^\n]*fedsafe lookup[^\n]*\n *case .*?esac", re.DOTALL
)
ACTS: Final = {
    "activate": "admit",
    "lift_restriction": "admit",
    "restrict": "restrict",
    "open_review": "review",
    "queue_for_review": "review",
    "ask_again": "ask again",
    "ask_again_later": "ask again",
    "ask_person": "correct",
    "have_it_corrected": "correct",
    "call_operator": "operator",
}
UNREADABLE: Final = {
    "question": 0,
    "kind": "phone",
    "code": "identifier_letters",
    "detail": {"de": "Buchstaben", "en": "letters"},
    "way_out": {"de": "berichtigen", "en": "have it corrected"},
}
INCOMPLETE: Final = answer("incomplete")
REFUSED: Final = {"code": "identifier_malformed", "detail": "out of form"}


def recipes() -> dict[str, str]:
    places = {
        "README.md": (ROOT / "README.md").read_text(),
        "cli.md": (ROOT / "docs/reference/cli.md").read_text(),
        "--help": lookup.help or "",
    }
    return {
        name: found for name, text in places.items() for found in BRANCH.findall(text)
    }


def acts_of(recipe: str, where: Path, asks: str) -> set[str]:
    """Run a recipe in an application that only writes down what it is told to do."""
    done = where / "done"
    told = [f"{name}() {{ echo '{act}' >> {done}; }}" for name, act in ACTS.items()]
    values = "address=a@b.de account=u-1 ADDRESS=a@b.de ID=u-1"
    script = "\n".join([*told, f"fedsafe() {{ {asks}; }}", values, recipe])
    subprocess.run(
        ["/bin/sh", "-uc", script],
        env=os.environ | {"FEDSAFE_CONFIG": str(where), "LANG": "C.UTF-8"},
        check=True,
        capture_output=True,
    )
    acts = set(done.read_text().split("\n")) - {""}
    # Who is created restricted stays so unless somebody lifts it.
    return acts if "admit" in acts else acts | {"restrict"}


@pytest.mark.promise("RM-03")
@pytest.mark.parametrize(
    ("body", "status", "wanted"),
    [
        (answer("none"), 200, {"admit"}),
        (answer("review"), 200, {"restrict", "review"}),
        (answer("review") | {"reason": "flood"}, 200, {"admit", "review"}),
        (REFUSED, 422, {"restrict", "correct"}),
        (INCOMPLETE | {"unreadable": [UNREADABLE]}, 200, {"restrict", "correct"}),
        (INCOMPLETE | {"not_covered": ["c.demo"]}, 200, {"restrict", "ask again"}),
        (answer("deferred"), 200, {"restrict", "ask again"}),
        ({"code": "busy", "detail": "later"}, 503, {"restrict", "ask again"}),
        ({"code": "purpose", "detail": "no"}, 403, {"restrict", "operator"}),
    ],
)
def test_the_front_page_s_recipe_does_what_each_answer_asks_for(
    node: "FakeNode", body: dict[str, Any], status: int, wanted: set[str]
) -> None:
    node.always("POST /v1/lookup", body, status)
    command = f'{sys.executable} -m fedsafe_cli "$@"'

    assert acts_of(recipes()["README.md"], node.directory, command) == wanted


@pytest.mark.parametrize("status", [*SEVERITY, ExitStatus.USAGE])
def test_all_recipes_do_the_same(tmp_path: Path, status: ExitStatus) -> None:
    found: list[set[str]] = []
    for name, recipe in recipes().items():
        (tmp_path / name).mkdir()
        asks = f"cat > /dev/null; return {status}"
        found.append(acts_of(recipe, tmp_path / name, asks))

    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert ("restrict" in found[0]) == (status not in {0, 14})
    assert ("ask again" in found[0]) == (status in {4, 11, 12})
