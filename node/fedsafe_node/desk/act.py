# SPDX-License-Identifier: Apache-2.0
"""An act on a page: the form made of its route's message, and what comes of it.

Whatever the route refuses comes back in the form, with what was entered, at the field
that it points to. An act that takes a fresh proof has a field for the code in the same
form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from aiohttp import web

from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.api.codes import Code
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.desk.described import rows_of
from fedsafe_node.desk.forms import (
    Field,
    MisfitError,
    Widget,
    body_of,
    field_at,
    fields_of,
    filled,
)
from fedsafe_node.desk.view import View
from fedsafe_policies.ground.catalogue import Phrase

PROOF: Final = "step_up"
"""The field with the code that proves the second factor in the same form."""
PASSKEY: Final = "passkey"
"""The field into which the script puts what a passkey has signed, as JSON."""
_BACK: Final = frozenset({400, 403, 404, 409, 422, 429})
"""Statuses of refusals that come back in the form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody can do: the route, and what its button says.

    `lead` says before what it brings about. `without` are fields of the message that
    the page knows itself; `given` says what they are. With `shows` the answer is shown
    at once, since it has a secret that is shown once or is itself what was asked for.
    A `grave` act cannot be undone; what one `ends` leaves its list. `names` are those
    of fields that are called otherwise elsewhere. The route refuses a person who leaves
    out a field of `wanted` or takes a choice of `barred`, which only a back-end has;
    the form says so before.
    """

    route: str
    verb: str
    button: Phrase
    lead: Phrase | None = None
    without: tuple[str, ...] = ()
    given: Callable[[View, Any], Mapping[str, Any]] | None = None
    only: Callable[[Any], bool] | None = None
    shows: bool = False
    grave: bool = False
    ends: bool = False
    names: Mapping[str, Phrase] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    barred: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of sending a form: an answer, or the form once more.

    With `again` it was sent before, and carried out then; the answer is not there.
    """

    answer: Any = None
    page: web.StreamResponse | None = None
    again: bool = False


@dataclass(slots=True)
class FormPage:
    """A form of one act, on one page: where it goes and what stands around it."""

    view: View
    act: Act
    target: str
    item: Any = None
    around: dict[str, object] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    template: str = "act.html"
    message: type | None = None
    apart: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that somebody enters: of its own message, or of the route's."""
        body = self.message or self.view.desk.routes[self.act.route].body
        if not isinstance(body, type):
            return ()
        act = self.act
        return tuple(
            replace(
                each,
                label=act.names.get(each.name, each.label),
                required=each.required or each.name in act.wanted,
                choices=tuple(
                    (code, words)
                    for code, words in each.choices
                    if code not in act.barred.get(each.name, ())
                ),
            )
            for each in fields_of(body, act.without)
        )

    def show(
        self,
        *,
        status: int = 200,
        wrong: Mapping[str, Phrase] | None = None,
        why: Phrase | None = None,
    ) -> web.StreamResponse:
        """Show the form, with what was entered and what does not fit."""
        view, at_fields = self.view, dict(wrong or {})
        shown = self.shown_fields(view.posted, at_fields)
        named = {each.name: each for each in shown}
        faults = [
            (named[name].anchor, f"{view.say(named[name].label)}: {view.say(words)}")
            for name, words in at_fields.items()
            if name in named
        ]
        if why is not None:
            faults.append(("", view.say(why)))
        return view.show(
            self.template,
            status=status,
            act=self.act,
            target=self.target,
            fields=shown,
            faults=faults,
            **{"title": self.act.button, "lead": self.act.lead} | self.around,
        )

    def shown_fields(
        self, posted: Mapping[str, Sequence[str]], wrong: Mapping[str, Phrase]
    ) -> list[Field]:
        """Show its fields with what was entered, and one for the code if need be."""
        shown = filled(self.fields, posted, wrong)
        if self._wants_proof():
            shown.append(replace(_PROOF_FIELD, wrong=wrong.get(PROOF)))
        return [replace(each, apart=self.apart) for each in shown]

    def _wants_proof(self) -> bool:
        route = self.view.desk.routes[self.act.route]
        is_invented = self.view.desk.demonstration and not self.view.reader.session
        return route.fresh and not self.view.reader.fresh and not is_invented

    async def send(self) -> Tried:
        """Send the form to the route."""
        view, act = self.view, self.act
        if (page := await self.prove()) is not None:
            return Tried(page=page)
        try:
            body = body_of(self.fields, view.posted, view.desk.zone)
        except MisfitError as error:
            return Tried(page=self.show(status=422, wrong={error.name: error.why}))
        if act.given is not None:
            body |= act.given(view, self.item)
        route = view.desk.routes[act.route]
        try:
            answer = await view.ask(
                act.route,
                path=self.path,
                body=body if route.body is not None else None,
                acts=True,
            )
        except TurnedDownError as refused:
            if refused.problem.code == Code.SENT_ALREADY:
                return Tried(again=True)
            return Tried(page=self.turned_down(refused))
        return Tried(answer=answer)

    async def prove(self) -> web.StreamResponse | None:
        """Prove the second factor with what the form brings, if it takes that."""
        view = self.view
        if not view.text(PROOF) and not view.text(PASSKEY):
            return None
        try:
            await prove_anew(view, PROOF)
        except TurnedDownError as refused:
            if refused.problem.status not in _BACK:
                raise
            return self.show(status=422, wrong={PROOF: refused.why})
        return None

    def turned_down(self, refused: TurnedDownError) -> web.StreamResponse:
        """Show the form once more, with why the route has refused."""
        problem = refused.problem
        if problem.status not in _BACK:
            raise refused
        if problem.code == Code.STEP_UP:
            return self.show(status=403, wrong={PROOF: _PROOF_NEEDED})
        name = field_at(problem.pointer)
        if any(each.name == name for each in self.fields):
            return self.show(status=problem.status, wrong={name: refused.why})
        return self.show(status=problem.status, why=refused.why)


async def prove_anew(view: View, field: str) -> None:
    """Prove the second factor by a passkey, or by the code in a field.

    Raises:
        TurnedDownError: it is refused.
    """
    if signed := view.text(PASSKEY):
        await view.ask("endPasskeyStepUp", body=signed_in(signed))
    else:
        await view.ask("stepUp", body={"code": view.text(field)})


def signed_in(text: str) -> dict[str, str]:
    """Read what the script says of a passkey; nothing if it says nothing of the kind.

    What of it counts the route decides.
    """
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


_PROOF_FIELD: Final = Field(
    name=PROOF,
    widget=Widget.PROOF,
    label=Phrase("Code of your authenticator"),
    help=Phrase("This act takes a proof that it is you, not older than five minutes."),
    required=True,
    longest=64,
)
_PROOF_NEEDED: Final = Phrase("Give the six digits that your authenticator shows.")


def waiting(answer: object) -> ActAnswer | None:
    """Return the act that waits for a second person, if that is what came of it."""
    if isinstance(answer, ActAnswer):
        return answer
    act = getattr(answer, "act", None)
    return act if isinstance(act, ActAnswer) else None


def shown_answer(view: View, act: Act, tried: Tried) -> web.StreamResponse:
    """Show what a route has answered, once."""
    return view.show(
        "answer.html",
        title=act.button,
        rows=rows_of(view, tried.answer)
        if isinstance(tried.answer, msgspec.Struct)
        else (),
        once=act.shows,
        again=tried.again,
    )


def offered(view: View, acts: Sequence[Act], item: object) -> list[Act]:
    """Choose the acts that the reader may do, and that this allows."""
    return [
        act
        for act in acts
        if view.may(act.route) and (act.only is None or act.only(item))
    ]
