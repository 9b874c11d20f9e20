# SPDX-License-Identifier: Apache-2.0
"""What an act is, in words: whoever approves it must be able to read it."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from fedsafe_node.words.act_values import kept_word, meaning, provision_word
from fedsafe_node.words.codes import label, of_both
from fedsafe_policies.ground.catalogue import Phrase, all_said

Words = dict[str, Phrase]
Readable = Callable[[str, object], object]

KINDS: Final[Words] = {
    "permanent_ban": Phrase("close an account for good"),
    "export_with_openings": Phrase("evidence pack with openings"),
    "pseudonym_reveal": Phrase("reveal a pseudonym"),
    "gate_opening": Phrase("open the legal gate"),
    "breach_silence": Phrase("close a breach without notification"),
    "subject_erasure": Phrase("erase an account"),
    "request_grant": Phrase("grant a request, and erase"),
    "recipient_silence": Phrase("leave a recipient out of answers to persons"),
    "quarantine_end": Phrase("give back what is set aside of a member"),
    "flood_bound": Phrase(
        "let a signal that matches many restrict more for seven days"
    ),
    "appeal_ruling": Phrase("rule on an appeal"),
    "identity_check": Phrase("who makes a request is the person it is about"),
    "policy_change": Phrase("decide by other texts"),
    "role_grant": Phrase("grant a role"),
    "key_rotation": Phrase("share the key anew"),
    "charter_change": Phrase("change the charter"),
    "dispatch": Phrase("let a case go"),
    "actor_signal": Phrase("signal about a person"),
    "own_ban": Phrase("own ban"),
    "media_signal": Phrase("signal about a file"),
}
_NEW_EPOCH: Final = Phrase("begin a new key epoch, with a new key")
GATE_FIELDS: Final[Words] = {
    "legal_basis": Phrase("legal basis"),
    "balancing_test": Phrase("balancing test"),
    "dpia": Phrase("impact assessment"),
    "consultation": Phrase("consultation"),
    "consultation_reference": Phrase("reference of the consultation"),
    "arrangement": Phrase("arrangement"),
    "dpo_approval": Phrase("approval of the dpo"),
    "management_approval": Phrase("approval of the management"),
    "valid_until": Phrase("valid until"),
    "register": Phrase("Schutzkonzept register"),
}
FIELDS: Final[Words] = GATE_FIELDS | {
    "task": Phrase("task"),
    "flood": Phrase("match flood"),
    "signal": Phrase("signal"),
    "bound": Phrase("bound a day"),
    "revision": Phrase("revision"),
    "level": Phrase("level"),
    "evidence": Phrase("evidence"),
    "dwell": Phrase("seconds since the first look"),
    "reason": Phrase("reason"),
    "rule": Phrase("rule"),
    "phenomenon": Phrase("phenomenon"),
    "surface": Phrase("surface"),
    "grade": Phrase("grade"),
    "source": Phrase("what led to the finding"),
    "hearing": Phrase("hearing"),
    "request": Phrase("request"),
    "asks": Phrase("asks for"),
    "control": Phrase("shown by"),
    "seen_on": Phrase("seen on"),
    "signals": Phrase("signals"),
    "account": Phrase("with all of the request's account"),
    "name": Phrase("person"),
    "role": Phrase("role"),
    "since": Phrase("since"),
    "until": Phrase("until"),
    "pseudonym": Phrase("pseudonym"),
    "subject_ref": Phrase("account"),
    "breach": Phrase("breach"),
    "silence": Phrase("not notified because"),
    "risk": Phrase("risk"),
    "entry": Phrase("as it stood at entry"),
    "pack": Phrase("evidence pack of entry"),
    "note": Phrase("reference"),
    "events": Phrase("events"),
    "recipient": Phrase("made for"),
    "policy": Phrase("policy"),
    "charter": Phrase("charter"),
    "member": Phrase("member"),
    "case": Phrase("case"),
    "partners": Phrase("to"),
    "first": Phrase("from record"),
    "version": Phrase("version"),
    "epoch": Phrase("epoch"),
    "generation": Phrase("generation"),
    "threshold": Phrase("threshold"),
    "appeal": Phrase("appeal"),
    "origin": Phrase("origin"),
    "disputed_by": Phrase("disputed by"),
    "instead_of": Phrase("instead of"),
}
_ENTRIES: Final = Phrase("entries")
_SPAN: Final = Phrase("{first} to {last}")
_BY: Final = Phrase("{person} on {on}")
_EFFECT: Final = Phrase("effect")
UNSAID: Final = frozenset(
    {
        *("nonce", "start", "end", "after", "before", "gate", "effects"),
        *("payload", "changes", "refuse", "opens", "ends"),
    }
)
_VOTE: Final = Phrase("vote")
_VOTES: Final = (Phrase("sign this version"), Phrase("never sign this version"))
_WHETHER: Final = (Phrase("no"), Phrase("yes"))
_ON_APPEAL: Final = Phrase("ruling")
_RULINGS: Final = (
    Phrase("the signal stands"),
    Phrase("the signal ends everywhere, for good"),
)
_STATES: Final[Words] = {
    "pending": Phrase("waits for a second person"),
    "done": Phrase("done"),
    "withdrawn": Phrase("withdrawn"),
    "expired": Phrase.within("act", "expired"),
    "refused": Phrase.within("act", "refused"),
}
REFUSALS: Final[Words] = {
    "not_justified": Phrase.within("act", "the grounds do not carry it"),
    "incomplete": Phrase.within("act", "something is missing"),
    "wrong_target": Phrase.within("act", "it is about the wrong account or object"),
    "disproportionate": Phrase.within("act", "it goes further than needed"),
    "other_way": Phrase.within("act", "another way fits better"),
    "in_doubt": Phrase.within("act", "the facts are in doubt"),
    "conflict": Phrase.within("act", "who asked is not impartial here"),
}
"""Why somebody does not stand by an act."""
_WAYS: Final[Words] = {
    "looser": Phrase("looser"),
    "stricter": Phrase("stricter"),
    "other": Phrase("other"),
}
_WORDS: Final[Words] = {
    "nothing": Phrase("nothing waits"),
    "act": Phrase("act"),
    "kind": Phrase("what"),
    "asked_by": Phrase("asked by"),
    "expires_at": Phrase("expires"),
    "state": Phrase("state"),
    "digest": Phrase("digest"),
    "refused_by": Phrase("refused by"),
    "reason": Phrase("reason"),
    "reference": Phrase("reference"),
    "none_refused": Phrase("nothing of yours was refused lately"),
}


def act_kind(act: dict[str, Any], *, language: str) -> str:
    """Say what kind of act it is."""
    if (act.get("content") or {}).get("opens"):
        return _NEW_EPOCH.said(language)
    return label(KINDS, str(act["kind"]), language=language)


def act_state(act: dict[str, Any], *, language: str) -> str:
    """Say how an act stands."""
    return label(_STATES, str(act["state"]), language=language)


def refusal_rows(act: dict[str, Any], *, language: str) -> Iterator[tuple[str, str]]:
    """Say who has refused an act, and why, if somebody has."""
    refusal = act.get("refusal")
    if refusal is None:
        return
    yield act_word("refused_by", language=language), refusal["by"]
    yield (
        act_word("reason", language=language),
        label(REFUSALS, str(refusal["reason"]), language=language),
    )
    if refusal.get("reference"):
        yield act_word("reference", language=language), refusal["reference"]


def act_word(name: str, *, language: str) -> str:
    """Name what every act has."""
    return label(_WORDS, name, language=language)


def act_rows(
    act: dict[str, Any], *, language: str, readable: Readable
) -> Iterator[tuple[str, str]]:
    """Give names and values of what is to be approved, all but what says nothing.

    *readable* shows a field's value, a moment as its reader wants it.
    """
    content = act.get("content") or {}
    content = content | (content.get("gate") or {})
    if "end" in content:
        first, last = content.get("start") or 0, content["end"] - 1
        yield (
            _ENTRIES.said(language),
            _SPAN.said(language).format(first=first, last=last),
        )
    yield from _texts(content, language)
    if "refuse" in content:
        yield _VOTE.said(language), all_said(_VOTES, language)[bool(content["refuse"])]
    if "ends" in content:
        yield (
            _ON_APPEAL.said(language),
            all_said(_RULINGS, language)[bool(content["ends"])],
        )
    for each in content.get("changes") or ():
        yield _EFFECT.said(language), of_both(each, language)
    for name, value in content.items():
        if name not in UNSAID and value not in (None, "", [], {}):
            yield (
                label(FIELDS, name, language=language),
                _value(name, value, language, readable),
            )


def _texts(content: dict[str, Any], language: str) -> Iterator[tuple[str, str]]:
    """Say which texts take the place of which, and what that changes for people."""
    old, new = content.get("before"), content.get("after")
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(new.keys() | old.keys()):
            was, now = old.get(name), new.get(name)
            if was != now:
                yield provision_word(name, language), _change(was, now, language)
    for each in content.get("effects") or ():
        way = label(_WAYS, str(each["direction"]), language=language)
        yield _EFFECT.said(language), f"{way}: {of_both(each, language)}"


def _change(was: object, now: object, language: str) -> str:
    if isinstance(was, dict) and isinstance(now, dict):
        differing = [name for name in now if was.get(name) != now[name]]
        return ", ".join(
            f"{was.get(name)} → {now[name]} {kept_word(name, language)}"
            for name in differing
        )
    return " → ".join(str(each or "-")[:8] for each in (was, now))


def _value(name: str, value: object, language: str, readable: Readable) -> str:
    if isinstance(value, dict):
        if {"person", "on"} <= value.keys():
            return _BY.said(language).format(**value)
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(meaning(name, str(each), language) for each in value)
    if isinstance(value, bool):
        return all_said(_WHETHER, language)[value]
    if isinstance(value, str):
        value = meaning(name, value, language)
    return str(readable(name, value))
