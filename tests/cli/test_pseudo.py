# SPDX-License-Identifier: Apache-2.0
"""In a made-up German nothing is left that no catalogue has said.

Here errors, hints and a node that stands still; what nodes that run answer is shown by
`python -m tests.campaigns.pseudo`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fence.script import asking
from tests.support.pseudo import (
    CLOSE,
    OPEN,
    Commands,
    Said,
    commands_of,
    leftovers,
    marked,
    pseudo_tree,
    typed_words,
    unmarked,
    words_of_data,
)

from fedsafe_cli.main import fedsafe

INIT = (
    "node init --dir made --name a.demo --contact abuse@example.de --staff anna:analyst"
)
NAMES = (
    typed_words()
    | words_of_data("do_not_share", "harmless_media", "help_directory")
    | {"anna", "eva", "admin", "made", "dir", "conf", "nowhere", "saved"}
    | {"strict", "germany", "synthetic"}
    | {"database", "seal", "Beschwerdestelle"}
    | {"fedsafe", "aiohttp", "cryptography", "msgspec", "pynacl", "numpy"}
)
"""Of persons, places, policies and tables, of lists and of offers of help."""
LINES = """
lookup --kind email x@example.de
lookup --kind email x@example.de --config nowhere
lookup --kind email x@example.de --config dir
lookup --kind email x@example.de --config made
lookup --kind email x@example.de --config made --credential nowhere.key
lookup --kind email x@example.de --config made --credential dir
lookup --kind email x@example.de --config made --credential secret.key
lookup --kind email x@example.de --config made --credential open.key
lookup --kind shoe x
signal show nothing --config made
signal approve --config made
signal lists --config made
task show 0 --config made
task outcome 0 watch --config made
match --surface public_content nowhere.jpg --config made
match --surface public_content dir --config made
hash nowhere.jpg
hash dir
policy show nowhere
policy show bad.toml
policy show latin.txt
policy show dir
policy check germany
policy explain
case show x --config made
case template --for bzkj
open empty.json --key nowhere.key
open empty.json --key secret.key
partner key made.key
partner key made.key
partner key made.key --public
partner add x --entry bad.toml --config made
partner add x --entry nowhere.json --config made
federation join nowhere --config made
federation join bad.toml --config made
federation found review --config made
audit verify --config made
audit verify --config dir
audit show 0 --config made
node init --dir made --name b.demo --contact abuse@example.de
node init --dir new --name B@D --contact abuse@example.de
node run --config nowhere
node run --config conf
node status --config made
node credential add anna --role analyst --out anna.key --config made
node credential add eva --role analyst --out eva.key --config made
node credential add udo --role analyst --out eva.key --config made
backup saved --config made
backup saved --config made
backup --check saved --config made
backup --check dir --config made
restore dir --dir other --by anna
doctor --config made
doctor --config nowhere
demo up --dir dir/x --nodes 2
demo down --dir nowhere
evidence check bad.toml --config made
login --config made
login anna --config made
logout --config made
account setup anna --config made
help-directory check bad.toml
do-not-share list --config made
do-not-share show nothing --config made
nothing
signal list --ids --csv --config made
signal list --since tomorrow --config made
case template x --config made
case pack x --written pdf --output x.pdf --config made
case assess x --elements bad.toml --config made
case evidence x nowhere.jpg --config made
audit search --operation lokup --config made
node credential add anna --out new.key --config made
node init --dir new --name b.demo --contact abuse@example.de --staff anna
staff eva:cook
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Commands, Path]]:
    folder = tmp_path_factory.mktemp("pseudo")
    home = folder / "home"
    home.mkdir()
    for name, content in (
        ("empty.json", b"{}"),
        ("bad.toml", b"x = = 1\n"),
        ("latin.txt", b"\xe9\xff\n"),
        ("secret.key", b"hello\n"),
        ("open.key", b"fs1_" + b"a" * 43),
    ):
        (home / name).write_bytes(content)
    (home / "secret.key").chmod(0o600)
    (home / "dir").mkdir()
    (home / "conf").mkdir()
    (home / "conf/node.toml").write_text("name = \n")
    with commands_of(pseudo_tree(folder / "tree"), home) as commands:
        made = commands.run(*INIT.split(), "--lang", "de")
        assert made.status == 0, made.err
        assert leftovers(made, NAMES) == ""
        yield commands, home


@pytest.fixture(scope="module")
def lines() -> list[list[str]]:
    asked = [[*path, "--config", "made"] for path in asking(fedsafe)]
    return [line.split() for line in LINES.strip().splitlines()] + asked


@pytest.mark.timeout(240)
def test_nothing_but_the_catalogue_speaks_german(
    said: tuple[Commands, Path], lines: list[list[str]]
) -> None:
    found = [(each, said[0].run(*each, "--lang", "de")) for each in lines]

    left = [f"{each.line}\n{leftovers(each, NAMES)}" for _, each in found]
    assert [each for each in left if not each.endswith("\n")] == []
    assert sum(each.status != 0 for _, each in found) > len(found) / 2
    assert sum(OPEN in each.out + each.err for _, each in found) > len(found) / 2


def test_english_says_nothing_of_the_catalogue(
    said: tuple[Commands, Path], lines: list[list[str]]
) -> None:
    found = [said[0].run(*each, "--lang", "en") for each in lines[:40]]

    assert [each.line for each in found if OPEN in each.out + each.err] == []


@pytest.mark.parametrize(
    ("out", "left"),
    [
        (f"{OPEN}Befund{CLOSE} 17 a/b.toml --yes `fedsafe x` ok", "ok (of: ok)"),
        (f"{OPEN}von{CLOSE} anna {OPEN}am{CLOSE} 2026-12-02 (wrong_state)", ""),
        ("no signal", "no signal (of: no signal)"),
        ("3f9a 01bc 77de 4410 9c2e bebb f00d 1234", ""),
        ("the bebb", "the bebb (of: the bebb)"),
        (f"{OPEN}eine lange, abgeschnittene", ""),
    ],
)
def test_what_is_left_is_named(out: str, left: str) -> None:
    assert leftovers(Said((), 0, out, ""), {"anna"}) == left


def test_places_of_a_template_are_outside_of_its_marks() -> None:
    said = marked("von {name}: {{x}} {count:>3} Einträge, {}")

    assert unmarked(said.format("z", name="N", count=7)).split() == [
        "N:",
        "{",
        "7",
        "z",
    ]
