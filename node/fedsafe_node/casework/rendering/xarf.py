# SPDX-License-Identifier: Apache-2.0
"""A package as an X-ARF 4.2 report (`content`, `csam` or `csem`), for abuse desks.

Evidence is text only: digests and further places, never a file. What X-ARF asks for
and a package does not say is asked of the caller: how the material was found and,
for `csam`, its class, which only a person can have assessed. The tests validate
every report against the JSON Schemas that the X-ARF project publishes.
"""

from base64 import b64encode
from collections.abc import Mapping
from ipaddress import IPv4Address
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.package import CasePackage, Elements, refuse_media
from fedsafe_policies.escalation.vocabulary import AgeBand, Classification, Step
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Phenomenon

VERSION: Final = "4.2.0"


_EXPLOITATION: Final[Mapping[Phenomenon, str]] = MappingProxyType(
    {
        Phenomenon.GROOMING: "grooming",
        Phenomenon.EXHIBITIONISM: "solicitation",
        Phenomenon.SEXUALISED_LANGUAGE: "solicitation",
        Phenomenon.SEXTORTION: "sextortion",
        Phenomenon.SEXTING_EXPOSURE: "distribution",
        Phenomenon.UNWANTED_CONFRONTATION: "solicitation",
        Phenomenon.AVATAR_ACTS: "solicitation",
    }
)
"""What X-ARF calls a phenomenon; for the others it has no word."""

_AGES: Final[Mapping[AgeBand, str]] = MappingProxyType(
    {
        AgeBand.FROM_6_TO_9: "prepubescent",
        AgeBand.FROM_14_TO_15: "pubescent",
        AgeBand.FROM_16_TO_17: "pubescent",
    }
)
"""Bands that lie wholly in one of X-ARF's; every other is `unknown` there."""

_SUSPENDED: Final = frozenset({Step.L4, Step.L5, Step.L6})


def xarf(
    package: CasePackage,
    sources: frozenset[CaseSource],
    classification: Classification | None = None,
) -> bytes:
    """Write a report as JSON.

    Raises:
        RenderingError: X-ARF has no word for the phenomenon, or asks for something
            that the package or the caller does not say.
        CasePackageError: it would hold media bytes.
    """
    known = package.elements
    phenomenon, reply, sender = known.phenomenon, known.reply, known.sender
    if phenomenon is UNSET or reply is UNSET or sender is UNSET:
        asked = {"phenomenon": phenomenon, "sender": sender, "reply": reply}
        raise _lacking(*(name for name, given in asked.items() if given is UNSET))
    contact = {
        "org": sender.provider,
        "contact": reply.address,
        "domain": reply.address.rpartition("@")[2].lower(),
    }
    url, *further = _urls(known)
    report: dict[str, Any] = {
        "xarf_version": VERSION,
        "report_id": str(package.package_id),
        "timestamp": _when(package),
        "reporter": contact,
        "sender": contact,
        **_source(known, url),
        "category": "content",
        "url": url,
        **_kind(known, phenomenon, sources, classification),
        "evidence_source": "user_report" if _told(sources) else "researcher_analysis",
        "evidence": _evidence(known, further),
        "tags": ["fedsafe:test"] if package.test else [],
    }
    written = {name: value for name, value in report.items() if value not in ([], None)}
    refuse_media(written)
    return msgspec.json.format(msgspec.json.encode(written), indent=2) + b"\n"


def _kind(
    known: Elements,
    phenomenon: Phenomenon,
    sources: frozenset[CaseSource],
    classification: Classification | None,
) -> dict[str, Any]:
    found = "user_report" if _told(sources) else "manual_review"
    if phenomenon is Phenomenon.ABUSE_DEPICTION:
        if classification is None:
            raise RenderingError(
                "no_classification",
                Phrase(
                    "X-ARF asks for the class of the material (baseline, A1, A2, B1, "
                    "B2), as a person has assessed it"
                ),
            )
        return {
            "type": "csam",
            "classification": classification.value,
            "detection_method": found,
            "hash_values": _first_digest(known),
            **_done(known),
        }
    if phenomenon not in _EXPLOITATION:
        raise RenderingError(
            "no_form",
            Phrase("X-ARF has no word for {phenomenon}").filled(phenomenon=phenomenon),
        )
    if CaseSource.AUTHORITY in sources:
        found = "law_enforcement_referral"
    return {
        "type": "csem",
        "exploitation_type": _EXPLOITATION[phenomenon],
        "detection_method": found,
        "victim_age_range": _age(known),
        "perpetrator_indicators": _suspect(known),
    }


def _source(known: Elements, url: str) -> dict[str, Any]:
    """Name where it came from: the last trace, if the partner may see it."""
    if known.network is UNSET:
        return {"source_identifier": urlsplit(url).hostname or url}
    last = max(known.network, key=lambda trace: trace.at)
    port = None if last.source_port == "not_available" else last.source_port
    return {"source_identifier": last.ip, "source_port": port}


def _when(package: CasePackage) -> str:
    known = package.elements
    if known.network is not UNSET:
        return _utc(max(trace.at for trace in known.network))
    if known.case is not UNSET:
        return _utc(known.case.known_at)
    raise _lacking("network or case")


def _utc(moment: Any) -> str:  # noqa: ANN401 - a datetime in UTC
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _urls(known: Elements) -> list[str]:
    locators = () if known.locators is UNSET else known.locators
    urls = [each.url for each in locators if each.url is not UNSET]
    if not urls:
        raise _lacking("locators with a url")
    return urls


def _first_digest(known: Elements) -> dict[str, str] | None:
    if known.media_hashes is UNSET:
        return None
    return {"sha256": known.media_hashes[0].sha256}


def _done(known: Elements) -> dict[str, bool]:
    if known.measures is UNSET:
        return {}
    steps = {measure.step for measure in known.measures}
    return {
        "content_removed": Step.L2 in steps,
        "account_suspended": bool(_SUSPENDED & steps),
    }


def _age(known: Elements) -> str | None:
    if known.victim_ages is UNSET:
        return None
    ages = {_AGES.get(age, "unknown") for age in known.victim_ages}
    return ages.pop() if len(ages) == 1 else "unknown"


def _suspect(known: Elements) -> dict[str, Any] | None:
    told: dict[str, Any] = {}
    if known.suspects is not UNSET:
        told["account_id"] = known.suspects[0].account_id
    if known.network is not UNSET:
        ips = sorted({each.ip for each in known.network if _is_ipv4(each.ip)})
        told |= {"ip_addresses": ips} if ips else {}
    return told or None


def _evidence(known: Elements, further: list[str]) -> list[dict[str, Any]]:
    """List further places and digests as one text."""
    lines = [f"url {url}" for url in further]
    for media in () if known.media_hashes is UNSET else known.media_hashes:
        lines.append(f"sha256 {media.sha256}")
        if media.pdq is not UNSET:
            lines.append(f"pdq {media.pdq}")
    if not lines:
        return []
    text = ("\n".join(lines) + "\n").encode()
    return [
        {
            "content_type": "text/plain",
            "description": "Further places and digests; files are held by the sender",
            "payload": b64encode(text).decode(),
            "size": len(text),
        }
    ]


def _told(sources: frozenset[CaseSource]) -> bool:
    return bool(sources & {CaseSource.USER_REPORT, CaseSource.TRUSTED_FLAGGER})


def _is_ipv4(ip: str) -> bool:
    try:
        IPv4Address(ip)
    except ValueError:
        return False
    return True


def _lacking(*what: str) -> RenderingError:
    """Name what lacks as `case assess --elements` takes it."""
    names = ", ".join(what)
    return RenderingError(
        "lacking",
        Phrase(
            "X-ARF asks for {names}: the case has none, or this class of partner is "
            "not given it"
        ).filled(names=names),
    )
