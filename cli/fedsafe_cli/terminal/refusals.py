# SPDX-License-Identifier: Apache-2.0
"""What the node refuses, in the words of the command line: which option, which way out.

The node's problem points into the request; who typed a command knows its options.
"""

from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.terminal.case_refusals import open_questions, way_out_of, word_of
from fedsafe_cli.terminal.errors import RefusedError
from fedsafe_cli.terminal.ways_out import READER, READERS, WAYS_OUT
from fedsafe_policies.ground.catalogue import Phrase, Told, joined, received
from fedsafe_policies.vocabulary import Role

_RULE: Final = Phrase("rule {} of policy {} decides")
_ON_ACCOUNT_OF: Final = Phrase(", on account of {}")
_ABOUT: Final[Mapping[str, Phrase]] = {
    "rulebook": Phrase("rules that fit"),
    "training": Phrase("missing modules"),
    "finding_missing": Phrase("missing findings"),
}
_WHO_MAY: Final = Phrase("roles that may")
_LOOK: Final = Phrase("look at {}")
_WANTS: Final = Phrase("{} wants {}")
_PLACE: Final = Phrase("see {} of the request")
_ROLES: Final = frozenset(Role)
_SELF_SAID: Final = frozenset({"withholding"})
"""What these rest on is what was asked for, not what was wrong with it."""
_OTHERWISE: Final = {
    "about": "value",
    "accounts": "account",
    "answer_until": "until",
    "aware_at": "aware",
    "captured_at": "captured",
    "categories": "category",
    "contention": "facts",
    "due_at": "due",
    "events": "event",
    "expires_on": "expires",
    "groups": "group",
    "known_at": "known",
    "organisation": "by",
    "person": "name",
    "received_at": "received",
    "signal": "signal_id",
    "subject_ref": "ref",
    "valid_until": "until",
}
"""Fields of requests whose options have other names."""
_READ: Final = frozenset({"/body", "/code", "/headers", "/password"})
_DAY: Final = Phrase("a day such as 2027-11-03")
_REFERENCE: Final = Phrase(
    "a reference such as ticket-17: letters, digits and . _ : / -, without spaces"
)
_FORMS: Final[Mapping[str, Phrase]] = {
    **dict.fromkeys(("until", "expires", "removed_on", "on", "since"), _DAY),
    **dict.fromkeys(("reason", "evidence", "reference", "note", "late"), _REFERENCE),
    "legal_review": _REFERENCE,
    **dict.fromkeys(("ref", "subject_ref"), _REFERENCE),
    "event": Phrase("a class of events such as signal.published"),
    "name": Phrase("small letters, digits and . _ -, such as anna"),
}


def read_refusal(status: int, document: Any) -> RefusedError:  # noqa: ANN401 (JSON)
    """Make an error of the problem that a node answers with."""
    if not isinstance(document, dict):
        return RefusedError(
            status,
            "",
            Phrase("the node answers with status {status}").filled(status=status),
        )
    reason, rule = document.get("reason"), document.get("rule")
    code = str(document.get("code", ""))
    detail = str(document.get("detail") or document.get("title") or status)
    told: Phrase | None = None
    hint: Phrase | None = None
    if isinstance(reason, dict) and isinstance(rule, str):
        detail = str(reason.get("en", detail))
        told = Told({**reason, "en": detail})
        hint = _ruled(code, rule, document)
    pointer = document.get("pointer")
    pointer = pointer if isinstance(pointer, str) and pointer else None
    if hint is None and pointer is not None:
        hint = _place(pointer)
    params = document.get("params")
    params = params if isinstance(params, dict) else {}
    way_out = way_out_of(code, document.get("about"), params) or WAYS_OUT.get(code)
    if code == "forbidden" and _named(document.get("about")) == READERS:
        way_out = READER
    told = told or received(document, detail, word_of)
    if code == "unanswered" and (asked := open_questions(params)) is not None:
        told, way_out = asked
    wait = document.get("retry_after_ms")
    return RefusedError(
        status,
        code,
        told,
        hint=_joined(hint, way_out),
        rule=rule if isinstance(rule, str) else None,
        retry_after_ms=wait if isinstance(wait, int) else None,
        pointer=pointer,
    )


def _named(about: object) -> frozenset[str]:
    """Name the roles that a refusal is on account of: those that one lacks."""
    return frozenset(about.split(", ")) if isinstance(about, str) else frozenset()


def _joined(*hints: Phrase | None) -> Phrase | None:
    """Make one hint of those that there are."""
    found = [each for each in hints if each is not None]
    return joined("; ", found) if found else None


def _ruled(code: str, rule: str, document: dict[str, Any]) -> Phrase:
    """Say which rule decides, and on what account."""
    decides = _RULE.filled(rule, document.get("policy"))
    about = document.get("about")
    if not about or code in _SELF_SAID:
        return decides
    words = _ABOUT.get(code)
    if code == "role" and set(str(about).split(", ")) <= _ROLES:
        words = _WHO_MAY
    if words is None:
        return joined("", [decides, _ON_ACCOUNT_OF.filled(about)])
    return joined("", [decides, "; ", words, ": ", str(about)])


def _place(pointer: str) -> Phrase | None:
    """Name the option or argument that a pointer leads to, and its form.

    None for what is read from a file or asked for, which no option names.
    """
    first, *rest = pointer.split("/")[1:] or [""]
    if rest and (option := _option(first)) is not None:
        given = _given(rest[0]) if len(rest) == 1 else None
        return _LOOK.filled(given or option + ": " + "/".join(rest))
    words = [word for word in pointer.split("/") if word and not word.isdecimal()]
    words.append("_".join(words))  # `--hold-until` is /hold/until
    for field in reversed(words):
        for name in (field, _OTHERWISE.get(field)):
            if name is not None and (option := _option(name)) is not None:
                form = _FORMS.get(name)
                if form is None:
                    return _LOOK.filled(option)
                return _WANTS.filled(option, form)
    return None if pointer in _READ else _PLACE.filled(pointer)


def _given(name: str) -> str | None:
    """Give an option that was typed, and so fills that field of what a file holds."""
    context = click.get_current_context(silent=True)
    for each in context.command.params if context is not None else ():
        if isinstance(each, click.Option) and each.name == name:
            given = context is not None and context.params.get(name) is not None
            return each.opts[0] if given else None
    return None


def _option(name: str) -> str | None:
    """Give an option of the running command as it is typed, or an argument."""
    context = click.get_current_context(silent=True)
    wanted = "--" + name.replace("_", "-")
    for each in context.command.params if context is not None else ():
        if isinstance(each, click.Argument):
            if each.name == name:
                return each.make_metavar(context).strip("[]") if context else None
        elif each.name == name or wanted in each.opts:
            return each.opts[0]
    return None
