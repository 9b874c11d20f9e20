# SPDX-License-Identifier: Apache-2.0
"""What each class receives, written out a second time and compared by behaviour."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from tests.support.maximal import MAXIMAL

from fedsafe_policies.errors import NothingForPartnerError, PolicyFileError
from fedsafe_policies.escalation.matrix import (
    Matrix,
    MatrixFile,
    load_matrix,
    shipped_matrix,
)
from fedsafe_policies.escalation.package import Elements, present
from fedsafe_policies.escalation.projection import (
    Circumstances,
    aggregate,
    project,
)
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    Condition,
    Element,
    PartnerClass,
)

TEXT: Final = (
    files("fedsafe_policies").joinpath("data", "minimisation.toml").read_bytes()
)
EVERYTHING: Final = Circumstances(
    granted=frozenset(Condition), consented=frozenset(Element)
)
OFFICE: Final = "case sender contact reply phenomenon legal_basis"

ALWAYS: Final = {
    "police_emergency": f"{OFFICE} threat suspects network locators victim_ages "
    "location attachments preservation",
    "law_enforcement": f"{OFFICE} threat suspects network content locators victim_ages "
    "suspicion measures attachments preservation",
    "ncmec": f"{OFFICE} locators victim_ages measures preservation",
    "hotline": f"{OFFICE} locators measures",
    "bzkj": "sender contact reply legal_basis",
    "counselling": OFFICE,
    "youth_welfare": f"{OFFICE} threat victim_ages region summary",
    "working_group": "phenomenon victim_ages feature vignette",
}
DIGESTS: Final = {"police_emergency", "law_enforcement", "ncmec", "hotline"}
COUNTED: Final = {
    "bzkj": "phenomenon victim_ages measures feature",
    "counselling": "feature",
}
ON_CONDITION: Final = {
    ("police_emergency", "to_save"): "content victims reporter region",
    ("police_emergency", "reporter_consent"): "reporter",
    ("police_emergency", "necessity"): "suspicion measures",
    ("law_enforcement", "necessity"): "victims reporter location region feature",
    ("law_enforcement", "reporter_consent"): "reporter",
    ("law_enforcement", "consent"): "consent",
    ("ncmec", "necessity"): "threat suspects network content suspicion attachments",
    ("ncmec", "to_save"): "victims location",
    ("counselling", "consent"): "victims victim_ages region measures consent",
    ("counselling", "reporter_consent"): "reporter",
    ("youth_welfare", "identity_asked"): "suspects victims location",
    ("youth_welfare", "necessity"): "measures",
    ("youth_welfare", "consent"): "consent",
}


def leaves(value: object, path: str = "") -> Iterator[str]:
    """Name every JSON path of a document, list places left out."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value:
        for each in value:
            yield from leaves(each, f"{path}[]")
    else:
        yield path


def paths(elements: Elements) -> frozenset[str]:
    return frozenset(leaves(msgspec.json.decode(msgspec.json.encode(elements))))


def paths_of(names: str) -> frozenset[str]:
    wanted = {name: getattr(MAXIMAL, name) for name in names.split()}
    return paths(Elements(**wanted))


def circumstances(*conditions: str) -> Circumstances:
    agreed = frozenset(Element) if "consent" in conditions else frozenset()
    return Circumstances(
        granted=frozenset(map(Condition, conditions)), consented=agreed
    )


def expected(partner: str, *conditions: str) -> frozenset[str]:
    names = [ON_CONDITION.get((partner, each), "") for each in conditions]
    found = paths_of(" ".join([ALWAYS[partner], *names]))
    digests = {f"media_hashes[].{each}" for each in ("sha256", "blake3", "pdq")}
    return found | digests if partner in DIGESTS else found


def observe(partner: PartnerClass, matrix: Matrix) -> Iterator[object]:
    """Tell all that a class can be seen to receive, need and lack."""
    yield aggregate([MAXIMAL] * 10, partner, matrix).keys()
    for condition in (None, *Condition):
        granted = {"transfer_basis"} | ({condition.value} if condition else set())
        try:
            found = project(MAXIMAL, {}, partner, matrix, circumstances(*granted))
            empty = project(Elements(), {}, partner, matrix, circumstances(*granted))
        except NothingForPartnerError as error:
            yield error.lacking
        else:
            yield paths(found.elements)
            yield empty.missing


def foreseen(partner: str) -> list[object]:
    """Return the same as `observe` from the tables of this file alone."""
    if partner not in ALWAYS:
        return [set(), (), *(() for _ in Condition)]
    required = set(ALWAYS[partner].split())
    required |= {"media_hashes"} if partner in DIGESTS else set()
    seen: list[object] = [set(COUNTED.get(partner, "").split())]
    for condition in (None, *Condition):
        seen += [expected(partner, *([condition.value] if condition else [])), required]
    return seen


@pytest.mark.promise("LR-46")
@pytest.mark.parametrize("partner", PartnerClass)
def test_each_class_receives_exactly_what_it_may(partner: PartnerClass) -> None:
    assert list(observe(partner, shipped_matrix())) == foreseen(partner)


@pytest.mark.parametrize("partner", sorted(ALWAYS))
def test_all_conditions_together_open_no_more_than_each(partner: str) -> None:
    found = project(MAXIMAL, {}, PartnerClass(partner), shipped_matrix(), EVERYTHING)

    assert paths(found.elements) == expected(partner, *Condition)
    assert found.missing == frozenset()


def flips(cells: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Name every other value of every cell of a class."""
    for element in Element:
        others: list[object] = ["required", "aggregate", "hash_only", "never"]
        others += [{"when": [each.value]} for each in Condition]
        is_now = cells.get(element, "never")
        yield from ((element.value, other) for other in others if other != is_now)


@pytest.mark.parametrize("partner", PartnerClass)
def test_every_flipped_cell_is_seen_or_refused(partner: PartnerClass) -> None:
    wanted, unseen = foreseen(partner), []
    tree = tomllib.loads(TEXT.decode())
    cells = tree["partners"][partner].pop("cells", {})
    for element, other in flips(cells):
        tree["partners"][partner]["cells"] = {**cells, element: other}
        flipped = Matrix(msgspec.convert(tree, MatrixFile), "0" * 64)
        pairs = zip(observe(partner, flipped), wanted, strict=True)
        seen = any(found != expected for found, expected in pairs)
        if not seen and not _is_refused(partner, element, other):
            unseen.append((element, other))

    assert unseen == []


def _is_refused(partner: str, element: str, other: object) -> bool:
    try:
        load_matrix(_flipped(partner, element, other))
    except PolicyFileError:
        return True
    return False


def _flipped(partner: str, element: str, other: object) -> bytes:
    """Write the file anew with one cell changed, in TOML."""
    lines, table = [], ""
    written = (
        f'"{other}"' if isinstance(other, str) else f'{{ when = ["{_one(other)}"] }}'
    )
    for line in TEXT.decode().splitlines():
        table = line if line.startswith("[") else table
        here = table == f"[partners.{partner}.cells]"
        if not (here and line.startswith(f"{element} = ")):
            lines.append(line)
        if here and line == table:
            lines.append(f"{element} = {written}")
    if f"[partners.{partner}.cells]" not in lines:
        lines += [f"[partners.{partner}.cells]", f"{element} = {written}"]
    return "\n".join(lines).encode()


def _one(other: object) -> str:
    assert isinstance(other, dict)
    (condition,) = other["when"]
    return str(condition)


def test_every_element_is_one_field_and_every_field_one_element() -> None:
    assert Elements.__struct_fields__ == tuple(Element)
    assert present(MAXIMAL) == frozenset(Element)
    assert MAXIMAL.media_hashes is not UNSET


def test_a_class_of_which_no_cell_is_named_receives_nothing() -> None:
    tree = tomllib.loads(TEXT.decode())
    for row in tree["partners"].values():
        row.pop("cells", None)
    bare = Matrix(msgspec.convert(tree, MatrixFile), "0" * 64)

    for partner in PartnerClass:
        with pytest.raises(NothingForPartnerError):
            project(MAXIMAL, {}, partner, bare, EVERYTHING)


@pytest.mark.promise("LR-32")
def test_nothing_goes_to_another_country_without_a_transfer_basis() -> None:
    with pytest.raises(NothingForPartnerError, match="transfer_basis"):
        project(MAXIMAL, {}, PartnerClass.NCMEC, shipped_matrix())


def test_counselling_without_consent_is_empty_of_identity() -> None:
    found = project(MAXIMAL, {}, PartnerClass.COUNSELLING, shipped_matrix())

    assert present(found.elements) == set(OFFICE.split())


def test_consent_opens_what_it_covers_and_nothing_else() -> None:
    only_age = Circumstances(
        granted=frozenset({Condition.CONSENT}),
        consented=frozenset({Element.VICTIM_AGES}),
    )
    found = project(MAXIMAL, {}, PartnerClass.COUNSELLING, shipped_matrix(), only_age)

    assert present(found.elements) - set(OFFICE.split()) == {Element.VICTIM_AGES}


def test_what_is_said_to_be_unavailable_is_not_missing() -> None:
    known = msgspec.structs.replace(MAXIMAL, network=UNSET, contact=UNSET)
    said = {Element.NETWORK: Absence.NOT_RECORDED, Element.CONTACT: Absence.UNKNOWN}
    found = project(known, said, PartnerClass.LAW_ENFORCEMENT, shipped_matrix())

    assert found.unavailable == {Element.NETWORK: Absence.NOT_RECORDED}
    assert found.missing == {Element.CONTACT}


def test_an_absence_is_told_to_nobody_who_may_not_have_the_element() -> None:
    known = msgspec.structs.replace(MAXIMAL, suspects=UNSET)
    said = {Element.SUSPECTS: Absence.UNKNOWN}
    found = project(known, said, PartnerClass.HOTLINE, shipped_matrix())

    assert found.unavailable == {}


@given(st.integers(0, 25), st.integers(0, 25))
def test_few_cases_are_never_counted(many: int, few: int) -> None:
    other = msgspec.structs.replace(MAXIMAL, feature="public_profile")
    counts = aggregate(
        [MAXIMAL] * many + [other] * few, PartnerClass.BZKJ, shipped_matrix()
    )

    shown = {"direct_messages": many, "public_profile": few}
    assert counts[Element.FEATURE] == {
        name: number for name, number in shown.items() if number >= 10
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[partners.peer]", "[partners.friend]", "friend"),
        ('s = "hash_only"', 's = "maybe"', "partners.police_emergency.cells.media_ha"),
        ('t = { when = ["to_save', 't = { when = ["x', "partners.police_emergency.cel"),
        ('threat = "required"', 'thread = "required"', "emergency.cells.thread"),
        ("threat = { de", "thread = { de", "elements.thread"),
        ("fewest = 10", "fewest = 9", "fewest"),
        ("fewest = 10", "fewest = 10\nlookups = 1", "unknown key"),
        ('needs = ["transfer_basis"]', "needs = []", "partners.ncmec.needs"),
        ("format = 1", "format = 2", "format"),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused_with_its_key(
    old: str, new: str, said: str
) -> None:
    assert old in TEXT.decode()

    with pytest.raises(PolicyFileError) as refused:
        load_matrix(TEXT.decode().replace(old, new, 1).encode())

    assert said in str(refused.value)
    assert "line" in str(refused.value)


@pytest.mark.parametrize(
    ("partner", "element", "cell"),
    [
        ("hotline", "reporter", {"when": ["reporter_consent"]}),
        ("hotline", "suspects", "required"),
        ("bzkj", "feature", "required"),
        ("bzkj", "case", "required"),
        ("counselling", "victims", "required"),
        ("counselling", "victims", {"when": ["necessity"]}),
        ("counselling", "suspects", {"when": ["necessity"]}),
        ("peer", "phenomenon", "required"),
        ("working_group", "case", "required"),
        ("law_enforcement", "media_hashes", "required"),
        ("law_enforcement", "reporter", "required"),
        ("youth_welfare", "suspects", "required"),
        ("ncmec", "reporter", {"when": ["reporter_consent"]}),
        ("law_enforcement", "content", "aggregate"),
        ("law_enforcement", "content", "hash_only"),
    ],
)
def test_no_matrix_may_allow(partner: str, element: str, cell: object) -> None:
    with pytest.raises(PolicyFileError, match=f"partners.{partner}.cells.{element}"):
        load_matrix(_flipped(partner, element, cell))


@given(st.binary(max_size=200))
def test_junk_is_refused_with_its_own_error(junk: bytes) -> None:
    with pytest.raises(PolicyFileError):
        load_matrix(junk)
