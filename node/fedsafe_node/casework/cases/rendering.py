# SPDX-License-Identifier: Apache-2.0
"""Write a case as a paper for one class of partner; that it was done is an event.

Nothing is kept: a rendering is made anew from what is known and approved now. Who
sees only part of a case gets a draft of that part. What comes out of here before the
case is approved for the class says DRAFT, and an exercise says TEST.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_node.acts.cases import (
    CasesQuery,
    PackQuery,
    RenderCase,
    RenderingAnswer,
)
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.rendering.forms import (
    Rendering,
    Told,
    render,
    render_pack,
    render_row,
)
from fedsafe_node.casework.rendering.pack import Quarter
from fedsafe_node.casework.rendering.sheets import Context
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    WrongStateError,
    words_of,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.errors import (
    CasePackageError,
    NothingForPartnerError,
    RenderingError,
)
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.projection import as_seen_by, make_package, project
from fedsafe_policies.escalation.states import EDITABLE, CaseState
from fedsafe_policies.escalation.vocabulary import Form, Mark, PartnerClass
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Matter, Role

_PACKAGE: Final = "fedsafe/case-rendering/v1"
_ROW: Final = "fedsafe/dsa-row/v1"
_DETECTED: Final = {"yes": True, "no": False, None: None}


class CaseRenderings:
    """Writes papers of cases; `offload` takes the writing off the event loop."""

    def __init__(
        self,
        situation: Situation,
        keeper: CaseKeeper,
        matrix: Callable[[], Matrix],
        *,
        offload: Callable[[Callable[[], Rendering]], Awaitable[Rendering]],
    ) -> None:
        self._situation = situation
        self._keeper = keeper
        self._matrix = matrix
        self._offload = offload

    async def render(
        self, case_id: str, request: RenderCase, who: Principal
    ) -> RenderingAnswer:
        """Write a case in a form.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such case.
            BadRequestError: no class of partner is named, or it has no such form.
            WrongStateError: the case lacks something that the form asks for.
        """
        decision = await self._admit(who, request)
        office, keeper = self._keeper.office, self._keeper
        row, file = await office.store.read(lambda r: keeper.read(r, case_id))
        if file.erased_at is not None:
            raise WrongStateError(
                "wiped", Phrase("what was known of this case is erased")
            )
        now = office.clock.now().astimezone(UTC)
        mark, work = self._prepared(row, file, request, who.role, now)
        made = await self._offload(lambda: _told(work))
        about: Detail = {
            "case": case_id,
            "revision": row.revision,
            "form": request.form.value,
            "partner": request.partner.value if request.partner else "none",
            "language": request.language.value,
            "mark": mark.value if mark else "none",
        }
        return await self._answer(made, mark, about, decision, who)

    async def pack(
        self, quarter: str, request: PackQuery, who: Principal
    ) -> RenderingAnswer:
        """Write the quarterly pack for the BzKJ; of erased cases their codes count.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            WrongStateError: it cannot be written so.
        """
        decision = await self._admit(who, request)
        office, asked = self._keeper.office, Quarter.parse(quarter)
        since, until = int(asked.begins.timestamp()), int(asked.ends.timestamp())
        rows = await office.store.scan(lambda r: r.cases_known(since, until))
        now = office.clock.now().astimezone(UTC)

        def work() -> Rendering:
            return render_pack(
                self._opened(rows),
                asked,
                self._matrix(),
                request.language,
                written=request.written,
                made_at=now,
            )

        made = await self._offload(lambda: _told(work))
        about: Detail = {
            "form": "bzkj-pack",
            "quarter": quarter,
            "language": request.language.value,
        }
        return await self._answer(made, None, about, decision, who)

    def _opened(self, rows: list[CaseRow]) -> Iterator[Elements]:
        for row in rows:
            with suppress(WrongStateError):  # nobody can open it any more
                file = self._keeper.vault.open(row)
                if not file.test:
                    yield file.known

    async def _answer(
        self,
        made: Rendering,
        mark: Mark | None,
        about: Detail,
        decision: Decision,
        who: Principal,
    ) -> RenderingAnswer:
        """Note that a paper was written, and give it."""
        office = self._keeper.office
        digest = sha256(made.content).hexdigest()
        detail: Detail = {
            **about,
            "digest": digest,
            "rule": decision.rule.value,
            "code": decision.code,
            "policy": decision.policy,
            "purpose": decision.about,
        }

        async def act(tx: Transaction) -> None:
            await office.note(tx, Event.CASE_RENDERED, who.name, detail)

        await office.store.write(act)
        return RenderingAnswer(
            name=made.name,
            media_type=made.media_type,
            mark=mark,
            sha256=digest,
            content=made.content,
        )

    def _prepared(
        self,
        row: CaseRow,
        file: CaseFile,
        request: RenderCase,
        role: Role,
        now: datetime,
    ) -> tuple[Mark | None, Callable[[], Rendering]]:
        """Return what the paper will say of itself, and the work of writing it."""
        seen = as_seen_by(role, file.elements)
        told = Told(
            file.sources,
            request.classification,
            _DETECTED[request.automated_detection],
        )
        if request.form is Form.DSA_ROW:
            if request.partner is not None:
                raise BadRequestError(
                    "invalid_query",
                    Phrase("this form is for nobody"),
                    pointer="/partner",
                )
            puid = _uuid(_ROW, row.id)
            return None, lambda: render_row(seen, told, puid, request.language)
        partner = request.partner
        if partner is None:
            raise BadRequestError(
                "invalid_query",
                Phrase("this form is for a class of partner: name one"),
                pointer="/partner",
            )
        matrix = self._matrix()
        arguments = file.unavailable, partner, matrix, file.circumstances
        try:
            whole = project(file.elements, *arguments)
            part = project(seen, *arguments)
        except NothingForPartnerError as error:
            raise WrongStateError("not_renderable", words_of(error)) from None
        test = file.test or request.test == "yes"
        mark = _mark(row, file, partner, test=test)
        if mark is None and part.elements != whole.elements:
            mark = Mark.DRAFT
        package_id = _uuid(_PACKAGE, row.id, str(row.revision), partner.value)
        package = make_package(part, package_id=package_id, made_at=now, test=test)
        context = Context(
            matrix=matrix,
            language=request.language,
            mark=mark,
            missing=part.missing,
            known=file.elements,
        )
        form, written = request.form, request.written
        return mark, lambda: render(package, form, context, written=written, told=told)

    async def _admit(self, who: Principal, request: CasesQuery) -> Decision:
        office = self._keeper.office
        decision = rule_on_reading(
            self._situation, who, Matter.CASES, request.purpose, office.clock.now()
        )
        if not decision.allowed:
            await office.refused(decision, who.name, "case.render")
            raise DeniedError(decision)
        return decision


def _told(work: Callable[[], Rendering]) -> Rendering:
    """Do the work, and say in the node's own errors why it could not be done."""
    try:
        return work()
    except RenderingError as error:
        if error.code == "no_form":
            raise BadRequestError(
                "invalid_query", words_of(error), pointer="/form"
            ) from None
        raise WrongStateError("not_renderable", words_of(error)) from None
    except CasePackageError as error:
        raise WrongStateError("not_renderable", words_of(error)) from None


def _mark(
    row: CaseRow, file: CaseFile, partner: PartnerClass, *, test: bool
) -> Mark | None:
    """Return the mark of a paper: none only for what is approved for this class."""
    if test:
        return Mark.TEST
    released = file.release is not None and partner in file.release.partners
    drafted = CaseState(row.state) in EDITABLE
    return None if released and not drafted else Mark.DRAFT


def _uuid(use: str, *about: str) -> UUID:
    """Name the same paper the same, and nobody by it."""
    framed = b"".join(lp_text(part) for part in (use, *about))
    return UUID(bytes=sha256(framed).digest()[:16], version=4)
