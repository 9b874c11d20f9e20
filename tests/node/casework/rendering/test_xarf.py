# SPDX-License-Identifier: Apache-2.0
import base64
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

import msgspec
import pytest
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
)
from msgspec import UNSET, structs
from referencing import Registry, Resource
from tests.node.casework.rendering.papers import WHOLE, context, packed
from tests.support.maximal import DIGEST

from fedsafe_node.casework.rendering.forms import Told, render
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.package import Elements, Locator
from fedsafe_policies.escalation.vocabulary import Classification, Form, PartnerClass
from fedsafe_policies.vocabulary import Phenomenon

OWN: Final = frozenset({CaseSource.OWN_REVIEW})
REPORTED: Final = frozenset({CaseSource.USER_REPORT})
WITHOUT_WORD: Final = {Phenomenon.VIOLENT_FANTASY_CHAT, Phenomenon.SEX_DOLL_ORDER}


def _report(
    partner: PartnerClass, known: Elements = WHOLE, told: Told | None = None
) -> Any:  # noqa: ANN401 - JSON
    told = told or Told(OWN, Classification.A1)
    paper = render(packed(partner, known), Form.XARF, context(), told=told)
    return msgspec.json.decode(paper.content)


@pytest.fixture(name="validated", scope="module")
def validated_fixture() -> Callable[[Any], list[str]]:
    folder = files("xarf").joinpath("schemas")
    schemas = [
        msgspec.json.decode(folder.joinpath(*path).read_bytes())
        for path in (
            ("xarf-core.json",),
            ("types", "content-base.json"),
            ("types", "content-csam.json"),
            ("types", "content-csem.json"),
        )
    ]
    registry = Registry().with_resources(
        (each["$id"], Resource.from_contents(each)) for each in schemas
    )
    of_type = {"csam": schemas[2], "csem": schemas[3]}

    def validated(report: Any) -> list[str]:  # noqa: ANN401 - JSON
        validator = Draft202012Validator(
            of_type[report["type"]],
            registry=registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return [error.message for error in validator.iter_errors(report)]

    return validated


def _known_properties(type_: str) -> set[str]:
    folder = files("xarf").joinpath("schemas")
    names: set[str] = set()
    for path in (
        ("xarf-core.json",),
        ("types", "content-base.json"),
        ("types", f"content-{type_}.json"),
    ):
        schema = msgspec.json.decode(folder.joinpath(*path).read_bytes())
        for part in (schema, *schema.get("allOf", [])):
            names |= set(part.get("properties", {}))
    return names


@pytest.mark.parametrize(
    "partner", [PartnerClass.HOTLINE, PartnerClass.LAW_ENFORCEMENT]
)
@pytest.mark.parametrize("sources", [OWN, REPORTED, frozenset({CaseSource.AUTHORITY})])
@pytest.mark.parametrize("phenomenon", sorted(set(Phenomenon) - WITHOUT_WORD))
def test_a_report_is_valid_against_the_published_schemas(
    validated: Callable[[Any], list[str]],
    phenomenon: Phenomenon,
    sources: frozenset[CaseSource],
    partner: PartnerClass,
) -> None:
    known = structs.replace(WHOLE, phenomenon=phenomenon)
    report = _report(partner, known, Told(sources, Classification.B2))

    assert validated(report) == []
    assert set(report) <= _known_properties(report["type"])
    assert report["xarf_version"] == "4.2.0"
    assert "_internal" not in report


def test_the_schemas_refuse_what_does_not_fit(
    validated: Callable[[Any], list[str]],
) -> None:
    report = _report(PartnerClass.HOTLINE)

    assert validated(report | {"exploitation_type": "chat"})
    assert validated(report | {"report_id": 7})
    assert validated({k: v for k, v in report.items() if k != "url"})


def test_a_hotline_learns_of_no_person() -> None:
    report = _report(PartnerClass.HOTLINE)

    assert report["source_identifier"] == "chat.example.de"
    assert "perpetrator_indicators" not in report
    assert "192.0.2.7" not in str(report)
    assert "user-" not in str(report)


@pytest.mark.promise("LR-46")
def test_the_police_get_address_and_port() -> None:
    report = _report(PartnerClass.LAW_ENFORCEMENT)

    assert (report["source_identifier"], report["source_port"]) == ("192.0.2.7", 50_123)
    assert report["perpetrator_indicators"]["account_id"] == "user-99"


def test_evidence_is_text_and_names_digests() -> None:
    locators = (*(WHOLE.locators or ()), Locator(url="https://chat.example.de/r/10"))
    report = _report(PartnerClass.HOTLINE, structs.replace(WHOLE, locators=locators))
    (evidence,) = report["evidence"]
    text = base64.b64decode(evidence["payload"]).decode()

    assert evidence["content_type"] == "text/plain"
    assert text.splitlines() == [
        "url https://chat.example.de/r/10",
        f"sha256 {DIGEST}",
        f"pdq {DIGEST}",
    ]


@pytest.mark.parametrize("phenomenon", sorted(WITHOUT_WORD))
def test_a_phenomenon_without_a_word_is_refused(phenomenon: Phenomenon) -> None:
    with pytest.raises(RenderingError, match="no word") as refused:
        _report(PartnerClass.HOTLINE, structs.replace(WHOLE, phenomenon=phenomenon))

    assert refused.value.code == "no_form"


def test_nobody_but_a_person_says_of_which_class_material_is() -> None:
    known = structs.replace(WHOLE, phenomenon=Phenomenon.ABUSE_DEPICTION)

    with pytest.raises(RenderingError) as refused:
        _report(PartnerClass.HOTLINE, known, Told(OWN))

    assert refused.value.code == "no_classification"


def test_without_a_url_there_is_no_report() -> None:
    locators = (Locator(content_id="message-4"),)

    for known in (
        structs.replace(WHOLE, locators=locators),
        structs.replace(WHOLE, locators=UNSET),
    ):
        with pytest.raises(RenderingError, match="locators with a url"):
            _report(PartnerClass.HOTLINE, known)


@pytest.mark.parametrize("lacking", ["phenomenon", "sender", "reply"])
def test_only_what_is_not_there_is_named_as_it_is_entered(lacking: str) -> None:
    with pytest.raises(RenderingError, match=f"asks for {lacking}:"):
        _report(PartnerClass.HOTLINE, structs.replace(WHOLE, **{lacking: UNSET}))
