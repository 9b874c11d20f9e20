# SPDX-License-Identifier: Apache-2.0
"""The documents name what is there, all of it, and nothing that is gone."""

import json
import re
import shlex
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from enum import Enum, EnumType, IntEnum
from itertools import takewhile
from pathlib import Path
from types import ModuleType

import click
import msgspec
import pytest
from deploy.site import build

from fedsafe_cli.demo.story_texts import LINES
from fedsafe_cli.main import fedsafe
from fedsafe_node.audit.compliance.events import meanings
from fedsafe_node.audit.compliance.events import page as events_page
from fedsafe_node.casework.rendering.texts import Named, text_of
from fedsafe_node.ground.config import Config
from fedsafe_node.log.audit import Event
from fedsafe_policies import vocabulary
from fedsafe_policies.documents.document import Document
from fedsafe_policies.documents.phenomena import ladder
from fedsafe_policies.documents.policy import shipped, shipped_text
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.escalation import vocabulary as case_vocabulary
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.vocabulary import Condition, PartnerClass
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Level, Role

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
HANDBOOK = "howto/handbuch"
PAGES = sorted(
    page for page in DOCS.rglob("*.md") if "changes" not in page.relative_to(DOCS).parts
)
AT_THE_ROOT = [
    ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")
]
POLICY_PAGES = [
    DOCS / "howto/compliance/policy.md",
    DOCS / "howto/handbuch/richtlinie.md",
]
STANDING_FOR = {"SENDER": "3f9a 01bc 77de 4410 9c2e 5a6b f00d 1234"}
"""Words in capitals of which a command looks at the form before it begins."""
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _settings(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _settings(field.type, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def _commands(group: click.Group, prefix: str = "fedsafe") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def _short(page: Path) -> str:
    german_front = page == DOCS / HANDBOOK / "index.md"
    return f"{HANDBOOK}/index.md" if german_front else page.name


def test_every_page_is_in_the_navigation() -> None:
    english, german = (
        set(re.findall(r"[\w/-]+\.md", (ROOT / name).read_text()))
        for name in ("mkdocs.yml", "mkdocs-de.yml")
    )
    handbook = {page.name for page in PAGES if page.parent == DOCS / HANDBOOK}
    names = {str(page.relative_to(DOCS)) for page in PAGES}

    assert german == handbook
    assert english == names - {f"{HANDBOOK}/{name}" for name in handbook - {"index.md"}}


def test_the_front_page_of_the_handbook_leads_to_all_of_it() -> None:
    left = {
        str(page.relative_to(DOCS))
        for front, folder in (
            ("howto/compliance.md", "howto/compliance"),
            (f"{HANDBOOK}/index.md", HANDBOOK),
        )
        for page in (DOCS / folder).glob("*.md")
        if page.name not in (DOCS / front).read_text()
    }

    assert left == {f"{HANDBOOK}/index.md"}


def test_the_handbook_is_built_as_a_german_site() -> None:
    site = build()
    german = site / "de"
    pages = [german / "index.html", *german.glob("*/index.html")]
    found = json.loads((german / "search.json").read_bytes())
    english = json.loads((site / "search.json").read_bytes())
    inside = [each["location"] for each in english["items"]]

    assert len(pages) == len(list((DOCS / HANDBOOK).glob("*.md")))
    assert [each for each in pages if '<html lang="de"' not in each.read_text()] == []
    assert found["config"]["lang"] == ["de"]
    assert [each for each in inside if each.startswith(HANDBOOK)] == []
    for page in pages:
        old = site / HANDBOOK / page.parent.relative_to(german) / "index.html"
        to = re.search(r'url=([^"]+)"', old.read_text())
        assert to
        assert (old.parent / to[1]).resolve() == page.parent
        for link in re.findall(r'href="?(\.\.?/[^"#\s>]+)', page.read_text()):
            target = page.parent / link
            assert target.is_file() or (target / "index.html").is_file(), link


@pytest.mark.parametrize("page", [*AT_THE_ROOT, *PAGES], ids=_short)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [
        target
        for target in LINK.findall(page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_the_front_page_shows_what_the_demo_prints() -> None:
    text = (ROOT / "README.md").read_text()
    shown = text.partition("```\n$ ./run --once\n")[2].partition("```")[0].splitlines()
    lines = {
        name: re.compile(re.sub(r"\\{.*?\\}", ".*?", re.escape(line.english)))
        for name, line in LINES.items()
    }
    names = [
        next((name for name, line in lines.items() if line.fullmatch(each)), each)
        for each in shown
    ]
    # Of another input, and of a demo that stays.
    other = {"real", "nodes", "desk", "link", "stay", "failed"}
    always = [name for name in LINES if name not in other]

    assert list(dict.fromkeys(names)) == always


def test_every_setting_is_documented() -> None:
    text = (DOCS / "reference/configuration.md").read_text()
    missing = [name for name in _settings(Config) if f"`{name}`" not in text]

    assert missing == []


def test_every_audit_event_is_explained_to_compliance_officers() -> None:
    where = "node/fedsafe_node/audit/compliance/data/events.toml"
    missing = sorted(event.value for event in set(Event) - set(meanings()))

    assert missing == [], f"say in {where} when these are written"
    assert (DOCS / "reference/events.md").read_text() == events_page(), (
        "renew it: python -m fedsafe_node.audit.compliance.events "
        "> docs/reference/events.md"
    )


def test_a_generated_page_says_so_at_its_head() -> None:
    modules = [*ROOT.glob("*/fedsafe_*/**/*.py"), *ROOT.glob("tests/*.py")]
    written = {
        (page, ".".join(path.relative_to(_root_of(path)).with_suffix("").parts))
        for path in modules
        if '\nif __name__ == "__main__":' in (text := path.read_text())
        for page in re.findall(r"docs/(reference/[\w-]+\.md)", text.split('"""')[1])
    }
    heads = {page: str(page.read_text().splitlines()[:4]) for page in PAGES}
    said = {
        (str(page.relative_to(DOCS)), module)
        for page, head in heads.items()
        for module in re.findall(r"<!-- .*enerated.*: python -m ([\w.]+)", head)
    }
    from_docstrings = [page for page in PAGES if "\n::: " in page.read_text()]

    assert said == written
    assert len(said) > 1
    assert all("generated from docstrings" in heads[page] for page in from_docstrings)


def _root_of(path: Path) -> Path:
    """Return from where a module is imported."""
    room = ROOT / path.relative_to(ROOT).parts[0]
    return room if (room / f"fedsafe_{room.name}").is_dir() else ROOT


def test_every_command_has_its_heading() -> None:
    text = (DOCS / "reference/cli.md").read_text()
    missing = [name for name in _commands(fedsafe) if f"`{name}" not in text]

    assert missing == []


def test_every_room_is_on_the_map() -> None:
    text = (DOCS / "explanation/architecture.md").read_text()
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    rooms = tool["hatch"]["build"]["targets"]["wheel"]["sources"]
    inside = {
        str(path.parent.relative_to(ROOT))
        for path in ROOT.glob("*/fedsafe_*/*/**/__init__.py")
    }

    assert [room for room in rooms if f"| `{room}` |" not in text] == []
    assert set(re.findall(r"^\| `(\w+/[\w/]+)` \|", text, re.MULTILINE)) == inside


def test_the_map_names_paths_whole_and_none_that_is_gone() -> None:
    text = (DOCS / "explanation/architecture.md").read_text()
    named = set(re.findall(r"`((?:[\w-]+/)*[\w-]+(?:/|\.\w+|/[\w-]+))`", text))
    of_nodes = {"node.toml", "audit.records", "shop/acc-4711"}
    gone = [name for name in named - of_nodes if not (ROOT / name).exists()]

    assert gone == []
    assert len(named) > 80


def _shell(page: Path) -> list[list[str]]:
    """Return the calls of `fedsafe` in a page's shell blocks, as a shell reads them."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    calls = [shlex.split(text, comments=True) for text in lines]
    return [_typed(call[1:]) for call in calls if call[:1] == ["fedsafe"]]


def _typed(call: list[str]) -> list[str]:
    """Leave out where a shell takes input from and puts output."""
    words = takewhile(lambda word: word not in {"<", ">"}, call)
    return [STANDING_FOR.get(word, word) for word in words]


def _parse(arguments: list[str]) -> None:
    """Let click read a call, without doing what it says."""
    command: click.Command = fedsafe
    context: click.Context | None = None
    while isinstance(command, click.Group):
        name, *arguments = arguments
        context = click.Context(command, parent=context, info_name=name)
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    if "--help" not in arguments:
        command.make_context(command.name, list(arguments), parent=context)


@pytest.mark.parametrize("page", [*AT_THE_ROOT, *PAGES], ids=_short)
def test_every_command_in_a_shell_block_can_be_given(page: Path) -> None:
    for call in _shell(page):
        try:
            _parse(call)
        except click.UsageError as error:
            if "No such file" in error.format_message():
                continue  # the page makes it
            pytest.fail(f"fedsafe {shlex.join(call)}: {error.format_message()}")


GLOSSARY = DOCS / "explanation/glossary.md"
ROW = re.compile(r"^\| (?!---|code |English )(.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)


def _glossary() -> dict[str, dict[str, tuple[str, str]]]:
    """Return the German and the English of each word, by its heading."""
    parts = re.split(r"^#+ (.+)\n", GLOSSARY.read_text(), flags=re.MULTILINE)[1:]
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        rows = ROW.findall(text)
        found[heading] = {word.strip("`"): (de, en) for word, de, en in rows}
        assert len(found[heading]) == len(rows), heading
    return found


def _vocabulary(*modules: ModuleType) -> dict[str, list[Enum]]:
    """Return the values of each enumeration, by the heading that it has."""
    return {
        re.sub(r"(?<=[a-z])[A-Z]", lambda big: f" {big[0].lower()}", name): list(each)
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, EnumType) and each.__module__ == module.__name__
    }


def _code(value: Enum) -> str:
    return value.name.lower() if isinstance(value, IntEnum) else str(value)


def test_the_glossary_holds_each_value_of_the_vocabularies() -> None:
    told = {name: set(rows) for name, rows in _glossary().items()}
    codes = {
        name: {_code(value) for value in values}
        for name, values in _vocabulary(vocabulary, case_vocabulary).items()
    }
    elsewhere = codes.pop("Element")  # in the table of who receives what
    codes["Step"] -= codes["Level"]
    package = (DOCS / "reference/case-package.md").read_text()

    assert {name: told.get(name, set()) for name in codes} == codes
    assert [code for code in elsewhere if f"| `{code}` |" not in package] == []


def _shown(value: Enum) -> Text:
    """Return what people are shown for a value, or its code where it has no words."""
    match value:
        case PartnerClass():
            return shipped_matrix().partner(value).name
        case Condition():
            return shipped_matrix().condition_name(value)
        case Level():
            return ladder()[value]
        case _ if isinstance(value, Named):
            return text_of(value)
        case _:
            return said(_code(value))


def test_the_glossary_says_what_people_are_shown() -> None:
    glossary = _glossary()
    differing = [
        (name, code, words, cell)
        for name, values in _vocabulary(vocabulary, case_vocabulary).items()
        for value in values
        if (told := glossary.get(name, {}).get(code := _code(value)))
        for text in [_shown(value)]
        for words, cell in [(text.de, told[0]), (text.en, told[1])]
        if words not in {code, cell}
    ]

    assert differing == []


def test_one_thing_has_one_word() -> None:
    codes = _vocabulary(vocabulary, case_vocabulary)
    rows = [
        (word, german)
        for name, each in _glossary().items()
        if name not in codes
        for word, (german, _) in each.items()
    ]
    listed = DOCS / "howto/handbuch/woerter.md"
    handbook = re.findall(
        r"^\| ([^|]+) \| ([a-z ]+) \|", listed.read_text(), re.MULTILINE
    )

    assert len(dict(rows)) == len(rows)
    assert len({german for _, german in rows}) == len(rows)
    assert len(handbook) > 20
    assert [pair for pair in handbook if pair[::-1] not in rows] == []


def test_the_first_people_of_a_node_can_be_had_word_for_word() -> None:
    calls = _shell(DOCS / "howto/operate.md")
    (init,) = [call for call in calls if call[:2] == ["node", "init"]]
    policy = shipped(_value(init, "--policy"))
    present: list[str] = []
    taught: dict[str, set[str]] = defaultdict(set)
    for call in calls:
        match call[:2]:
            case ["account", "setup"]:
                present.append(call[2])
            case ["training", "add"]:
                taught[call[2]].add(_value(call, "--module"))
            case ["account", "roles"]:
                role = Role(_value(call, "--grant"))
                assert call[2] in present
                assert policy.document.training[role].modules <= taught[call[2]]
            case _:
                pass

    assert _value(init, "--administrator") == present[0]
    assert len(present) > 1


def test_no_credential_is_made_twice() -> None:
    text = (DOCS / "howto/operate.md").read_text().replace("\n", " ")
    named = re.findall(r"credential add(?: --config \S+)? ([a-z-]+)", text)

    assert len(named) > 2
    assert len(set(named)) == len(named)


def _value(call: list[str], option: str) -> str:
    return call[call.index(option) + 1]


@pytest.mark.parametrize("page", POLICY_PAGES, ids=lambda p: p.name)
def test_a_policy_is_read_line_by_line_as_it_stands(page: Path) -> None:
    text, policy = page.read_text(), shipped_text("germany").decode()
    quoted = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    document = shipped("germany").document
    keys = {
        name
        for field in msgspec.structs.fields(Document)
        for name in (field.name, *_keys_in(getattr(document, field.name)))
    }

    assert [part for part in quoted if part not in policy] == []
    assert sorted(name for name in keys if not re.search(rf"\b{name}\b", text)) == []


def _keys_in(section: object) -> list[str]:
    if not isinstance(section, msgspec.Struct) or isinstance(section, Text):
        return []
    return list(section.__struct_fields__)
