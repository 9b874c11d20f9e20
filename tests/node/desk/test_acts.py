# SPDX-License-Identifier: Apache-2.0
"""What people do on the desk, and that each form acts once."""

import asyncio
import re
from datetime import timedelta
from random import Random  # noqa: TID251 - seeded, and the seed is told
from typing import cast

import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk import Reader, Shown, sealed
from tests.support.desk_house import House
from tests.support.desk_repeats import KINDS, Storm, hold

from fedsafe_node.api.routes import ROUTES
from fedsafe_node.desk.forms import fields_of
from fedsafe_node.log.audit import Event
from fedsafe_node.rules.idempotency import StoredAnswers

HOLD = "/desk/log/holds/new/add"
PERSON = "/desk/house/people/new/add"
REQUEST = "/desk/persons/requests/new/open"
TASKS = "/desk/reviews/matches"


async def test_a_match_is_dismissed_and_leaves_the_list(
    office: House, reader: Readers
) -> None:
    rita = await reader("rita")
    waiting = [link for link in (await rita.open(TASKS)).links if f"{TASKS}/" in link]
    await rita.open(waiting[-1])
    form = await rita.open(f"{waiting[-1]}/dismiss")
    hasty = await rita.send(form.forms[-1].action, {"reason": "vermerk:1"})
    office.later(timedelta(minutes=1))

    done = await rita.send(form.forms[-1].action)
    left = [link for link in (await rita.open(TASKS)).links if f"{TASKS}/" in link]

    assert (hasty.status, "look again" in hasty.text) == (409, True)
    assert done.status == 200
    assert "Done." in done.text
    assert len(left) == len(waiting) - 1


async def test_a_refused_form_comes_back_with_what_was_entered(reader: Readers) -> None:
    olaf = await reader("olaf")
    await olaf.open(PERSON)

    shown = await olaf.send(PERSON, {"name": "Not A Name", "display": "Nora Neu"})

    assert shown.status == 422
    values = dict(shown.form(PERSON).values)
    assert (values["name"], values["display"]) == ("Not A Name", "Nora Neu")
    assert 'aria-invalid="true"' in shown.html
    assert 'href="#f-name"' in shown.html
    assert "Traceback" not in shown.html


async def test_an_officer_is_asked_only_what_an_officer_knows(reader: Readers) -> None:
    dora = await reader("dora")
    page = await dora.open(REQUEST)

    form = page.form(REQUEST)
    assert [name for name in form.names if name.startswith("attested")] == []
    assert "identity_document" in form.choices["control"]
    assert "account_login" not in form.choices["control"]
    for name in ("checked.seen_on", "checked.reference"):
        field = re.search(rf'<(?:input|textarea)[^>]*name="{name}"[^>]*>', page.html)
        assert field is not None
        assert "required" in field[0]


def test_the_help_of_a_text_stands_beside_no_list() -> None:
    bodies = {route.name: route.body for route in ROUTES}

    def helped(route: str) -> list[bool]:
        fields = fields_of(cast("type", bodies[route]))
        return [each.help is not None for each in fields if each.name == "reason"]

    assert helped("decideTask") == [True]
    assert helped("refuseAct") == [False]


async def test_what_takes_two_people_waits_for_the_second(reader: Readers) -> None:
    dora = await reader("dora")
    await dora.open("/desk/log/export")
    asked = await dora.send("/desk/log/export", {"first": "0", "last": "3"})
    own = await dora.open("/desk/approvals")
    path = next(link for link in reversed(own.links) if "/desk/approvals/" in link)
    alone = await dora.open(path)

    rita = await reader("rita")
    listed = await rita.open("/desk/approvals")
    offered = [link for link in listed.links if "/desk/approvals/" in link]
    page = await rita.open(path)
    changed = await rita.post(
        f"{path}/approve", sealed(page, f"{path}/approve", digest="0" * 64)
    )
    approved = await rita.send(f"{path}/approve", page=page)

    assert asked.status == 200
    assert "You asked for this yourself" in alone.text
    assert f"{path}/approve" not in [form.action for form in alone.forms]
    assert path in offered
    assert changed.status == 409
    assert approved.status == 200


async def test_what_takes_two_people_is_refused_with_a_reason(reader: Readers) -> None:
    dora = await reader("dora")
    await dora.open("/desk/log/export")
    await dora.send("/desk/log/export", {"first": "1", "last": "2"})
    listed = await dora.open("/desk/approvals")
    path = next(link for link in reversed(listed.links) if "/desk/approvals/" in link)
    alone = await dora.open(path)

    rita = await reader("rita")
    await rita.open(path)
    bare = await rita.send(f"{path}/refuse")
    done = await rita.send(
        f"{path}/refuse", {"reason": "disproportionate", "reference": "note-7"}
    )
    seen = await dora.open("/desk/approvals")

    assert f"{path}/refuse" not in [form.action for form in alone.forms]
    assert bare.status == 422
    assert 'href="#f-refuse-reason"' in bare.html
    assert done.status == 200
    assert path not in seen.links
    assert "it goes further than needed" in seen.text
    assert "note-7" in seen.text
    assert "rita" not in seen.text.split("Refused in the last two weeks")[1]


async def test_only_who_has_asked_is_offered_to_stop_it(reader: Readers) -> None:
    dora = await reader("dora")
    await dora.open("/desk/log/export")
    await dora.send("/desk/log/export", {"first": "2", "last": "3"})
    listed = await dora.open("/desk/approvals")
    path = next(link for link in reversed(listed.links) if "/desk/approvals/" in link)
    own = await dora.open(path)
    rita = await reader("rita")
    foreign = await rita.open(path)
    stop = f"{path}/stop"
    tried = await rita.post(stop, sealed(own, stop))

    stopped = await dora.send(stop, page=own)
    left = await dora.open("/desk/approvals")

    assert stop not in [form.action for form in foreign.forms]
    assert stop in [form.action for form in own.forms]
    assert "You take back what you have asked for" in own.text
    assert tried.status == 403
    assert stopped.status == 200
    assert path not in left.links


async def _twice(browser: Reader, action: str, body: str) -> list[Shown]:
    """Send a form two times at once, as a double click does."""
    return [
        *await asyncio.gather(browser.post(action, body), browser.post(action, body))
    ]


async def test_a_form_that_is_sent_twice_acts_once(
    office: House, reader: Readers
) -> None:
    dora = await reader("dora")
    page = await dora.open(HOLD)
    body = sealed(page, HOLD, **hold(office, 7))
    before = len(await office.written(Event.AUDIT_HELD))

    at_once = await _twice(dora, HOLD, body)
    later = await dora.post(HOLD, body)  # by the button that leads back

    assert [each.status for each in (*at_once, later)] == [200, 200, 200]
    assert all("Done." in each.text for each in (*at_once, later))
    assert len(await office.written(Event.AUDIT_HELD)) == before + 1


async def test_a_secret_is_shown_once_however_often_its_form_is_sent(
    reader: Readers,
) -> None:
    olaf = await reader("olaf")
    page = await olaf.open(PERSON)
    body = sealed(page, PERSON, name="nadja", display="Nadja Neu")

    pages = [*await _twice(olaf, PERSON, body), await olaf.post(PERSON, body)]

    with_code = [each for each in pages if "<dt>code</dt>" in each.html]
    assert [each.status for each in pages] == [200, 200, 200]
    assert len(with_code) == 1
    others = [each for each in pages if each not in with_code]
    assert all("This was sent before" in each.text for each in others)


async def test_a_refused_form_is_judged_anew(office: House, reader: Readers) -> None:
    dora = await reader("dora")
    page = await dora.open(HOLD)
    wrong = hold(office, 8) | {"until": "2020-01-01T00:00"}

    first = await dora.post(HOLD, sealed(page, HOLD, **wrong))
    second = await dora.post(HOLD, sealed(page, HOLD, **wrong))
    right = await dora.post(HOLD, sealed(page, HOLD, **hold(office, 8)))

    assert first.status == second.status
    assert first.status in {400, 409, 422}
    assert (right.status, "Done." in right.text) == (200, True)


async def test_two_tabs_are_two_acts(office: House, reader: Readers) -> None:
    dora = await reader("dora")
    one, two = await dora.open(HOLD), await dora.open(HOLD)
    before = len(await office.written(Event.AUDIT_HELD))

    await dora.send(HOLD, hold(office, 9), page=one)
    await dora.send(HOLD, hold(office, 10), page=two)

    assert len(await office.written(Event.AUDIT_HELD)) == before + 2


async def test_a_task_that_has_changed_is_looked_at_again(
    office: House, reader: Readers
) -> None:
    rita, ruth = await reader("rita"), await reader("ruth")
    path = next(x for x in (await rita.open(TASKS)).links if f"{TASKS}/" in x)
    mine = await rita.open(f"{path}/dismiss")
    hers = await ruth.open(f"{path}/dismiss")
    action = f"{path}/dismiss"
    office.later(timedelta(minutes=1))

    first = await rita.send(action, {"reason": "vermerk:2"}, page=mine)
    second = await ruth.send(action, {"reason": "vermerk:3"}, page=hers)

    assert first.status == 200
    assert second.status in {409, 404}
    assert "Done." not in second.text


@pytest.mark.parametrize("seed", [1])
async def test_double_submits_back_buttons_and_tabs_act_once_each(
    office: House, reader: Readers, seed: int
) -> None:
    dora = await reader("dora")
    storm = Storm(office, dora)

    await storm.send(Random(seed), 40)  # noqa: S311 - seeded

    assert storm.faults == [], f"seed {seed}"
    assert set(storm.kinds) == set(KINDS)


async def test_a_form_whose_act_nobody_saw_end_is_not_done_twice(
    office: House, reader: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    dora = await reader("dora")
    page = await dora.open(HOLD)
    body = sealed(page, HOLD, **hold(office, 11))
    before = len(await office.written(Event.AUDIT_HELD))

    async def die(*_: object, **__: object) -> None:
        raise OSError("the node ends before it has noted that the act was done")

    with monkeypatch.context() as ended:
        ended.setattr(StoredAnswers, "end", die)
        await dora.post(HOLD, body)
    again = await dora.post(HOLD, body)

    assert again.status == 409
    assert "Look what came of it" in again.text
    assert "order:11-2026" in again.html  # what was entered is still there
    assert len(await office.written(Event.AUDIT_HELD)) == before + 1


async def test_a_browser_that_goes_away_leaves_an_act_whole(
    office: House, reader: Readers
) -> None:
    dora = await reader("dora")
    page = await dora.open(HOLD)
    body = sealed(page, HOLD, **hold(office, 12))
    before = len(await office.written(Event.AUDIT_HELD))

    leaving = asyncio.create_task(dora.post(HOLD, body))
    await asyncio.sleep(0)  # the request begins
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    again = await dora.post(HOLD, body)

    assert (again.status, "Done." in again.text) == (200, True)
    assert len(await office.written(Event.AUDIT_HELD)) == before + 1


async def test_a_moment_beyond_all_calendars_keeps_nobody_from_a_list(
    reader: Readers,
) -> None:
    dora = await reader("dora")
    path = "/desk/log/holds"
    hold = {"reason": "court-9999", "until": "9999-12-31T23:30Z"}
    await dora.open(f"{path}/new/add")

    added = await dora.send(f"{path}/new/add", hold | {"subject_ref": "konto-9999"})

    assert added.status == 200
    assert "court-9999" in (await dora.open(path)).text


async def test_a_text_that_looks_like_a_moment_keeps_nobody_from_a_list(
    reader: Readers,
) -> None:
    olaf, name = await reader("olaf"), "2026-99-99T99:99:99Z"
    path = "/desk/house/people"
    await olaf.open(f"{path}/new/add")

    await olaf.send(f"{path}/new/add", {"name": "timo", "display": name})

    listed = await olaf.open(path)
    assert (listed.status, name in listed.text) == (200, True)
