# SPDX-License-Identifier: Apache-2.0
"""The catalogues: whole, compiled, and all that a language takes."""

import ast
import pickle
import shutil
import subprocess
import sys
from copy import deepcopy
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from struct import pack

import msgspec
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from hatchling.builders.wheel import WheelBuilder

from fedsafe_federation.errors import MalformedError
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import (
    FOLDER,
    Catalogue,
    Phrase,
    Told,
    all_said,
    in_turn,
    joined,
    languages,
    received,
)
from fedsafe_policies.ground.reasons import Text
from tests import catalogue
from tests.catalogue import ROOT, compiled, faults, read, template

GERMAN = Path(FOLDER) / "de.po"
MATCHING = """
import sys
sys.argv = ["fedsafe", "lookup", "--help"]
from fedsafe_policies.ground.catalogue import Phrase, languages
from fedsafe_cli.terminal.texts import words
from fedsafe_node.words.codes import KINDS
print(*languages())
print(words("none", language="fr"))
print(words("until", language="fr", day="2027-11-18"))
print(KINDS["email"].said("fr"), "|", Phrase("no German has this").said("fr"))
"""


@pytest.fixture(scope="module")
def code() -> Catalog:
    return template()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for path in Path(FOLDER).iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path / GERMAN.name


def test_german_says_all_and_nothing_else(code: Catalog) -> None:
    assert len(code) > 2_000
    assert list(faults(GERMAN, code)) == []


@pytest.mark.parametrize(
    ("told", "is_same"),
    [
        ("mit `fedsafe policy check DATEI`", True),
        ("mit `fedsafe policy check FILE`", False),
        ("mit »fedsafe policy check DATEI«", False),
        ("mit `fedsafe policy show DATEI`", False),
        ("mit `fedsafe policy check --json DATEI`", False),
    ],
)
def test_a_language_that_has_another_command_to_type_is_named(
    code: Catalog, copied: Path, told: str, *, is_same: bool
) -> None:
    english = "mend the file that node.toml names: `fedsafe policy check FILE`"
    changed = read(copied)
    entry = changed.get(english)
    assert entry is not None
    entry.string = told
    with copied.open("wb") as file:
        write_po(file, changed)
    copied.with_suffix(".mo").write_bytes(compiled(read(copied)))

    fault = f"de.po has other commands in backticks: {english}"
    assert list(faults(copied, code)) == ([] if is_same else [fault])


def test_a_reworded_phrase_is_named(code: Catalog, copied: Path) -> None:
    reworded = deepcopy(code)
    reworded.delete("no signal")
    reworded.add("no signal at all")

    assert list(faults(copied, reworded)) == [
        "de.po lacks: no signal at all",
        "de.po has what nobody says: no signal",
    ]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("", "de.po does not say: removed {day}"),
        ("entfernt {tag}", "de.po has other places in braces: removed {day}"),
    ],
)
def test_an_entry_that_says_nothing_or_loses_a_place_is_named(
    code: Catalog, copied: Path, said: str, fault: str
) -> None:
    changed = read(copied)
    entry = changed.get("removed {day}")
    assert entry is not None
    entry.string = said
    with copied.open("wb") as file:
        write_po(file, changed)
    copied.with_suffix(".mo").write_bytes(compiled(read(copied)))

    assert list(faults(copied, code)) == [fault]


def test_what_is_not_compiled_is_named(code: Catalog, copied: Path) -> None:
    text = copied.read_text().replace('"kein Signal"', '"gar kein Signal"')
    copied.write_text(text)

    assert list(faults(copied, code)) == ["de.mo is not compiled from de.po"]


def test_to_write_takes_over_what_is_new_and_drops_what_is_gone(
    code: Catalog, copied: Path
) -> None:
    new = deepcopy(code)
    new.delete("no signal")
    new.add("something new", context="a test")
    catalogue.write(copied, new)

    assert list(faults(copied, new)) == ["de.po does not say: [a test] something new"]
    assert read(copied).get("ready").string == "bereit"  # type: ignore[union-attr]


def test_who_reads_an_entry_is_told_to_translators(code: Catalog, copied: Path) -> None:
    form = code.get("You will have the answer by {day}.")
    plain = code.get("You will have the answer by {day}.", "under 18")
    assert form is not None
    assert plain is not None
    assert [each.split(".")[0] for each in form.auto_comments] == [
        "On the public form, for whoever asks about themselves"
    ]
    assert plain.auto_comments[0].startswith("For children and young people: du")
    assert plain.auto_comments[1:] == form.auto_comments

    text = copied.read_text().replace("#. For children and young people", "#. For all")
    copied.write_text(text)
    found = list(faults(copied, code))
    assert found[0].startswith("de.po has other notes to translators: [under 18] ")
    assert len(found) > 50


def test_an_installed_package_has_the_catalogues() -> None:
    wheel = WheelBuilder(str(ROOT))
    installed = {each.distribution_path for each in wheel.recurse_included_files()}

    for path in Path(FOLDER).iterdir():
        assert f"fedsafe_policies/locale/{path.name}" in installed


def test_a_language_takes_one_file(tmp_path: Path) -> None:
    package = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", package)
    locale = package / "fedsafe_policies/locale"
    shutil.copy(ROOT / "tests/cli/fr.po", locale)
    french = read(locale / "fr.po")
    (locale / "fr.mo").write_bytes(compiled(french))
    said = subprocess.run(
        [sys.executable, "-c", MATCHING],
        env={"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert len(french) >= 100
    assert said.stdout.splitlines() == [
        "de en fr",
        "aucun signal",
        "valable jusqu\N{RIGHT SINGLE QUOTATION MARK}au 2027-11-18",
        "adresse électronique | no German has this",
    ]


def test_a_catalogue_is_read_as_gettext_reads_it() -> None:
    data = GERMAN.with_suffix(".mo").read_bytes()
    ours, theirs = Catalogue(data), GNUTranslations(BytesIO(data))
    entries = [each for each in read(GERMAN) if each.id]

    assert len(entries) > 2_000
    for each in entries:
        if each.context:
            expected = theirs.pgettext(each.context, str(each.id))
        else:
            expected = theirs.gettext(str(each.id))
        assert ours.find(each.context or "", str(each.id)) == expected
    assert ours.find("", "nobody says this") is None
    assert ours.find("nowhere", "yes") is None


@pytest.mark.parametrize("data", [b"", b"no catalogue", bytes(40)])
def test_what_is_no_catalogue_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no compiled catalogue"):
        Catalogue(data)


def test_a_catalogue_of_the_other_byte_order_is_read() -> None:
    english, german = [b"no", b"yes"], [b"nein", b"ja"]
    texts = [*english, *german]
    start, table = 28 + 8 * len(texts), b""
    for text in texts:
        table += pack(">2I", len(text), start)
        start += len(text) + 1
    head = pack(">7I", 0x950412DE, 0, 2, 28, 44, 0, 0)
    data = head + table + b"".join(text + b"\0" for text in texts)

    assert [Catalogue(data).find("", each) for each in ("no", "yes")] == ["nein", "ja"]
    assert GNUTranslations(BytesIO(data)).gettext("yes") == "ja"


def test_languages_are_those_that_have_a_catalogue() -> None:
    assert languages() == ("de", "en")


def test_the_folder_of_languages_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = languages()

    def refused(_: object) -> list[str]:
        raise PermissionError

    monkeypatch.setattr("os.listdir", refused)
    assert languages() == found


def test_a_phrase_says_itself_in_the_language_of_what_is_in_it() -> None:
    inner = joined(", ", [Phrase("yes"), Phrase("no"), "a.demo"])
    text = Phrase("not covered: {origins}").filled(origins=inner)

    assert text.said("en") == str(text) == "not covered: yes, no, a.demo"
    assert text.said("de") == "nicht abgedeckt: ja, nein, a.demo"
    assert all_said([Phrase("yes"), Phrase("")], "de") == ["ja", ""]


def test_what_fills_a_place_is_no_template() -> None:
    text = Phrase("removed {day}").filled(day="{secret} %s {}")

    assert text.said("de") == "entfernt {secret} %s {}"


def test_words_that_mean_two_things_are_told_apart() -> None:
    one, other = Phrase("watched"), Phrase.within("task", "watched")

    assert one != other
    assert one.said("de") != other.said("de")
    assert one.said("en") == other.said("en")


def test_what_came_in_two_languages_is_english_in_every_other() -> None:
    told = Told({"de": "erst {}", "en": "first {}"}).filled("x")

    assert [told.said(each) for each in ("de", "en", "fr")] == [
        "erst x",
        "first x",
        "first x",
    ]
    assert told != Told({"de": "nie {}", "en": "first {}"}).filled("x")


def test_what_came_with_its_template_is_said_by_the_entry_here() -> None:
    made = {"template": "{kind}: {why}", "params": {"kind": "email"}}
    whole = made | {"params": {"kind": "email", "why": {"template": "it is open"}}}
    told = received(whole, "email: it is open")

    assert told.said("en") == "email: it is open"
    assert told.said("de") == "email: er ist offen"
    assert received(made, "as it came").said("de") == "as it came"


def test_a_word_that_only_the_sender_knows_stays_within_the_sentence() -> None:
    whole = {"template": "{kind}: {why}"}
    params = {"kind": "email", "why": {"template": "a newer reason"}}
    told = received(whole | {"params": params}, "email: a newer reason")

    assert told.said("de") == "email: a newer reason"


@pytest.mark.parametrize(
    "template", ["{kind.__class__}: {why}", "{0}", "{", "{kind!r}", "{kind:>999999999}"]
)
def test_a_template_that_came_is_never_filled(template: str) -> None:
    told = received({"template": template, "params": {"kind": "x"}}, "as it came")

    assert told.said("de") == "as it came"


def test_a_phrase_goes_to_another_process() -> None:
    phrase = Phrase.within("texts", "about {name}").filled(name="anna")
    text = Phrase("that name is taken").both()

    assert pickle.loads(pickle.dumps(phrase)) == phrase  # noqa: S301 - our own
    assert pickle.loads(pickle.dumps(text)) == text  # noqa: S301 - our own


def test_a_text_knows_its_phrase_and_is_written_without_it() -> None:
    text = Phrase("that name is taken").both()

    assert text == Text(text.de, text.en)
    assert text.phrase == Phrase("that name is taken")
    assert Text("a", "b").phrase is None
    assert msgspec.to_builtins(text) == {"de": text.de, "en": text.en}
    assert in_turn([text, text]).said("de") == f"{text.de} {text.de}"


SAID = {
    "UsageError": (0,),
    "BadParameter": (0,),
    "ClickException": (0,),
    "fail": (0,),
    "misused": (0,),
    "unfit": (0,),
    "CasePackageError": (0,),
    "MalformedError": (1,),
    "PolicyFileError": (0,),
    "RenderingError": (1,),
    "ConfigError": (1,),
    "BackupRefusedError": (0, 1),
    "MoveRefusedError": (0, 1),
    "OutsideKeyError": (0, 1),
    "KeyFileError": (0,),
    "LooseKeyFileError": (1,),
    "BadPart": (1,),
}
"""What makes an error, and which of its arguments persons read."""


def _is_bare(words: ast.expr) -> bool:
    """Tell whether these are English words that no catalogue has."""
    if isinstance(words, ast.IfExp):
        return _is_bare(words.body) or _is_bare(words.orelse)
    if isinstance(words, ast.BinOp):
        return _is_bare(words.left) or _is_bare(words.right)
    return isinstance(words, ast.JoinedStr | ast.Constant)


def bare(source: str) -> list[int]:
    """Return the lines of errors whose words are written where they are made."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [node.args[at] for at in SAID.get(name, ()) if at < len(node.args)]
            if any(_is_bare(each) for each in given):
                found.append(node.lineno)
    return found


def test_errors_that_persons_read_are_phrases() -> None:
    code = {
        path.relative_to(ROOT): text
        for folder in catalogue.CODE
        for path in folder.rglob("*.py")
        if any(name in (text := path.read_text("utf-8")) for name in SAID)
    }

    assert len(code) > 100
    assert {str(path): bare(text) for path, text in code.items() if bare(text)} == {}


@pytest.mark.parametrize(
    "error",
    [
        'click.UsageError("give one")',
        'click.BadParameter(f"give {one}")',
        'self.fail("give one" if one else told)',
        'misused("give " + told)',
        'PolicyFileError("want days", key="share")',
        'MalformedError("Charter", "out of order")',
        'ConfigError(path, f"no port {number}")',
        'BackupRefusedError(told, "name a new one")',
        'BadPart(name, "it is gone", is_missing=True)',
    ],
)
def test_an_error_in_bare_english_is_seen(error: str) -> None:
    assert bare(f"raise {error}") == [1]
    assert bare('raise misused(Phrase("give one"))') == []


def test_an_error_of_a_document_says_place_and_fault_in_german() -> None:
    fault = PolicyFileError(Phrase("want days"), key="retention.bucket", line=7)
    foreign = MalformedError("Charter", Phrase("out of order"))

    assert str(fault) == "line 7: retention.bucket: want days"
    assert fault.phrase is not None
    assert fault.phrase.said("de") == "Zeile 7: retention.bucket: erwartet werden Tage"
    assert foreign.phrase is not None
    assert foreign.phrase.said("de") == "Charter: in falscher Reihenfolge"
