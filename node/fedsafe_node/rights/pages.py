# SPDX-License-Identifier: Apache-2.0
"""The public form as pages: no script, no cookie, nothing from elsewhere.

Pure: values in, HTML out, every value escaped. Each field has its label, what is
wrong stands first and leads to the field, and the keyboard reaches everything. The
texts are German or English.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Final

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.requests import (
    CollectedAnswer,
    Language,
    RequestKind,
    RightsRequestAnswer,
)
from fedsafe_node.rights.page_texts import KINDS, KINDS_PLAIN, PLAIN, TEXTS
from fedsafe_node.rights.terms import hour, written_day
from fedsafe_node.rules.appeal_ways import Ways
from fedsafe_policies.escalation.laender import GERMANY
from fedsafe_policies.help.offers import Age

_STYLE: Final = (
    "body{font:1.1rem/1.5 sans-serif;max-width:40rem;margin:0 auto;padding:1rem;"
    "color:#111;background:#fff}label{display:block;font-weight:bold;margin-top:1rem}"
    "input,select,button{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;"
    "border:2px solid #444;border-radius:4px}button{margin-top:1.5rem;"
    "background:#00457c;color:#fff;border-color:#00457c}a:focus,input:focus,select:focus,button:focus,"
    ".error:focus{outline:3px solid #b35c00;outline-offset:2px}.error{border:3px solid "
    "#a00;padding:1rem}.hint{color:#444}.wrong{color:#a00;font-weight:bold}pre{white-space:pre-wrap}"
)
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; "
    "base-uri 'none'"
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field, or with none: a key of the texts."""

    key: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """The provider whose form it is; `marks` say that all is invented, or a draft.

    `age` is the reader's, as they say: children and young people read plain words.
    `kinds` are those to which a code can be sent, and the page is *by* one of them; for
    the others there are `ways`.
    `help_` names to a child whom they can talk to, once a code is on its way: a short
    message has no room for that. An origin has `ruling_days` working days to decide.
    Times are told in UTC and in `zone`.
    """

    node: str
    ways: Ways
    marks: tuple[str, ...] = ()
    age: Age = Age.ADULT
    kinds: tuple[Kind, ...] = (Kind.EMAIL,)
    by: Kind = Kind.EMAIL
    help_: str = ""
    ruling_days: int = 0
    zone: str = GERMANY


def ask_page(
    site: Site,
    language: Language,
    *,
    kind: RequestKind = RequestKind.ACCESS,
    wrong: Wrong | None = None,
) -> bytes:
    """Write the page that asks for kind and address, or number."""
    texts = _texts(site, language)
    if not site.kinds:  # before anything is typed that leads nowhere
        instead = texts["no_mail_instead"].format(contact=site.ways.contact)
        body = (
            f"<p>{escape(texts['no_mail'])}</p><p>{escape(instead)}</p>"
            f"{_written(site, texts)}{_elsewhere(site, language)}"
            f'<p><a href="/rights/answer?{_query(site, language)}">'
            f"{escape(texts['to_answer'])}</a></p>"
        )
        return _page(site, language, "title", body, "/rights")
    options = "".join(
        f'<option value="{each.value}"{" selected" if each is kind else ""}>'
        f"{escape(_kinds(site, language)[each])}</option>"
        for each in RequestKind
    )
    body = (
        f"{_summary(wrong, texts)}<p>{escape(texts[f'intro_{site.by}'])}</p>"
        f"{_others(site, language)}"
        f'<form method="post" action="/rights/code">{_reader(site, language)}'
        f'<label for="kind">{escape(texts["kind"])}</label>'
        f'<select id="kind" name="kind">{options}</select>'
        f"{_identifier(site, texts, wrong)}"
        f"<button>{escape(texts['send'])}</button></form>"
        f'<p><a href="/rights/answer?{_query(site, language)}">'
        f"{escape(texts['to_answer'])}</a></p>"
    )
    return _page(site, language, "title", body, "/rights")


def code_page(
    site: Site,
    language: Language,
    *,
    kind: RequestKind,
    nonce: str,
    wrong: Wrong | None = None,
) -> bytes:
    """Write the page that asks for the code; what it is about is asked for again."""
    texts = _texts(site, language)
    texts["code_hint"] = texts[f"code_hint_{site.by}"]
    hidden = _reader(site, language) + _hidden(kind=kind.value, nonce=nonce)
    body = (
        f"{_summary(wrong, texts)}<p>{escape(texts[f'sent_{site.by}'])}</p>"
        f'<form method="post" action="/rights/proof">{hidden}'
        f"{_identifier(site, texts, wrong)}"
        f"{_field('code', texts, wrong, 'text', 'one-time-code', 'numeric')}"
        f"<button>{escape(texts['prove'])}</button></form>{_help(site, texts)}"
    )
    return _page(site, language, "code_title", body, "/rights")


def opened_page(site: Site, language: Language, opened: RightsRequestAnswer) -> bytes:
    """Write the page that tells that a request is open, and its code."""
    texts = _texts(site, language)
    until = texts["until"].format(day=written_day(opened.due_at, language))
    rests = ""
    if opened.again_at is not None:
        again = hour(opened.again_at, language, site.zone)
        said = texts["not_looked"].format(again=again)
        rests = f"<p>{escape(said)}</p>"
    elif opened.kind is not RequestKind.ACCESS:
        said = texts["contests"].format(days=site.ruling_days)
        rests = f"<p>{escape(said)}</p>"
    body = (
        f"<p>{escape(until)}</p>{rests}<dl>"
        f"<dt>{escape(texts['request'])}</dt><dd><code>{opened.request}</code></dd>"
        f"<dt>{escape(texts['collect'])}</dt>"
        f"<dd><code>{escape(opened.collect or '')}</code></dd></dl>"
        f"<p>{escape(texts['keep'])}</p>"
        f'<p><a href="/rights/answer?{_query(site, language)}">'
        f"{escape(texts['to_answer'])}</a></p>"
    )
    return _page(site, language, "opened_title", body, "/rights")


def collect_page(
    site: Site, language: Language, *, wrong: Wrong | None = None
) -> bytes:
    """Write the page on which an answer is collected."""
    texts = _texts(site, language)
    body = (
        f"{_summary(wrong, texts)}<p>{escape(texts['collect_intro'])}</p>"
        f'<form method="post" action="/rights/answer">{_reader(site, language)}'
        f"{_field('request', texts, wrong, 'text', 'off')}"
        f"{_field('collect', texts, wrong, 'text', 'off')}"
        f"<button>{escape(texts['fetch'])}</button></form>{_anew(site, language)}"
    )
    return _page(site, language, "collect_title", body, "/rights/answer")


def answer_page(site: Site, language: Language, found: CollectedAnswer) -> bytes:
    """Write the page with an answer, or how far it is."""
    texts = _texts(site, language)
    body = "".join(
        f"<pre>{escape(said)}</pre>"
        for said in (found.status, found.note)
        if said is not None
    )
    if found.text is not None:
        body += f"<p>{escape(texts['once'])}</p><pre>{escape(found.text)}</pre>"
    elif found.collected:
        body += f"<p>{escape(texts['collected'])}</p>{_anew(site, language)}"
    elif found.state != "closed" and not found.late:  # else the note says it
        waits = texts["waits"].format(day=written_day(found.due_at, language))
        body += f"<p>{escape(waits)}</p>"
    return _page(site, language, "collect_title", body, "/rights/answer")


def _anew(site: Site, language: Language) -> str:
    """Lead who has lost code or answer to a new request."""
    said = escape(_texts(site, language)["anew"])
    return f'<p><a href="/rights?{_query(site, language)}">{said}</a></p>'


def trouble_page(site: Site, language: Language, wrong: Wrong) -> bytes:
    """Write the page that says why nothing was done, and leads back to the form."""
    texts = _texts(site, language)
    body = (
        f'{_summary(wrong, texts)}<p><a href="/rights?{_query(site, language)}">'
        f"{escape(texts['title'].format(node=site.node))}</a></p>"
    )
    return _page(site, language, "title", body, "/rights")


def _page(site: Site, language: Language, title: str, body: str, path: str) -> bytes:
    texts = _texts(site, language)
    other = Language.EN if language is Language.DE else Language.DE
    heading = escape(texts[title].format(node=site.node))
    is_minor = site.age is Age.MINOR
    reader = replace(site, age=Age.ADULT if is_minor else Age.MINOR)
    turn = "over_17" if is_minor else "under_18"
    switch = (
        f'<p><a href="{path}?{_query(site, other)}" lang="{other.value}" '
        f'hreflang="{other.value}">{escape(TEXTS["name"].said(other))}</a></p>'
        f'<p><a href="{path}?{_query(reader, language)}">'
        f"{escape(texts[turn])}</a></p>"
    )
    marks = "".join(
        f'<p class="hint" role="note">{escape(mark)}</p>' for mark in site.marks
    )
    return (
        f'<!doctype html><html lang="{language.value}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{heading}</title><style>{_STYLE}</style></head><body>"
        f"<header>{switch}</header><main><h1>{heading}</h1>{marks}{body}</main></body>"
        "</html>\n"
    ).encode()


def _others(site: Site, language: Language) -> str:
    """Lead to the other way, and say what to do about what no code goes to."""
    texts = _texts(site, language)
    links = "".join(
        f'<p><a href="/rights?{_query(replace(site, by=kind), language)}">'
        f"{escape(texts[f'by_{kind}'])}</a></p>"
        for kind in site.kinds
        if kind is not site.by
    )
    named = "both" if len(site.kinds) > 1 else site.by.value
    instead = texts[f"others_{named}"].format(contact=site.ways.contact)
    hint = f'<p class="hint">{escape(instead)}</p>'
    return f"{links}{hint}{_elsewhere(site, language)}"


def _written(site: Site, texts: Mapping[str, str]) -> str:
    """Name whom else one can write to."""
    ways = {"way_post": site.ways.post, "way_dpo": site.ways.dpo}
    return "".join(
        f"<p>{escape(texts[key].format(to=to))}</p>"
        for key, to in ways.items()
        if to is not None
    )


def _elsewhere(site: Site, language: Language) -> str:
    """Lead to forms of other members for what no code goes to here."""
    texts, query = _texts(site, language), _query(replace(site, kinds=()), language)
    found = ""
    for kind, forms in site.ways.forms.items():
        if kind in site.kinds:
            continue
        links = "".join(
            f'<li><a href="{escape(form)}?{query}">{escape(form)}</a></li>'
            for form in forms
        )
        found += f"<p>{escape(texts[f'elsewhere_{kind}'])}</p><ul>{links}</ul>"
    return found and f"{found}<p>{escape(texts['elsewhere_limits'])}</p>"


def _help(site: Site, texts: Mapping[str, str]) -> str:
    if not site.help_:
        return ""
    return f"<p>{escape(texts['help'])}</p><pre>{escape(site.help_)}</pre>"


def _identifier(site: Site, texts: Mapping[str, str], wrong: Wrong | None) -> str:
    if site.by is Kind.PHONE:
        return _field("phone", texts, wrong, "tel", "tel")
    return _field("email", texts, wrong, "email", "email")


def _texts(site: Site, language: Language) -> dict[str, str]:
    texts = {**TEXTS, **PLAIN} if site.age is Age.MINOR else TEXTS
    return {name: text.said(language) for name, text in texts.items()}


def _reader(site: Site, language: Language) -> str:
    return _hidden(lang=language.value, age=site.age.value, by=site.by.value)


def _kinds(site: Site, language: Language) -> Mapping[RequestKind, str]:
    kinds = KINDS_PLAIN if site.age is Age.MINOR else KINDS
    return {kind: text.said(language) for kind, text in kinds.items()}


def _query(site: Site, language: Language) -> str:
    minor = "&amp;age=minor" if site.age is Age.MINOR else ""
    by = f"&amp;by={site.by.value}" if len(site.kinds) > 1 else ""
    return f"lang={language.value}{minor}{by}"


def _summary(wrong: Wrong | None, texts: Mapping[str, str]) -> str:
    if wrong is None:
        return ""
    said = escape(texts[wrong.key])
    if wrong.field is not None:
        said = f'<a href="#{wrong.field}">{said}</a>'
    return (
        '<div class="error" role="alert" tabindex="-1" autofocus>'
        f"<h2>{escape(texts['wrong'])}</h2><p>{said}</p></div>"
    )


def _field(  # noqa: PLR0913 - what a field has
    name: str,
    texts: Mapping[str, str],
    wrong: Wrong | None,
    kind: str,
    complete: str,
    mode: str = "",
) -> str:
    marked = wrong is not None and wrong.field == name
    invalid = ' aria-invalid="true"' if marked else ""
    said, described = "", f"{name}-hint"
    if wrong is not None and marked:
        said = f'<p class="wrong" id="{name}-error">{escape(texts[wrong.key])}</p>'
        described = f"{name}-error {described}"
    keyboard = f' inputmode="{mode}"' if mode else ""
    return (
        f'<label for="{name}">{escape(texts[name])}</label>'
        f'<p class="hint" id="{name}-hint">{escape(texts[f"{name}_hint"])}</p>'
        f'{said}<input id="{name}" name="{name}" type="{kind}" required '
        f'autocomplete="{complete}" aria-describedby="{described}"{invalid}{keyboard} '
        'maxlength="320">'
    )


def _hidden(**values: str) -> str:
    return "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in values.items()
    )
