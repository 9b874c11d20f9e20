# SPDX-License-Identifier: Apache-2.0
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Final

import msgspec
import pytest
from msgspec import structs
from tests.node.casework.rendering.papers import (
    ALL,
    PAPERS,
    WHOLE,
    context,
    packed,
)
from tests.support.maximal import AT, MAXIMAL

from fedsafe_node.casework.rendering import sheets
from fedsafe_node.casework.rendering.facts import fact_of
from fedsafe_node.casework.rendering.forms import forms_of, render
from fedsafe_node.casework.rendering.texts import load_wording, wording
from fedsafe_policies.errors import (
    CasePackageError,
    PolicyFileError,
    RenderingError,
)
from fedsafe_policies.escalation.matrix import Handling, shipped_matrix
from fedsafe_policies.escalation.package import (
    Elements,
    Excerpt,
    Suspect,
    Threat,
    Vignette,
)
from fedsafe_policies.escalation.projection import Circumstances
from fedsafe_policies.escalation.vocabulary import (
    AgeBand,
    Clock,
    Condition,
    ConsentGiver,
    Danger,
    Element,
    Form,
    Language,
    Mark,
    NetworkEvent,
    PartnerClass,
    Step,
    Urgency,
    Written,
)
from fedsafe_policies.vocabulary import Phenomenon

LAYOUTS: Final = {
    Form.PORTAL_SHEET: (*sheets.PORTAL, ("portal_first", sheets.FACTS)),
    Form.LETTER: sheets.LETTER,
    Form.NOTICE: sheets.NOTICE,
    Form.HAND_OVER: sheets.HAND_OVER,
    Form.VIGNETTE: (("", (*sheets.VIGNETTE, Element.VIGNETTE)),),
}
HOSTILE: Final = '</td><script>alert("x")</script> #read("/etc/passwd") $x$ *b* {text}'


def _written(  # noqa: PLR0913 - what a paper depends on
    form: Form,
    partner: PartnerClass,
    written: Written,
    *,
    known: Elements = WHOLE,
    circumstances: Circumstances = ALL,
    language: Language = Language.DE,
    mark: Mark | None = None,
    test: bool = False,
) -> str:
    package = packed(partner, known, circumstances, test=test)
    about = context(language, mark, known)
    return render(package, form, about, written=written).content.decode()


@pytest.mark.parametrize(("form", "partner"), PAPERS)
def test_nothing_a_partner_receives_is_lost_on_paper(
    form: Form, partner: PartnerClass
) -> None:
    laid = {element for _, elements in LAYOUTS[form] for element in elements}
    nothing = {Handling.NEVER, Handling.AGGREGATE}
    row = shipped_matrix().row(partner)
    given = {each for each, cell in row.items() if cell.handling not in nothing}

    assert given <= laid


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("element", Element)
def test_every_element_is_written_out_in_both_languages(
    element: Element, language: Language
) -> None:
    package = packed(PartnerClass.LAW_ENFORCEMENT)
    whole = structs.replace(package, elements=MAXIMAL)
    fact = fact_of(whole, element, shipped_matrix(), language)

    assert fact is not None
    assert all(line.strip() for line in (fact.name, *fact.lines))
    assert "{" not in "".join(fact.lines)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("written", [Written.HTML, Written.TEXT])
@pytest.mark.parametrize(("form", "partner"), PAPERS)
def test_every_value_of_a_package_stands_on_the_paper(
    form: Form, partner: PartnerClass, written: Written, language: Language
) -> None:
    text = _written(form, partner, written, language=language)
    values = set(_values(msgspec.to_builtins(packed(partner).elements)))
    words = {value for value in values if not _is_code(value)}

    assert {value for value in words if value not in text} == set()


def _values(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [text for each in tree.values() for text in _values(each)]
    if isinstance(tree, list | tuple):
        return [text for each in tree for text in _values(each)]
    return [tree] if isinstance(tree, str) else []


def _is_code(value: str) -> bool:
    """Tell what is written in words, or as a moment of the language."""
    codes = {each.value for type_ in _CODES for each in type_}
    return value in codes or re.match(r"\d{4}-\d\d-\d\d", value) is not None


_CODES: Final = (
    AgeBand,
    Clock,
    ConsentGiver,
    Danger,
    Element,
    NetworkEvent,
    Phenomenon,
    Step,
    Urgency,
)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"meta", "rect"}:
            assert self.open.pop() == tag


@pytest.mark.parametrize(("form", "partner"), PAPERS)
def test_a_page_is_whole_and_loads_nothing(form: Form, partner: PartnerClass) -> None:
    page = _Page()
    page.feed(_written(form, partner, Written.HTML, mark=Mark.DRAFT))
    tags = [tag for tag, _ in page.tags]
    attributes = {name for _, attrs in page.tags for name in attrs}

    assert page.open == []
    assert ("html", {"lang": "de"}) in page.tags
    assert tags.count("h1") == tags.count("title") == tags.count("main") == 1
    assert not {"script", "img", "link", "iframe", "a", "form"} & set(tags)
    assert not {"src", "href", "style", "onload"} & attributes


@pytest.mark.parametrize("written", [Written.HTML, Written.TEXT])
def test_markup_in_a_case_is_shown_and_not_obeyed(written: Written) -> None:
    known = structs.replace(
        MAXIMAL,
        content=(Excerpt(text=HOSTILE),),
        threat=Threat(danger=Danger.YES, reason="a\u202eb\x1b[2Jc"),
    )
    text = _written(
        Form.PORTAL_SHEET, PartnerClass.LAW_ENFORCEMENT, written, known=known
    )

    assert "<script" not in text or written is Written.TEXT
    assert "{text}" in text
    assert "\x1b" not in text or written is Written.HTML


@pytest.mark.parametrize(
    ("mark", "test", "banner"),
    [
        (Mark.DRAFT, False, ("ENTWURF", "DRAFT")),
        (None, True, ("TEST", "TEST")),
        (Mark.DRAFT, True, ("TEST", "TEST")),
    ],
)
@pytest.mark.parametrize("written", [Written.HTML, Written.TEXT])
def test_a_draft_and_a_test_say_so_first(
    written: Written,
    mark: Mark | None,
    test: bool,  # noqa: FBT001
    banner: tuple[str, str],
) -> None:
    for language, word in zip(Language, banner, strict=True):
        for form, partner in PAPERS:
            text = _written(
                form, partner, written, mark=mark, test=test, language=language
            )
            body = text.partition("<main>")[2] or text

            assert word in body[:80]


def test_what_is_approved_has_no_mark() -> None:
    for form, partner in PAPERS:
        text = _written(form, partner, Written.TEXT)

        assert "ENTWURF" not in text
        assert "TEST" not in text


def test_a_draft_names_what_is_still_lacking() -> None:
    about = _lacking(context(mark=Mark.DRAFT), Element.LOCATORS)
    package = packed(PartnerClass.HOTLINE)
    paper = render(package, Form.NOTICE, about, written=Written.TEXT).content.decode()

    assert "Fehlt:\n  URL oder Kennung des Inhalts" in paper


def _lacking(about: sheets.Context, lacking: Element) -> sheets.Context:
    return sheets.Context(
        matrix=about.matrix,
        language=about.language,
        mark=about.mark,
        missing=frozenset({lacking}),
    )


@pytest.mark.parametrize("language", Language)
def test_the_sheet_has_room_for_the_reference_of_the_portal(
    language: Language,
) -> None:
    text = _written(
        Form.PORTAL_SHEET,
        PartnerClass.LAW_ENFORCEMENT,
        Written.TEXT,
        language=language,
    )
    first = text.index("a) ")

    assert first < text.index("b) ") < text.index("Chat GmbH")
    assert re.search("(Vorgangsnummer des Portals|Reference of the portal): ___", text)


@pytest.mark.parametrize("written", [Written.HTML, Written.TEXT])
def test_a_hand_over_without_consent_names_nobody(written: Written) -> None:
    granted = Circumstances(granted=frozenset({Condition.REPORTER_CONSENT}))
    known = structs.replace(MAXIMAL, consent=msgspec.UNSET)
    text = _written(
        Form.HAND_OVER,
        PartnerClass.COUNSELLING,
        written,
        known=known,
        circumstances=granted,
    )

    for name in ("user-12", "kind@mail", "Meldende", "m@mail", "10 bis 13", "DE-BE"):
        assert name not in text
    assert "nennt deshalb niemanden" in text


def test_a_hand_over_holds_what_the_consent_covers_and_no_more() -> None:
    assert MAXIMAL.consent is not msgspec.UNSET
    covers = structs.replace(MAXIMAL.consent, covers=(Element.VICTIM_AGES,))
    known = structs.replace(MAXIMAL, consent=covers)
    text = _written(Form.HAND_OVER, PartnerClass.COUNSELLING, Written.TEXT, known=known)

    assert "10 bis 13 Jahre" in text
    assert "user-12" not in text


@pytest.mark.parametrize(
    "said",
    [
        "Er schrieb von kim@mail.example aus.",
        "kim (at) mail punkt example",
        "Siehe https://chat.example.de/r/9",
        "Das stand auf forum.example.com.",
        "Die Adresse war 192.0.2.7.",
        "2001:db8:0:1::7 war es",
        "Rufnummer 0151 2345678",
        "+49 30 0000001",
        "Prüfsumme 0f0f0f0f0f0f0f0f0f",
        "0199a000-0000-7000-8000-000000000001",
        "Das Konto @kim_2010",
        "Das Konto hieß kim2010",
        "DE02 1203 0000 0000 2020 51",
        "Am 20.11.2026 um acht",
        "2026-11-20",
        "in 10115 Berlin",
        "Das Konto user-99 schrieb",
        "Erfundener Name schrieb",
        "am Bahnhof Musterstadt",
        "bei der Chat GmbH",
    ],
)
def test_a_vignette_with_an_identifier_is_refused(said: str) -> None:
    known = structs.replace(MAXIMAL, vignette=Vignette(text=f"Es begann so: {said}"))

    with pytest.raises(RenderingError) as refused:
        _written(Form.VIGNETTE, PartnerClass.WORKING_GROUP, Written.HTML, known=known)

    assert refused.value.code == "identifier_refused"
    assert said not in str(refused.value)


@pytest.mark.parametrize(
    "said",
    [
        "Eine erwachsene Person gab sich als 13-jährig aus und bat um ein Treffen.",
        "Nach 3 Tagen und 120 Nachrichten griff der Anbieter ein; Stufe L6.",
        "Der Wechsel in einen anderen Dienst kam nach z. B. 10 Minuten.",
        "They wrote in English: don't tell anybody. It took 48 hours.",
    ],
)
def test_an_anonymous_vignette_passes(said: str) -> None:
    known = structs.replace(MAXIMAL, vignette=Vignette(text=said))
    text = _written(
        Form.VIGNETTE, PartnerClass.WORKING_GROUP, Written.TEXT, known=known
    )

    assert said in text


@pytest.mark.parametrize("written", Written)
def test_media_bytes_are_refused_in_every_form(written: Written) -> None:
    picture = "data:image/png;base64,iVBORw0KGgo="
    known = structs.replace(MAXIMAL, content=(Excerpt(text=picture),))

    with pytest.raises(CasePackageError):
        _written(Form.PORTAL_SHEET, PartnerClass.LAW_ENFORCEMENT, written, known=known)


def test_a_class_has_its_forms_and_no_others() -> None:
    for partner in PartnerClass:
        if partner is PartnerClass.PEER:
            assert forms_of(partner) == frozenset()
            continue
        for form in frozenset(Form) - forms_of(partner):
            with pytest.raises(RenderingError) as refused:
                render(packed(partner), form, context())

            assert refused.value.code == "no_form"


def test_every_text_is_there_in_both_languages_and_used() -> None:
    folder = files("fedsafe_node").joinpath("casework", "rendering")
    code = "".join(
        each.read_text() for each in folder.iterdir() if each.name.endswith(".py")
    )
    names = set(re.findall(r"[\"']([a-z][a-z_]+)[\"']", code))
    computed = {"suspect_name", "suspect_email", "suspect_phone"} | {
        "mark_test",
        "mark_draft",
    }

    for key, text in wording().say.items():
        assert key in names | computed
        assert text.de.strip()
        assert text.en.strip()
        assert _braces(text.de) == _braces(text.en)


def _braces(text: str) -> set[str]:
    return set(re.findall(r"\{([a-z]+)\}", text))


@pytest.mark.parametrize("lacking", ["absence", "age", "clock", "step", "danger"])
def test_a_value_without_words_is_refused(lacking: str) -> None:
    data = files("fedsafe_policies").joinpath("data", "renderings.toml").read_text()
    head, _, rest = data.partition(f"[{lacking}]\n")
    broken = f"{head}[{lacking}]\n" + rest.partition("\n")[2]

    with pytest.raises(PolicyFileError, match=lacking):
        load_wording(broken.encode())


def test_many_accounts_are_told_apart() -> None:
    many = tuple(Suspect(account_id=f"user-{n}") for n in range(3))
    known = structs.replace(MAXIMAL, suspects=many)
    text = _written(
        Form.LETTER, PartnerClass.LAW_ENFORCEMENT, Written.TEXT, known=known
    )

    assert [f"  Konto user-{n}\n" in text for n in range(3)] == [True] * 3
    assert f"{AT:%d.%m.%Y %H:%M:%S} UTC" in text
