# SPDX-License-Identifier: Apache-2.0
"""The public form over HTTP, as pages and as JSON (rule P10, GDPR Art. 12).

Pages answer what is wrong as a page, with the status that JSON would have. Nothing
that was entered comes back in one, but for the kind of request.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Literal
from urllib.parse import parse_qsl

import msgspec

from fedsafe_node.acts.bodies import Kind, Message
from fedsafe_node.acts.requests import (
    CodeRequest,
    CodeSent,
    CollectRequest,
    Language,
    ProofRequest,
    RequestKind,
    RightsRequestAnswer,
)
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.body import FORM
from fedsafe_node.api.call import Call
from fedsafe_node.api.responses import Verbatim
from fedsafe_node.api.route import HTML, KIB, Handler, Lane, Route
from fedsafe_node.api.services import Services
from fedsafe_node.ground.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    TooManyTriesError,
    UnavailableError,
    WrongStateError,
)
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.rights import pages
from fedsafe_node.rights.pages import Site, Wrong
from fedsafe_node.rules.appeal_ways import PUBLIC_FORM, Ways
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.help.offers import Age

_MOST_FIELDS: Final = 8
_OK: Final = 200
_WRONG: Final = 422
_SERVERS: Final = 500
_TROUBLE: Final = {400: "bad_request", 429: "too_many", 503: "not_now"}
_TRIES: Final = frozenset({403, 409, 429})
_WRONGS: Final[dict[type[Exception], tuple[int, Wrong]]] = {
    BadRequestError: (_WRONG, Wrong("bad_email", "email")),
    ForbiddenError: (403, Wrong("bad_code", "code")),
    WrongStateError: (409, Wrong("used", "code")),
    TooManyTriesError: (429, Wrong("too_many")),
    UnavailableError: (503, Wrong("not_now")),
    NotFoundError: (404, Wrong("bad_collect", "request")),
    msgspec.ValidationError: (_WRONG, Wrong("bad_form")),
}


class PageQuery(Message, frozen=True):
    """In which language a page is shown, whether to a minor, and by which way."""

    lang: Language | None = None
    age: Age = Age.ADULT
    by: Literal["email", "phone"] | None = None


async def show_form(call: Call) -> object:
    """Show the form."""
    query = call.parameters(PageQuery)
    language = _language(call, query.lang)
    return pages.ask_page(await _site(call, language, query.age, query.by), language)


async def send_code(call: Call) -> object:
    """Send a code, and show the page that asks for it."""
    fields = _fields(call)
    language, kind = _said(call, fields)
    site = await _site(call, language, _age(fields), fields.get("by"))

    async def act() -> bytes:
        request = msgspec.convert(
            _identifier(site, fields) | {"language": language, "age": site.age},
            CodeRequest,
        )
        sent = await call.services.proofs.send_code(request, call.source)
        return pages.code_page(site, language, kind=kind, nonce=sent.nonce)

    return await _shown(
        act, lambda wrong: pages.ask_page(site, language, kind=kind, wrong=wrong)
    )


async def prove(call: Call) -> object:
    """Open a request for who has the code."""
    fields = _fields(call)
    language, kind = _said(call, fields)
    site = await _site(call, language, _age(fields), fields.get("by"))

    async def act() -> bytes:
        named = {name: fields.get(name) for name in ("nonce", "code")}
        request = msgspec.convert(
            named
            | _identifier(site, fields)
            | {"kind": kind, "language": language, "age": site.age},
            ProofRequest,
        )
        opened = await call.services.proofs.prove(request, call.source)
        return pages.opened_page(site, language, opened)

    return await _shown(
        act,
        lambda wrong: pages.code_page(
            site,
            language,
            kind=kind,
            nonce=fields.get("nonce", ""),
            wrong=wrong,
        ),
    )


async def show_collect(call: Call) -> object:
    """Show the page on which an answer is collected."""
    query = call.parameters(PageQuery)
    language = _language(call, query.lang)
    return pages.collect_page(
        await _site(call, language, query.age, query.by), language
    )


async def collect(call: Call) -> object:
    """Show an answer to who has its code."""
    fields = _fields(call)
    language, _ = _said(call, fields)
    site = await _site(call, language, _age(fields), fields.get("by"))

    async def act() -> bytes:
        named = {
            "request": fields.get("request", "").strip().lower(),
            "code": fields.get("collect", "").strip(),
        }
        try:
            asked = msgspec.convert(named, CollectRequest)
        except msgspec.ValidationError:
            raise NotFoundError(Phrase("no such request")) from None
        found = await call.services.requests.collect(asked, call.source)
        return pages.answer_page(site, language, found)

    return await _shown(
        act, lambda wrong: pages.collect_page(site, language, wrong=wrong)
    )


async def send_code_json(call: Call) -> object:
    """Send a code."""
    return await call.services.proofs.send_code(call.body(CodeRequest), call.source)


async def prove_json(call: Call) -> object:
    """Open a request for who has the code."""
    return await call.services.proofs.prove(call.body(ProofRequest), call.source)


async def _shown(
    act: Callable[[], Awaitable[bytes]], again: Callable[[Wrong], bytes]
) -> Verbatim:
    try:
        return Verbatim(_OK, await act(), HTML)
    except tuple(_WRONGS) as error:
        nothing_happened()
        status, wrong = next(
            found for kind, found in _WRONGS.items() if isinstance(error, kind)
        )
        if isinstance(error, BadRequestError) and error.pointer == "/phone":
            key = "not_phoned" if error.code == "not_phoned" else "bad_phone"
            wrong = Wrong(key, "phone")
        wait = getattr(error, "retry_after_ms", None)
        later = None if wait is None else -(-int(wait) // 1_000)
        return Verbatim(status, again(wrong), HTML, retry_after=later)


def show_trouble(services: Services, languages: str, status: int) -> bytes:
    """Show what the border refuses as a page."""
    site = Site(services.name, Ways(services.proofs.contact))
    key = _TROUBLE.get(status, "not_now" if status >= _SERVERS else "bad_form")
    return pages.trouble_page(site, _read_by(languages), Wrong(key))


def _fields(call: Call) -> dict[str, str]:
    try:
        text = call.body(bytes).decode("ascii")
        return dict(parse_qsl(text, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        return {}


def _said(call: Call, fields: dict[str, str]) -> tuple[Language, RequestKind]:
    kinds = {kind.value: kind for kind in RequestKind}
    languages = {language.value: language for language in Language}
    language = _language(call, languages.get(fields.get("lang", "")))
    return language, kinds.get(fields.get("kind", ""), RequestKind.ACCESS)


def _language(call: Call, wanted: Language | None) -> Language:
    return wanted if wanted is not None else _read_by(call.languages)


def _read_by(languages: str) -> Language:
    for part in languages.split(","):
        tag = part.partition(";")[0].strip().lower()[:2]
        if tag in {"de", "en"}:
            return Language(tag)
    return Language.DE


def _age(fields: dict[str, str]) -> Age:
    return Age.MINOR if fields.get("age") == Age.MINOR else Age.ADULT


def _identifier(site: Site, fields: dict[str, str]) -> dict[str, str]:
    """Take what a code goes to; whoever names nothing is told by the form."""
    name = site.by.value
    if not fields.get(name):
        raise msgspec.ValidationError
    return {name: fields[name]}


async def _site(
    call: Call, language: Language, age: Age, by: str | None = None
) -> Site:
    """Show the way that is wished for, or else one that there is."""
    proofs = call.services.proofs
    kinds = proofs.kinds
    named = next((kind for kind in kinds if kind.value == by), None)
    return Site(
        node=call.services.name,
        ways=proofs.ways,
        marks=await proofs.marks(language),
        age=age,
        kinds=kinds,
        by=named or (kinds[0] if kinds else Kind.EMAIL),
        help_=proofs.help(language) if age is Age.MINOR else "",
        ruling_days=proofs.ruling_days,
        zone=proofs.zone,
    )


def _looked_at(name: str, path: str, handler: Handler, summary: str) -> Route:
    """Describe a page that is only looked at."""
    return Route(
        name=name,
        method="GET",
        path=path,
        handler=handler,
        auth=Auth.OPEN,
        lane=Lane.PUBLIC,
        summary=summary,
        query=PageQuery,
        media=HTML,
        page=show_trouble,
    )


def _posted(  # noqa: PLR0913 - what a form differs in
    name: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    refusals: frozenset[int],
    lane: Lane = Lane.PUBLIC,
) -> Route:
    """Describe a page that answers a form."""
    return Route(
        name=name,
        method="POST",
        path=path,
        handler=handler,
        auth=Auth.OPEN,
        lane=lane,
        summary=summary,
        body=bytes,
        takes=FORM,
        limit=4 * KIB,
        media=HTML,
        page=show_trouble,
        refusals=refusals,
    )


FORM_ROUTES: Final = (
    _looked_at(
        "rightsForm",
        PUBLIC_FORM,
        show_form,
        "Show the form for requests of persons",
    ),
    _posted(
        "rightsFormCode",
        "/rights/code",
        send_code,
        "Send a code, and show the page that asks for it",
        refusals=_TRIES,
        lane=Lane.MAILS,
    ),
    _looked_at(
        "rightsFormCodeAgain",
        "/rights/code",
        show_form,
        "Show the form, to who comes back to where it was sent",
    ),
    _looked_at(
        "rightsFormProofAgain",
        "/rights/proof",
        show_form,
        "Show the form, to who comes back to where it was sent",
    ),
    _posted(
        "rightsFormProof",
        "/rights/proof",
        prove,
        "Open a request for who has the code, and show its number",
        refusals=_TRIES,
    ),
    _looked_at(
        "rightsFormCollect",
        "/rights/answer",
        show_collect,
        "Show the page on which an answer is collected",
    ),
    _posted(
        "rightsFormAnswer",
        "/rights/answer",
        collect,
        "Show an answer to who has its code, once",
        refusals=frozenset({404, 429}),
    ),
    Route(
        name="sendCode",
        method="POST",
        path="/v1/rights/code",
        handler=send_code_json,
        auth=Auth.OPEN,
        lane=Lane.MAILS,
        summary="Send a code to an address or number, listed or not",
        status=202,
        body=CodeRequest,
        limit=4 * KIB,
        answer=CodeSent,
        refusals=frozenset({429}),
    ),
    Route(
        name="proveControl",
        method="POST",
        path="/v1/rights/proof",
        handler=prove_json,
        auth=Auth.OPEN,
        lane=Lane.PUBLIC,
        summary="Open a request for who has read the code",
        status=201,
        body=ProofRequest,
        limit=4 * KIB,
        answer=RightsRequestAnswer,
        refusals=_TRIES,
    ),
)
