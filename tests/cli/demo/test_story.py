# SPDX-License-Identifier: Apache-2.0
"""The parts that the story rests on prove their own power."""

import base64
import gzip
from collections import Counter
from pathlib import Path

import pytest

from fedsafe_cli.demo.story import Teller
from fedsafe_cli.demo.story_data import BUNDLED_COUNT, bundled, real
from fedsafe_cli.demo.story_texts import LINES
from fedsafe_cli.demo.thief import rob
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.inputs import Question
from fedsafe_federation.identifiers import canonicalise
from fedsafe_policies.vocabulary import IdentifierKind

VALUE = "anna.geheim@example.de"


def canonical(question: Question) -> tuple[str, str]:
    found = canonicalise(
        IdentifierKind[question["kind"].upper()],
        question["value"],
        region=question.get("region"),
        namespace=question.get("namespace"),
    )
    return question["kind"], found.value


@pytest.mark.parametrize(
    "hidden",
    [
        VALUE.encode(),
        VALUE.upper().encode(),
        VALUE.encode("utf-16-le"),
        VALUE.encode().hex().encode(),
        *(base64.b64encode(b"x" * lead + VALUE.encode() + b"yz") for lead in range(3)),
    ],
)
@pytest.mark.parametrize("offset", [0, 1, 7, 4 * 1024 * 1024 - 5])
def test_a_thief_finds_what_lies_there_in_any_encoding(
    tmp_path: Path, hidden: bytes, offset: int
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0" * offset + hidden + b"\0" * 9)
    loot = rob(tmp_path, [{VALUE}, {"somebody.else@example.de"}])

    assert (loot.files, loot.found) == (1, 1)


def test_a_thief_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 100)

    assert rob(tmp_path, [{VALUE}]).found == 0
    assert rob(tmp_path, []).found == 0


def test_every_banned_person_is_typed_differently_and_is_the_same() -> None:
    persons = bundled().persons

    assert all(person.banned != person.typed for person in persons)
    banned = [canonical(person.banned) for person in persons]
    assert banned == [canonical(person.typed) for person in persons]
    assert len(set(banned)) == len(persons)
    assert Counter(kind for kind, _ in banned) == {
        kind.name.lower(): BUNDLED_COUNT for kind in IdentifierKind
    }


def test_no_stranger_is_banned() -> None:
    material = bundled()
    banned = {canonical(person.banned) for person in material.persons}

    assert not banned & {canonical(question) for question in material.strangers}


def test_real_input_takes_addresses_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "bridge-mods").mkdir()
    (tmp_path / "bridge-mods" / "aaa-orig.jpg").touch()
    (tmp_path / "bridge-mods" / "blur.jpg").touch()
    for kind, value in (("ip", "9.9.9.9"), ("url", "http://9.9.9.9/x")):
        with gzip.open(tmp_path / f"{kind}.tsv.gz", "wt") as file:
            file.write(f"{kind}\t{value}\t1\n")
    material = real(tmp_path)
    values = [p.banned["value"] for p in material.persons if p.banned["kind"] == "ip"]

    assert values == ["9.9.9.9"]
    assert [path.name for path in material.altered] == ["blur.jpg"]


@pytest.mark.parametrize(
    "content",
    [None, b"", b"junk", gzip.compress(b"no tabs\n")],
    ids=["missing", "empty", "junk", "no tabs"],
)
def test_real_input_that_is_none_is_bad_input(
    tmp_path: Path, content: bytes | None
) -> None:
    (tmp_path / "bridge-mods").mkdir()
    (tmp_path / "bridge-mods" / "aaa-orig.jpg").touch()
    if content is not None:
        (tmp_path / "ip.tsv.gz").write_bytes(content)

    with pytest.raises(BadInputError):
        real(tmp_path)


@pytest.mark.parametrize("key", LINES)
def test_both_languages_tell_the_same_facts(key: str) -> None:
    german, english = (
        {part.split("}")[0] for part in LINES[key].said(language).split("{")[1:]}
        for language in ("de", "en")
    )

    assert german == english


def test_german_writes_its_fractions_with_a_comma() -> None:
    values = {"count": 3, "seconds": 0.25, "why": "role"}

    assert "(0,2 s)" in Teller("de").text("proposed", **values)
    assert "(0.2 s)" in Teller("en").text("proposed", **values)
