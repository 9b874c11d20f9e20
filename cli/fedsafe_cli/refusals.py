# SPDX-License-Identifier: Apache-2.0
"""What the node refuses, in the words of the command line: which option, which way out.

The node's problem points into the request; who typed a command knows its options.
"""

from typing import Any, Final

import click

from fedsafe_cli.case_refusals import open_questions, way_out_of
from fedsafe_cli.errors import RefusedError
from fedsafe_policies.vocabulary import Role

_UNSEEN: Final = "`fedsafe node status` says which members are not seen, since when"
_WAYS_OUT: Final = {
    "no such partner": "`fedsafe partner list` shows yours; an office that is shipped "
    "becomes one with `fedsafe partner add NAME --entry FILE`, once it is verified",
    "partner_changed": "`fedsafe partner list` shows entry and revision; then name it: "
    "`fedsafe partner add PARTNER --replaces N`, `fedsafe partner verify PARTNER "
    "--revision N`; a new one is entered without --replaces",
    "not_comparable": "give one for each key that `fedsafe partner list` shows, and no "
    "other: --fingerprint (FedSafe's own), --certificate-fingerprint (X.509), "
    "--openpgp-fingerprint (OpenPGP), --host-key-fingerprint (SHA256:..., each server)",
    "a partner without a phone number cannot be called": "enter its phone: `fedsafe "
    "partner add PARTNER --entry FILE --replaces N`",
    "no_federation": "record an own ban with --scope self, or found a federation: "
    "`fedsafe federation found --help`",
    "legal_gate": "see what it lacks with `fedsafe gate show`",
    "no_second_person": "give one an account and a role: `fedsafe account add NAME`, "
    "`fedsafe account roles NAME --grant ROLE`",
    "bad_group": "the groups stand under [scopes.groups] of the policy: "
    "`fedsafe policy show FILE`",
    "already_asked": "see `fedsafe act list`; approve it, or `fedsafe act withdraw` it",
    "bad_officer": "name the account of your data protection officer in dpo_approval; "
    "`fedsafe account list` shows accounts and roles",
    "bad_policy": "mend the file that node.toml names: `fedsafe policy check FILE`",
    "other_officer": "`fedsafe act withdraw` it, then record it with the officer who "
    "takes part",
    "step_up": "`fedsafe login`, in a session `fedsafe login --step-up`, and repeat it",
    "account_needed": "the first administrator sets up with `fedsafe account setup`, "
    "others get theirs with `fedsafe account add NAME`, `fedsafe training add NAME`, "
    "`fedsafe account roles NAME --grant ROLE`; then `fedsafe login`",
    "choose_role": "name one with --role",
    "too_many_tries": "wait a while; nobody can unlock it sooner",
    "training": "`fedsafe training add NAME --module MODULE ...` records one",
    "purpose": "say why you ask with --purpose, where the command has it, as your role "
    "may; or log in with a role that may",
    "surface": "a policy names the surfaces that it shares; private messages need a "
    "basis in force as well, in the node's own legal calendar (setting `calendar`)",
    "not_pending": "it was decided, or taken back, in the meantime: look at it anew",
    "case_closed": "what is still to go out needs a new case: `fedsafe case open`",
    "wrong_state": "look at how it stands now, with `show` or `list`",
    "already_withheld": "a notice is held back once only; `fedsafe notice list` says "
    "until when",
    "reply_not_approved": "print it with `fedsafe help-directory reply`, and enter who "
    "has approved it in the document that `help` in node.toml names",
    "automatic_reply": "`fedsafe case dispatches` shows where the package is",
    "withholding": "give a reason that the policy lists, and a day near enough: "
    "`fedsafe policy show` says how many days",
    "external_seat": "an outsider's role takes an account that was added with "
    "--external, and an end: --until; other roles take people of the firm",
    "finding_missing": "state with --finding what is established; what is not, is "
    "no signal",
    "legal_review": "name it with --legal-review REF; without one an own ban is "
    "possible: --scope self",
    "lists_changed": "`fedsafe signal revoke SIGNAL --reason superseded`, then "
    "`fedsafe signal add` again",
    "pruned": "`fedsafe audit status` says from which entry on there is more; packs "
    "from before still verify",
    "deferred": _UNSEEN,
    "quorum": _UNSEEN,
}
_ABOUT: Final = {
    "rulebook": "rules that fit",
    "training": "missing modules",
    "finding_missing": "missing findings",
}
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
_DAY: Final = "a day such as 2027-11-03"
_REFERENCE: Final = (
    "a reference such as ticket-17: letters, digits and . _ : / -, without spaces"
)
_FORMS: Final = {
    **dict.fromkeys(("until", "expires", "removed_on", "on", "since"), _DAY),
    **dict.fromkeys(("reason", "evidence", "reference", "note", "late"), _REFERENCE),
    "legal_review": _REFERENCE,
    **dict.fromkeys(("ref", "subject_ref"), _REFERENCE),
    "event": "a class of events such as signal.published",
    "name": "small letters, digits and . _ -, such as anna",
}


def read_refusal(status: int, document: Any) -> RefusedError:  # noqa: ANN401 (JSON)
    """Make an error of the problem that a node answers with."""
    if not isinstance(document, dict):
        return RefusedError(status, "", f"the node answers with status {status}")
    reason, rule = document.get("reason"), document.get("rule")
    code = str(document.get("code", ""))
    detail = str(document.get("detail") or document.get("title") or status)
    hint = None
    if isinstance(reason, dict) and isinstance(rule, str):
        detail = str(reason.get("en", detail))
        hint = f"rule {rule} of policy {document.get('policy')} decides"
        if (about := document.get("about")) and code not in _SELF_SAID:
            word = _ABOUT.get(code)
            if code == "role" and set(str(about).split(", ")) <= _ROLES:
                word = "roles that may"
            hint += f"; {word}: {about}" if word else f", on account of {about}"
    pointer = document.get("pointer")
    pointer = pointer if isinstance(pointer, str) and pointer else None
    if hint is None and pointer is not None:
        hint = _place(pointer)
    way_out = way_out_of(code, detail, document.get("about"))
    way_out = way_out or _WAYS_OUT.get(detail, _WAYS_OUT.get(code))
    german = None
    if code == "unanswered" and (known := open_questions(detail)) is not None:
        german, detail, way_out = known
    wait = document.get("retry_after_ms")
    refusal = RefusedError(
        status,
        code,
        detail,
        hint="; ".join(filter(None, (hint, way_out))) or None,
        rule=rule if isinstance(rule, str) else None,
        retry_after_ms=wait if isinstance(wait, int) else None,
        pointer=pointer,
    )
    if rule is not None and isinstance(reason, dict) and "de" in reason:
        german = reason["de"]
    refusal.german = german and f"{german} ({code})"
    return refusal


def _place(pointer: str) -> str | None:
    """Name the option or argument that a pointer leads to, and its form.

    None for what is read from a file or asked for, which no option names.
    """
    first, *rest = pointer.split("/")[1:] or [""]
    if rest and (option := _option(first)) is not None:
        given = _given(rest[0]) if len(rest) == 1 else None
        return f"look at {given or option + ': ' + '/'.join(rest)}"
    words = [word for word in pointer.split("/") if word and not word.isdecimal()]
    words.append("_".join(words))  # `--hold-until` is /hold/until
    for field in reversed(words):
        for name in (field, _OTHERWISE.get(field)):
            if name is not None and (option := _option(name)) is not None:
                form = _FORMS.get(name)
                return f"look at {option}" if form is None else f"{option} wants {form}"
    return None if pointer in _READ else f"see {pointer} of the request"


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
