# SPDX-License-Identifier: Apache-2.0
import asyncio
import io
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.node.audit.conftest import (
    AUDRA,
    DORA,
    RUTH,
    approved,
    export,
    key_of,
    write_events,
)
from tests.node.signals.conftest import ANNA
from tests.support.fleet import Fleet, make

from fedsafe_node.audit.packs import pages
from fedsafe_node.audit.packs.service import APPROVED_FOR
from fedsafe_node.evidence.verify import Report, read_files, verify_pack
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    RolledBackError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.span import ExportRequest
from fedsafe_policies.documents.policy import shipped_text
from fedsafe_policies.vocabulary import Role


def verified(fleet: Fleet, pack: bytes) -> Report:
    return verify_pack(io.BytesIO(pack), key_of(fleet))


def contents(pack: bytes) -> dict[str, bytes]:
    return dict(read_files(io.BytesIO(pack)))


def entries(pack: bytes) -> list[dict[str, object]]:
    files = contents(pack)
    names = sorted(name for name in files if name.startswith("entries/"))
    return [json.loads(line) for name in names for line in files[name].splitlines()]


async def test_one_person_takes_out_records_that_name_nobody(kept_alone: Fleet) -> None:
    await write_events(kept_alone, 3)
    pack = await export(kept_alone)
    report = verified(kept_alone, pack)

    assert report.counts["openings"] == report.counts["omitted"] == 0
    assert report.counts["withheld"] > 0
    assert (report.start, report.size) == (0, report.end + 1)
    assert b"audra" not in b"".join(contents(pack).values())


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_any_part_verifies_across_pages(
    kept_alone: Fleet, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    await write_events(kept_alone, 9)
    monkeypatch.setattr(pages, "PAGE", size)
    monkeypatch.setattr("fedsafe_node.audit.packs.service.PAGE", size)
    for first, last in ((0, 0), (1, 6), (4, 9), (8, 8)):
        report = verified(kept_alone, await export(kept_alone, first=first, last=last))

        assert (report.start, report.end) == (first, last + 1)
        assert report.counts["records"] == last + 1 - first


async def test_with_openings_it_takes_another_person(kept_alone: Fleet) -> None:
    await write_events(kept_alone, 2)
    last = (await kept_alone["a.demo"].services.inspections.standing()).size - 1
    act = await approved(kept_alone, first=0, last=last)
    pack = await export(kept_alone, act=act, first=0, last=last)
    report = verified(kept_alone, pack)
    files = contents(pack)

    assert report.counts["withheld"] == 0
    assert report.counts["openings"] > 0
    assert any("setup" in str(entry["openings"]) for entry in entries(pack))
    assert len([name for name in files if name.startswith("policies/")]) == 1
    (event,) = await kept_alone.audit("a.demo", "audit.exported")
    assert event.text.count('"staff-2026q4-') == 2
    assert '"openings":true' in event.text


@pytest.mark.parametrize("second", [AUDRA, Principal("Audra", Role.DPO, fresh=True)])
async def test_nobody_approves_an_own_export(
    kept_alone: Fleet, second: Principal
) -> None:
    with pytest.raises(DeniedError):
        await approved(kept_alone, second=second)


async def test_an_approval_is_for_one_part_one_person_and_one_day(
    kept_alone: Fleet,
) -> None:
    await write_events(kept_alone, 2)
    act = await approved(kept_alone, first=0, last=3)
    asked = await kept_alone["a.demo"].services.evidence.ask(
        ExportRequest(last=3), AUDRA
    )
    cases = [
        (AUDRA, act, 4, "act_changed"),
        (RUTH, act, 3, "not_approved"),
        (AUDRA, "0" * 32, 3, "not_approved"),
        (AUDRA, asked.act, 3, "not_approved"),
    ]
    for who, named, last, code in cases:
        with pytest.raises(WrongStateError) as caught:
            await export(kept_alone, who, act=named, first=0, last=last)
        assert caught.value.code == code
    kept_alone.clock.advance(timedelta(seconds=APPROVED_FOR))

    with pytest.raises(WrongStateError) as caught:
        await export(kept_alone, act=act, first=0, last=3)
    assert caught.value.code == "act_expired"
    assert await kept_alone.audit("a.demo", "audit.exported") == []


async def test_whoever_may_not_read_the_log_takes_nothing_out(
    kept_alone: Fleet,
) -> None:
    with pytest.raises(DeniedError):
        await export(kept_alone, ANNA)

    (event,) = await kept_alone.audit("a.demo", "refused")
    assert '"act":"audit.export"' in event.text


async def test_erased_openings_are_listed_and_the_proof_still_holds(
    kept_alone: Fleet,
) -> None:
    await write_events(kept_alone, 2)
    base = kept_alone["a.demo"].base
    log, index = base.trail.log, 2
    await base.store.write(lambda tx: tx.erase_opening(log, index, "actor", at=77))
    act = await approved(kept_alone, second=DORA, first=0, last=3)
    pack = await export(kept_alone, act=act, first=0, last=3)
    entry = entries(pack)[index]

    assert verified(kept_alone, pack).counts["erased"] == 1
    assert entry["erased"] == {"actor": 77}
    assert "actor" not in str(entry["openings"])


async def test_of_other_classes_only_the_leaf_leaves(kept_alone: Fleet) -> None:
    await write_events(kept_alone, 3)
    pack = await export(kept_alone, events="node.started")
    report = verified(kept_alone, pack)

    assert report.counts["records"] == 1
    assert report.counts["omitted"] == report.end - 1
    assert "audit.read" not in str(entries(pack))


async def test_the_event_is_durable_before_the_first_byte(kept_alone: Fleet) -> None:
    evidence = kept_alone["a.demo"].services.evidence
    pieces = await evidence.export(ExportRequest(), AUDRA)
    events = await kept_alone.audit("a.demo", "audit.exported")
    kept = kept_alone["a.demo"].base.guard.kept("a.demo/audit")
    pack = b"".join([piece async for piece in pieces])

    assert len(events) == 1
    assert kept is not None
    assert verified(kept_alone, pack).size == kept.size


async def test_a_log_that_was_put_back_signs_nothing(kept_alone: Fleet) -> None:
    guard = kept_alone["a.demo"].base.guard
    await asyncio.to_thread(guard.keep, "a.demo/audit", 1_000, bytes(32))

    with pytest.raises(RolledBackError):
        await export(kept_alone)


async def test_a_part_by_time_begins_and_ends_where_it_says(kept_alone: Fleet) -> None:
    await write_events(kept_alone, 2)
    start = int(kept_alone.clock.now().timestamp()) + 60
    kept_alone.clock.advance(timedelta(seconds=60))
    await write_events(kept_alone, 3)
    kept_alone.clock.advance(timedelta(seconds=60))
    await write_events(kept_alone, 2)
    pack = await export(kept_alone, since=start, until=start + 60)
    report = verified(kept_alone, pack)

    assert report.counts["records"] == 3


@pytest.mark.parametrize(
    ("span", "says", "pointer"),
    [
        (
            {"first": 80, "last": 70},
            "the first entry (80) is after the last one (70)",
            "/last",
        ),
        ({"since": 90, "until": 90}, "does not begin before it ends", "/until"),
    ],
)
async def test_a_span_that_ends_before_it_begins_is_told_so(
    kept_alone: Fleet, span: dict[str, Any], says: str, pointer: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        await approved(kept_alone, **span)

    assert says in str(caught.value)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("span", "code"),
    [
        ({"first": 5, "last": 4}, "bad_span"),
        ({"last": 9_999}, "bad_span"),
        ({"first": 9_999}, "bad_span"),
        ({"first": 0, "since": 0}, "bad_span"),
        ({"until": 0}, "bad_span"),
        ({"events": "no.such"}, "bad_event"),
    ],
)
async def test_a_part_that_is_none_is_refused(
    kept_alone: Fleet, span: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        await export(kept_alone, **span)

    assert caught.value.code == code
    assert await kept_alone.audit("a.demo", "audit.exported") == []


async def test_it_carries_the_text_of_a_policy_that_the_provider_wrote(
    tmp_path: Path,
) -> None:
    own = b"# ours\n" + shipped_text("strict")
    (tmp_path / "ours.toml").write_bytes(own)
    fleet = await make(tmp_path / "n", "a.demo", policy=str(tmp_path / "ours.toml"))
    await fleet.start("a.demo")
    try:
        whole, first = await export(fleet), await export(fleet, first=0, last=0)
        files = contents(whole)
        verified(fleet, whole)
    finally:
        await fleet.close()

    digest = sha256(own).hexdigest()
    assert files[f"policies/{digest}.toml"] == own
    assert digest in json.loads(files["policies.json"]).values()
    assert json.loads(contents(first)["policies.json"]) == {}  # no entry names one
