# SPDX-License-Identifier: Apache-2.0
"""Why the node once allowed or refused: an audit event, and the policy of its day.

The event names rule, code and policy; the node keeps the text of every policy that
it has decided by, so what that policy says of the rule can be shown years later.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fedsafe_cli.terminal.errors import BadInputError, BrokenAnswerError
from fedsafe_cli.terminal.findings import read_for
from fedsafe_cli.terminal.labels import coded, field
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.output import document, line, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import in_either
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_policies.ground.reasons import Text

_REFERENCE: Final = re.compile(r"[a-z][a-z0-9-]*@([0-9a-f]{8})")
_NOT_KEPT: Final = Phrase("(not kept here)")
_REFUSED: Final = "refused"


def explain_event(settings: Settings, index: int, purpose: str | None) -> None:
    """Print why an entry of the audit log was allowed, or refused.

    Raises:
        BadInputError: there is no such entry, or no rule decided it.
    """
    event = _event(settings, index, purpose)
    detail = event.get("detail") or {}
    rule, code, policy = (str(event.get(name)) for name in ("rule", "code", "policy"))
    if not event.get("rule"):
        raise BadInputError(
            Phrase("entry {index} ({event}) is no decision of a rule").filled(
                index=index, event=event.get("event")
            ),
            Phrase("`fedsafe audit show` lists the entries; decisions name a rule"),
        )
    effect = "deny" if event.get("event") == _REFUSED else "allow"
    reason = _reason(code, effect)
    passage = _passage(Path(settings.directory()), policy, rule)
    if settings.json:
        both = {"de": reason.de, "en": reason.en} if reason else None
        told = {"event": event, "effect": effect, "reason": both, "passage": passage}
        document(told)
        return
    said = (in_either(reason, settings.language)) if reason else None
    bare = _NOT_KEPT.said(settings.language)
    rows: list[tuple[str, object]] = [
        ("entry", f"{index}, {readable('at', event.get('at'))}"),
        ("event", " ".join(filter(None, (event.get("event"), detail.get("act"))))),
        ("effect", coded(effect, settings)),
        ("rule", rule),
        ("code", code),
        ("about", detail.get("about")),
        ("reason", said),
        ("policy", policy if passage is not None else f"{policy} {bare}"),
    ]
    pairs([(field(name, settings), value) for name, value in rows], indent="")
    for text in (passage or "").splitlines():
        line(f"  {text}".rstrip())


def _event(settings: Settings, index: int, purpose: str | None) -> dict[str, Any]:
    target = read_for(f"/v1/audit/events?since={index}&limit=1", purpose)
    answer = personal(settings).get(target)
    events = answer.get("events") if isinstance(answer, dict) else None
    if not isinstance(events, list):
        raise BrokenAnswerError(Phrase("the node's answer lists no events"))
    if not events:
        raise BadInputError(
            Phrase("the audit log has no entry {index}").filled(index=index)
        )
    found: dict[str, Any] = events[0]
    if found.get("index") != index:
        first = found.get("index")
        raise BadInputError(
            Phrase(
                "entry {index} was pruned; the first that is there is {first}"
            ).filled(index=index, first=first),
            Phrase("an evidence pack from before still holds it, if there is one"),
        )
    return found


def _reason(code: str, effect: str) -> "Text | None":
    from fedsafe_policies.rules.grants import ALLOWED  # noqa: PLC0415 (slow to load)
    from fedsafe_policies.rules.refusals import REFUSED  # noqa: PLC0415

    texts = REFUSED if effect == "deny" else ALLOWED
    return next((text for key, (_, text) in texts.items() if key.value == code), None)


def _passage(directory: Path, policy: str, rule: str) -> str | None:
    """Find what the policy of that reference says of a rule; none if it is not kept."""
    found = _REFERENCE.fullmatch(policy)
    if found is None:
        return None
    for path in sorted((directory / "policies").glob(f"{found[1]}*.toml")):
        text = path.read_bytes()
        if hashlib.sha256(text).hexdigest() == path.stem:
            return "\n\n".join(_paragraphs(text.decode(), rule))
    return None


def _paragraphs(text: str, rule: str) -> Iterator[str]:
    named = re.compile(rf"# P\d.*\b{re.escape(rule)}\b|# {re.escape(rule)}\b")
    for paragraph in re.split(r"\n\s*\n", text):
        if named.match(paragraph.strip()):
            yield paragraph.strip()
