# SPDX-License-Identifier: Apache-2.0
"""Many digests in columns: what hits is told as a lookup tells it, the rest counted."""

import asyncio
import json
import os
from base64 import b64decode
from collections.abc import Sequence
from threading import Event

import msgspec
import pytest
from aiohttp import ClientSession
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.lookup_questions import HASH, PICTURE

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.media.pdq import Orientation, orientations_of
from fedsafe_federation.wire.wireformat import pack
from fedsafe_node.acts.bodies import Kind, RevokeRequest
from fedsafe_node.acts.lookup import Result
from fedsafe_node.acts.match import (
    MAX_DIGESTS,
    DigestColumn,
    DigestKind,
    MatchAnswer,
    MatchRequest,
)
from fedsafe_node.acts.people import CredentialScope, NewCredentialRequest
from fedsafe_node.ground.errors import BadRequestError, DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.lookup import service
from fedsafe_node.lookup.digest_columns import MOST_NAMED
from fedsafe_node.people.service_credentials import Machines
from fedsafe_node.rules.idempotency import recognise
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose, Role, Surface

SHA = bytes.fromhex(HASH)
MD5 = bytes(range(16))
OTHER = bytes(32)


def column(
    kind: DigestKind,
    *digests: bytes,
    refs: Sequence[str | None] | None = None,
    **more: int,
) -> DigestColumn:
    given = None if refs is None else list(refs)
    return DigestColumn(
        kind=kind, digests=b"".join(digests), subject_refs=given, **more
    )


def body(*columns: DigestColumn, **more: object) -> MatchRequest:
    fields = {"surface": Surface.PUBLIC_CONTENT, **more}
    return MatchRequest(columns=list(columns), **fields)  # type: ignore[arg-type]


async def ask(
    fleet: Fleet, *columns: DigestColumn, who: Principal = BOT, **more: object
) -> MatchAnswer:
    lookups = fleet["a.demo"].services.lookups
    return await lookups.match(body(*columns, **more), who)


async def list_own(fleet: Fleet, value: bytes, kind: Kind) -> str:
    request = request_for(value.hex(), kind=kind)
    return (await fleet["a.demo"].services.signals.add(request, ANNA)).signal


async def test_only_what_hits_is_told_and_as_a_lookup_tells_it(alone: Fleet) -> None:
    signals = [
        await list_own(alone, SHA, Kind.SHA256),
        await list_own(alone, MD5, Kind.MD5),
        await list_own(alone, PICTURE, Kind.PDQ),
    ]
    near = (int.from_bytes(PICTURE) ^ 0b111).to_bytes(32)

    answer = await ask(
        alone,
        column(DigestKind.SHA256, OTHER, SHA, OTHER, refs=[None, "account-1", "u-2"]),
        column(DigestKind.MD5, MD5, OTHER[:16], MD5),
        column(DigestKind.PDQ, OTHER, near),
        column(DigestKind.BLAKE3, SHA),
    )

    single = await alone.look_up("a.demo", HASH, Kind.SHA256)
    assert answer.rest is Result.NONE
    assert [(each.questions, each.review, each.at) for each in answer.columns] == [
        (3, 1, [1]),
        (3, 2, [0, 2]),
        (2, 1, [1]),
        (1, 0, []),
    ]
    (told,), (first, second), (picture,), () = (each.answers for each in answer.columns)
    assert told == single
    assert [each.matches[0].signal for each in (told, first, picture)] == signals
    assert second.task == first.task
    assert picture.matches[0].distance == 3
    assert [each.orientations for each in answer.columns] == [None] * 4


async def test_while_pictures_load_none_is_said_of_no_picture(alone: Fleet) -> None:
    lists = alone["a.demo"].base.lists
    await list_own(alone, SHA, Kind.SHA256)
    both = [column(DigestKind.SHA256, SHA), column(DigestKind.PDQ, PICTURE)]
    files = [column(DigestKind.SHA256, SHA, OTHER)]

    lists.lacks_pictures = True
    deferred, whole = await ask(alone, *both), await ask(alone, *files)
    lists.lacks_pictures = False
    later = await ask(alone, *both)

    assert [each.rest for each in (deferred, whole, later)] == [
        Result.DEFERRED,
        Result.NONE,
        Result.NONE,
    ]
    assert deferred.columns[0].at == whole.columns[0].at == [0]


async def test_a_body_is_one_event_and_each_match_its_own_with_its_task(
    alone: Fleet,
) -> None:
    signal = await list_own(alone, SHA, Kind.SHA256)

    answer = await ask(
        alone,
        column(DigestKind.SHA256, SHA, OTHER, refs=["u-1", "u-2"]),
        column(DigestKind.PDQ, OTHER),
    )

    whole, one = await alone.audit("a.demo", "lookup")
    (opened,) = await alone.audit("a.demo", "task.opened")
    assert json.loads(whole.openings["detail"]) == {
        "surface": "public_content",
        "about": "media_matching",
        "lookups": 3,
        "matched": 1,
        "sha256": 2,
        "pdq": 1,
    }
    assert (whole.record.outcome, one.record.outcome) == ("none", "review")
    assert "subject" not in whole.openings
    detail = json.loads(one.openings["detail"])
    assert (detail["signals"], detail["questions"]) == (signal, 1)
    assert json.loads(one.openings["subject"])["ref"] == "u-1"
    assert json.loads(opened.openings["detail"])["task"] == detail["task"]
    assert answer.columns[0].answers[0].task == detail["task"]
    assert "u-2" not in "".join(event.text for event in (whole, one, opened))


async def test_eight_orientations_are_one_question_that_names_how_it_lies(
    alone: Fleet,
) -> None:
    await list_own(alone, PICTURE, Kind.PDQ)
    turned = [*orientations_of(orientations_of(PICTURE)[5])]
    turned[6] = (int.from_bytes(turned[6]) ^ 1).to_bytes(32)
    spent = alone["a.demo"].services.lookups.budgets

    answer = await ask(
        alone,
        column(DigestKind.PDQ, *orientations_of(SHA), *turned, orientations=8),
    )

    (found,) = answer.columns
    assert (found.questions, found.review, found.at) == (2, 1, [1])
    assert found.orientations == [Orientation.MIRRORED_LEFT_RIGHT]
    (match,) = found.answers[0].matches
    assert (match.distance, match.orientation) == (0, Orientation.MIRRORED_LEFT_RIGHT)
    (meter,) = spent._meters.values()  # noqa: SLF001 - what was counted
    now = int(alone.clock.now().timestamp())
    assert meter.within(now).spent == 2


@pytest.mark.parametrize("pictures", [1, 40])
async def test_digests_of_eight_pictures_cost_eight_questions(
    alone: Fleet, pictures: int
) -> None:
    strange = [os.urandom(32) for _ in range(8 * pictures)]
    strange[5] = PICTURE
    await list_own(alone, PICTURE, Kind.PDQ)
    own = orientations_of(os.urandom(32))
    answer = await ask(alone, column(DigestKind.PDQ, *strange, *own, orientations=8))

    (found,) = answer.columns
    assert (found.questions, found.review) == (pictures + 1, 1)
    spent = await alone["a.demo"].base.store.read(
        lambda reader: reader.spent(0, BOT.name, "media_matching")
    )
    assert sum(each.spent for each in spent) == 8 * pictures + 1


async def test_what_was_stopped_is_not_told(alone: Fleet) -> None:
    signal = await list_own(alone, SHA, Kind.SHA256)
    await alone["a.demo"].services.signals.revoke(
        signal, RevokeRequest(reason=Reason.MISTAKE), RITA
    )

    answer = await ask(alone, column(DigestKind.SHA256, SHA))

    assert (answer.rest, answer.columns[0].at) == (Result.NONE, [])


async def test_many_that_hit_are_told_in_several_acts(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_own(alone, SHA, Kind.SHA256)
    monkeypatch.setattr(service, "HITS_AT_ONCE", 2)

    answer = await ask(
        alone, column(DigestKind.SHA256, *[SHA] * 5, refs=[f"u-{n}" for n in range(5)])
    )

    assert answer.columns[0].at == [0, 1, 2, 3, 4]
    events = await alone.audit("a.demo", "lookup")
    outcomes = [event.record.outcome for event in events]
    assert sorted(outcomes) == ["none", *["review"] * 5]
    whole = events[outcomes.index("none")]
    assert json.loads(whole.openings["detail"])["matched"] == 5


@pytest.mark.parametrize("packed", [True, False])
async def test_a_body_that_was_cut_off_goes_on_where_it_was(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    await list_own(alone, SHA, Kind.SHA256)
    monkeypatch.setattr(service, "HITS_AT_ONCE", 2)
    monkeypatch.setattr(service, "HOLD_SECONDS", 600.0)  # a slow machine cuts none
    base, lookups = alone["a.demo"].base, alone["a.demo"].services.lookups
    once = recognise(
        "k" * 24,
        BOT,
        route="match",
        body=b"x",
        status=200,
        packed=packed,
        periods=base.periods,
    )
    refs = [f"u-{n}" for n in range(7)]
    asked = body(column(DigestKind.SHA256, *[SHA] * 7, refs=refs))
    write, acts = base.store.write, list[object]()

    async def cut_off(act: object, **more: object) -> object:
        acts.append(act)
        if len(acts) > 2:
            raise TimeoutError
        return await write(act, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(base.store, "write", cut_off)
    with pytest.raises(TimeoutError):
        await lookups.match(asked, BOT, once=once)
    half = len(await alone.audit("a.demo", "lookup"))
    monkeypatch.setattr(base.store, "write", write)
    answer = await lookups.match(asked, BOT, once=once)

    assert half == 4
    assert (answer.columns[0].at, answer.columns[0].review) == ([*range(7)], 7)
    assert [each.subject_ref for each in answer.columns[0].answers] == refs
    events = await alone.audit("a.demo", "lookup")
    named = [each for each in events if "subject" in each.openings]
    subjects = [json.loads(each.openings["subject"])["ref"] for each in named]
    assert sorted(subjects) == refs
    (whole,) = [each for each in events if each.record.outcome == "none"]
    assert json.loads(whole.openings["detail"])["matched"] == 7
    name = BOT.name
    spent = await base.store.read(lambda r: r.spent(0, name, "media_matching"))
    assert sum(each.spent for each in spent) == 7


async def test_a_person_leaves_an_event_of_each_account(alone: Fleet) -> None:
    refs = ["u-1", None, "u-2"]

    await ask(
        alone, column(DigestKind.SHA256, OTHER, OTHER, OTHER, refs=refs), who=RITA
    )

    whole, *named = await alone.audit("a.demo", "lookup")
    assert json.loads(whole.openings["detail"])["lookups"] == 3
    subjects = [json.loads(each.openings["subject"])["ref"] for each in named]
    assert subjects == ["u-1", "u-2"]


TOO_MANY = column(DigestKind.SHA256, bytes(32 * (MAX_DIGESTS + 1)))
UNFIT = [
    ([column(DigestKind.SHA256, b"x")], "bad_column", "/columns/0/digests", "32 a"),
    (
        [column(DigestKind.MD5, MD5), column(DigestKind.MD5, HASH.encode()[:17])],
        "bad_column",
        "/columns/1/digests",
        "17 bytes",
    ),
    (
        [column(DigestKind.PDQ, bytes(32), orientations=8)],
        "bad_column",
        "/columns/0/digests",
        "256 a question",
    ),
    (
        [column(DigestKind.SHA1, bytes(160), orientations=8)],
        "bad_column",
        "/columns/0/orientations",
        "may have 8",
    ),
    (
        [column(DigestKind.MD5, MD5, refs=["u-1", "u-2"])],
        "bad_column",
        "/columns/0/subject_refs",
        "names 2 accounts",
    ),
    ([TOO_MANY], "too_many_digests", "/columns", "1 to 10000"),
    (
        [column(DigestKind.PDQ, bytes(256 * 1_251), orientations=8)],
        "too_many_digests",
        "/columns",
        "these 10008",
    ),
    ([column(DigestKind.MD5)], "no_digests", "/columns", "these 0"),
]


@pytest.mark.parametrize(
    ("kind", "digest"),
    [
        (DigestKind.SHA256, HASH),
        (DigestKind.SHA1, HASH[:40].upper()),
        (DigestKind.MD5, HASH[:32]),
    ],
)
@pytest.mark.parametrize("form", ["base64", "text", "lines"])
async def test_hexadecimal_text_is_refused_and_never_none(
    alone: Fleet, kind: DigestKind, digest: str, form: str
) -> None:
    await list_own(alone, SHA, Kind.SHA256)
    if form == "base64":  # of two such digests JSON makes three
        text = json.dumps({"kind": kind.value, "digests": 2 * digest})
        given = msgspec.json.decode(text, type=DigestColumn)
    else:
        times = len(digest) // 2  # what divides by the bytes of a digest, anyhow
        lines = [digest + ("\n" if form == "lines" else "")] * times
        given = column(kind, "".join(lines).encode())

    with pytest.raises(BadRequestError) as caught:
        await ask(alone, given)

    assert caught.value.pointer == "/columns/0/digests"
    assert "in JSON as base64" in caught.value.detail


async def test_digests_that_only_look_a_little_like_letters_are_asked(
    alone: Fleet,
) -> None:
    letters = b64decode(2 * HASH)[:64]  # base64 with padding is no hexadecimal text

    answer = await ask(
        alone,
        column(DigestKind.PDQ, *[bytes(32)] * 3),
        column(DigestKind.SHA256, letters),
        column(DigestKind.MD5, HASH[:16].encode()),
    )

    assert [each.questions for each in answer.columns] == [3, 2, 1]


@pytest.mark.parametrize(("columns", "code", "pointer", "why"), UNFIT)
async def test_a_column_that_does_not_fit_is_refused_with_the_way_out(
    alone: Fleet, columns: list[DigestColumn], code: str, pointer: str, why: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        await ask(alone, *columns)

    error = caught.value
    assert (error.code, error.pointer) == (code, pointer)
    assert why in error.detail
    assert HASH[:8] not in error.detail
    assert await alone.audit("a.demo", "lookup") == []


async def test_bounds_of_accounts_surface_and_purpose_are_those_of_lookups(
    alone: Fleet,
) -> None:
    digest = column(DigestKind.SHA256, SHA, refs=["u-1"])
    many = column(
        DigestKind.MD5, *[MD5] * (MOST_NAMED + 1), refs=["u-1"] * (MOST_NAMED + 1)
    )
    shop = Principal("shop", Role.SERVICE, scope="lookup")

    with pytest.raises(BadRequestError) as unnamed:
        await ask(alone, digest, surface=None)
    with pytest.raises(BadRequestError) as others:
        await ask(alone, digest, service="games", who=shop)
    with pytest.raises(BadRequestError) as crowd:
        await ask(alone, many, who=RITA)
    with pytest.raises(DeniedError):
        await ask(alone, digest, purpose=Purpose.RECHECK)

    codes = [each.value.code for each in (unnamed, others, crowd)]
    assert codes == ["surface_missing", "other_service", "too_many_accounts"]


async def test_the_service_of_a_body_is_that_of_its_accounts(alone: Fleet) -> None:
    await list_own(alone, SHA, Kind.SHA256)

    answer = await ask(
        alone, column(DigestKind.SHA256, SHA, SHA, refs=["u-1", None]), service="games"
    )

    named, unnamed = answer.columns[0].answers
    assert (named.service, named.subject_ref) == ("games", "u-1")
    assert unnamed.service == "games"


async def test_no_answer_is_given_while_no_event_can_be_written(alone: Fleet) -> None:
    store, stands, let_go = alone["a.demo"].base.store, Event(), Event()

    async def stand(tx: Transaction) -> None:
        del tx
        stands.set()
        let_go.wait()

    standing = asyncio.create_task(store.write(stand))
    await asyncio.to_thread(stands.wait)
    try:
        with pytest.raises(TimeoutError):
            await ask(alone, column(DigestKind.MD5, MD5), deadline_ms=500)
    finally:
        let_go.set()
        await standing


async def session_of(fleet: Fleet) -> ClientSession:
    base = fleet["a.demo"].base
    request = NewCredentialRequest(
        name="shop",
        scope=CredentialScope.LOOKUP,
        purposes=[Purpose.MEDIA_MATCHING],
        until=base.office.now() + 3_600,
    )
    made = await Machines(base.office).add(request, Principal("olga", Role.OPERATOR))
    headers = {"Authorization": f"Bearer {made.token}"}
    return ClientSession(base.config.url, headers=headers)


async def test_json_and_messagepack_say_the_same_and_a_repetition_asks_once(
    alone: Fleet,
) -> None:
    await list_own(alone, SHA, Kind.SHA256)
    request = body(column(DigestKind.SHA256, OTHER, SHA, refs=[None, "u-1"]))
    packed = {"Content-Type": "application/vnd.msgpack"}
    key = {"Idempotency-Key": "0f9b7c1e-6a3d-4c55-9f00-1f2e3d4c5b6a"}
    async with await session_of(alone) as http:
        plain = await http.post("/v1/match", json=msgspec.to_builtins(request))
        first = await http.post("/v1/match", data=pack(request), headers=packed | key)
        again = await http.post("/v1/match", data=pack(request), headers=packed | key)
        told = await plain.json()
        bodies = [await first.read(), await again.read()]
        broken = await http.post("/v1/match", data=b"\xc1", headers=packed)
        problem = await broken.json()

    assert (plain.status, first.status) == (200, 200)
    assert first.content_type == again.content_type == "application/vnd.msgpack"
    assert told == msgspec.msgpack.decode(bodies[0])
    assert told["columns"][0]["at"] == [1]
    assert bodies[0] == bodies[1]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert problem["code"] == "malformed_pack"
    assert len(await alone.audit("a.demo", "lookup")) == 4


async def test_what_a_member_lists_is_found_and_covered(trio: Fleet) -> None:
    await trio.publish(HASH, Kind.SHA256)
    asked = body(column(DigestKind.SHA256, OTHER, SHA))

    answer = await trio["b.demo"].services.lookups.match(asked, BOT)
    await trio.stop("b.demo")
    await trio.start("b.demo")
    await trio.covered()
    again = await trio["b.demo"].services.lookups.match(asked, BOT)

    assert (answer.rest, answer.not_covered) == (Result.NONE, [])
    assert answer.columns[0].at == again.columns[0].at == [1]
    assert answer.columns[0].answers[0].matches[0].origin == "a.demo"
