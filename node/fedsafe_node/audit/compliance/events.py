# SPDX-License-Identifier: Apache-2.0
"""What each event of the audit log means: `data/events.toml`, read and written out.

Run as a module it prints `docs/reference/events.md`.
"""

import re
import sys
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from fedsafe_node.log.audit import Event
from fedsafe_policies.ground.reasons import Text

_HEAD: Final = """\
# Events of the audit log

<!-- Generated from data/events.toml: python -m fedsafe_node.audit.compliance.events -->

Every act leaves an event in the node's log `<node>/audit`, durable before its effect
or answer leaves the node. In clear each has its class, moment and outcome, what it was
for and on which legal basis, and which rule of which policy decided. Who acted
(`actor`), on whose account (`subject`) and with which details (`detail`) are salted
commitments; what they commit to can be read for a purpose, and erased. People appear
under a pseudonym that changes each quarter.

An account appears under its `subject_ref`, the provider's own opaque name for it. That
is its pseudonym: nobody but the provider can tell whose it is, and the provider has to
find by it what the log says of somebody who asks (Art. 15 GDPR).

An identifier, token or key is in none of them. `fedsafe audit search --event CLASS`
lists those of one class.
"""


_CLAUSE: Final = re.compile(r"[:;(]")
"""What a meaning says behind one is for whoever reads the list of events."""


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an event is written; `staff`: its actor can be a member of staff."""

    staff: bool
    de: str
    en: str


class Chapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events that belong together."""

    title: Text
    events: dict[Event, Meaning]


class _Chapters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    node: Chapter
    staff: Chapter
    gate: Chapter
    signals: Chapter
    cases: Chapter
    members: Chapter
    log: Chapter


@cache
def chapters() -> dict[str, Chapter]:
    """Return all chapters by name, in their order."""
    folder = files("fedsafe_node.audit.compliance").joinpath("data")
    tree = tomllib.loads(folder.joinpath("events.toml").read_text("utf-8"))
    found = msgspec.convert(tree, _Chapters)
    names = [name for name in _Chapters.__struct_fields__ if name != "format"]
    return {name: getattr(found, name) for name in names}


@cache
def meanings() -> dict[Event, Meaning]:
    """Return the meaning of every event that has one."""
    return {
        event: meaning
        for chapter in chapters().values()
        for event, meaning in chapter.events.items()
    }


def in_short(event: str, language: str) -> str:
    """Say in few words when an event is written; the code of one that is newer."""
    try:
        meaning = meanings()[Event(event)]
    except (KeyError, ValueError):
        return event
    text = meaning.de if language == "de" else meaning.en
    return _CLAUSE.split(text, maxsplit=1)[0].replace("`", "").strip()


def page() -> str:
    """Write the reference page of all events, in English."""
    parts = [_HEAD]
    for chapter in chapters().values():
        if chapter.events:
            rows = "".join(
                f"| `{event.value}` | {meaning.en} |\n"
                for event, meaning in chapter.events.items()
            )
            head = f"## {chapter.title.en}\n\n| event | written when |\n|---|---|\n"
            parts.append(head + rows)
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
