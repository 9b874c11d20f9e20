# SPDX-License-Identifier: Apache-2.0
"""What an act is, in words: whoever approves it must be able to read it."""

from collections.abc import Iterator
from typing import Any, Final

from fedsafe_cli.acts.act_values import kept_word, meaning, provision_word
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.texts import label, words

Words = dict[str, tuple[str, str]]

KINDS: Final[Words] = {
    "permanent_ban": ("Konto auf Dauer schließen", "close an account for good"),
    "export_with_openings": (
        "Auszug mit Angaben",
        "evidence pack with openings",
    ),
    "pseudonym_reveal": ("Pseudonym aufdecken", "reveal a pseudonym"),
    "gate_opening": ("rechtliche Freigabe öffnen", "open the legal gate"),
    "breach_silence": (
        "Datenpanne ohne Meldung abschließen",
        "close a breach without notification",
    ),
    "subject_erasure": ("ein Konto löschen", "erase an account"),
    "request_grant": ("Antrag stattgeben und löschen", "grant a request, and erase"),
    "recipient_silence": (
        "einen Empfänger in Auskünften nicht nennen",
        "leave a recipient out of answers to persons",
    ),
    "quarantine_end": (
        "zurückgeben, was von einem Mitglied beiseitegelegt ist",
        "give back what is set aside of a member",
    ),
    "flood_bound": (
        "ein Signal, das viele trifft, sieben Tage lang mehr einschränken lassen",
        "let a signal that matches many restrict more for seven days",
    ),
    "appeal_ruling": (
        "über eine Beschwerde entscheiden",
        "rule on an appeal",
    ),
    "identity_check": (
        "eine Person, die einen Antrag stellt, ist die, um die es geht",
        "who makes a request is the person it is about",
    ),
    "policy_change": (
        "nach anderen Texten entscheiden",
        "decide by other texts",
    ),
    "role_grant": ("Rolle geben", "grant a role"),
    "key_rotation": ("neue Anteile am Schlüssel", "share the key anew"),
    "charter_change": ("Änderung der Charta", "change the charter"),
    "dispatch": ("einen Fall weitergeben", "let a case go"),
    "actor_signal": ("Signal über eine Person", "signal about a person"),
    "own_ban": ("eigene Sperre", "own ban"),
    "media_signal": ("Signal über eine Datei", "signal about a file"),
}
_NEW_EPOCH: Final = (
    "eine neue Schlüsselepoche beginnen, mit einem neuen Schlüssel",
    "begin a new key epoch, with a new key",
)
GATE_FIELDS: Final[Words] = {
    "legal_basis": ("Rechtsgrundlage", "legal basis"),
    "balancing_test": ("Interessenabwägung", "balancing test"),
    "dpia": ("Folgenabschätzung", "impact assessment"),
    "consultation": ("Konsultation", "consultation"),
    "consultation_reference": (
        "Verweis zur Konsultation",
        "reference of the consultation",
    ),
    "arrangement": ("Vereinbarung", "arrangement"),
    "dpo_approval": ("Zustimmung Datenschutz", "approval of the dpo"),
    "management_approval": ("Zustimmung Leitung", "approval of the management"),
    "valid_until": ("gilt bis", "valid until"),
    "register": ("Schutzkonzept-Register", "Schutzkonzept register"),
}
FIELDS: Final[Words] = GATE_FIELDS | {
    "task": ("Prüfung", "task"),
    "flood": ("Trefferflut", "match flood"),
    "signal": ("Signal", "signal"),
    "bound": ("Grenze am Tag", "bound a day"),
    "revision": ("Fassung", "revision"),
    "level": ("Stufe", "level"),
    "evidence": ("Beleg", "evidence"),
    "dwell": ("Sekunden seit dem ersten Blick", "seconds since the first look"),
    "reason": ("Grund", "reason"),
    "rule": ("Regel", "rule"),
    "phenomenon": ("Erscheinungsform", "phenomenon"),
    "surface": ("Fundort", "surface"),
    "grade": ("Beleglage", "grade"),
    "source": ("Anlass der Feststellung", "what led to the finding"),
    "hearing": ("Anhörung", "hearing"),
    "request": ("Antrag", "request"),
    "asks": ("verlangt", "asks for"),
    "control": ("gezeigt durch", "shown by"),
    "seen_on": ("gesehen am", "seen on"),
    "signals": ("Signale", "signals"),
    "account": ("mit allem zum Konto des Antrags", "with all of the request's account"),
    "name": ("Person", "person"),
    "role": ("Rolle", "role"),
    "since": ("seit", "since"),
    "until": ("bis", "until"),
    "pseudonym": ("Pseudonym", "pseudonym"),
    "subject_ref": ("Konto", "account"),
    "breach": ("Datenpanne", "breach"),
    "silence": ("nicht gemeldet, weil", "not notified because"),
    "risk": ("Risiko", "risk"),
    "entry": ("Stand nach Eintrag", "as it stood at entry"),
    "pack": ("Auszug mit Eintrag", "evidence pack of entry"),
    "note": ("Verweis", "reference"),
    "events": ("Ereignisse", "events"),
    "recipient": ("gemacht für", "made for"),
    "policy": ("Richtlinie", "policy"),
    "charter": ("Charta", "charter"),
    "member": ("Mitglied", "member"),
    "case": ("Fall", "case"),
    "partners": ("an", "to"),
    "first": ("ab Eintrag", "from record"),
    "version": ("Fassung", "version"),
    "epoch": ("Epoche", "epoch"),
    "generation": ("Generation", "generation"),
    "threshold": ("Schwelle", "threshold"),
    "appeal": ("Beschwerde", "appeal"),
    "origin": ("Ursprung", "origin"),
    "disputed_by": ("bestritten von", "disputed by"),
    "instead_of": ("anstelle von", "instead of"),
}
_ENTRIES: Final = ("Einträge", "entries")
_SPAN: Final = ("{first} bis {last}", "{first} to {last}")
_BY: Final = ("{person} am {on}", "{person} on {on}")
_EFFECT: Final = ("Wirkung", "effect")
UNSAID: Final = frozenset(
    {
        *("nonce", "start", "end", "after", "before", "gate", "effects"),
        *("payload", "changes", "refuse", "opens", "ends"),
    }
)
_VOTE: Final = ("Stimme", "vote")
_VOTES: Final = (
    ("diese Fassung unterschreiben", "diese Fassung nie unterschreiben"),
    ("sign this version", "never sign this version"),
)
_WHETHER: Final = (("nein", "ja"), ("no", "yes"))
_ON_APPEAL: Final = ("Entscheidung", "ruling")
_RULINGS: Final = (
    ("das Signal bleibt bestehen", "das Signal endet überall, für immer"),
    ("the signal stands", "the signal ends everywhere, for good"),
)
_STATES: Final[Words] = {
    "pending": ("wartet auf eine zweite Person", "waits for a second person"),
    "done": ("ausgeführt", "done"),
    "withdrawn": ("zurückgezogen", "withdrawn"),
    "expired": ("verfallen", "expired"),
}
_WORDS: Final[Words] = {
    "nothing": ("nichts wartet", "nothing waits"),
    "act": ("Vorgang", "act"),
    "kind": ("was", "what"),
    "asked_by": ("beantragt von", "asked by"),
    "expires_at": ("verfällt", "expires"),
    "state": ("Stand", "state"),
    "digest": ("Prüfsumme", "digest"),
}


def act_kind(act: dict[str, Any], *, german: bool) -> str:
    """Say what kind of act it is."""
    if (act.get("content") or {}).get("opens"):
        return _NEW_EPOCH[not german]
    return label(KINDS, str(act["kind"]), german=german)


def act_state(act: dict[str, Any], *, german: bool) -> str:
    """Say how an act stands."""
    return label(_STATES, str(act["state"]), german=german)


def act_word(name: str, *, german: bool) -> str:
    """Name what every act has."""
    return label(_WORDS, name, german=german)


def act_rows(act: dict[str, Any], *, german: bool) -> Iterator[tuple[str, str]]:
    """Give names and values of what is to be approved, all but what says nothing."""
    content, other = act.get("content") or {}, not german
    content = content | (content.get("gate") or {})
    if "end" in content:
        first, last = content.get("start") or 0, content["end"] - 1
        yield _ENTRIES[other], _SPAN[other].format(first=first, last=last)
    yield from _texts(content, other)
    if "refuse" in content:
        yield _VOTE[other], _VOTES[other][bool(content["refuse"])]
    if "ends" in content:
        yield _ON_APPEAL[other], _RULINGS[other][bool(content["ends"])]
    for each in content.get("changes") or ():
        yield _EFFECT[other], each["en" if other else "de"]
    for name, value in content.items():
        if name not in UNSAID and value not in (None, "", [], {}):
            yield label(FIELDS, name, german=german), _value(name, value, other)


def _texts(content: dict[str, Any], other: bool) -> Iterator[tuple[str, str]]:  # noqa: FBT001
    """Say which texts take the place of which, and what that changes for people."""
    old, new = content.get("before"), content.get("after")
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(new.keys() | old.keys()):
            was, now = old.get(name), new.get(name)
            if was != now:
                yield provision_word(name, int(other)), _change(was, now, other)
    for each in content.get("effects") or ():
        way = words(each["direction"], german=not other)
        yield _EFFECT[other], f"{way}: {each['en' if other else 'de']}"


def _change(was: object, now: object, other: bool) -> str:  # noqa: FBT001
    if isinstance(was, dict) and isinstance(now, dict):
        differing = [name for name in now if was.get(name) != now[name]]
        return ", ".join(
            f"{was.get(name)} → {now[name]} {kept_word(name, int(other))}"
            for name in differing
        )
    return " → ".join(str(each or "-")[:8] for each in (was, now))


def _value(name: str, value: object, other: bool) -> str:  # noqa: FBT001
    if isinstance(value, dict):
        if {"person", "on"} <= value.keys():
            return _BY[other].format(**value)
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(meaning(name, str(each), int(other)) for each in value)
    if isinstance(value, bool):
        return _WHETHER[other][value]
    if isinstance(value, str):
        value = meaning(name, value, int(other))
    return str(readable(name, value))
