# SPDX-License-Identifier: Apache-2.0
"""The playbook of each phenomenon: who does what by when, as a checklist.

`data/playbooks.toml` is the book. A case shows the steps of its phenomenon; what is
ticked off is recorded, nothing is ever forced.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.urgency import Deadline
from fedsafe_policies.escalation.vocabulary import PartnerClass
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Phenomenon, Role

StepId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)")]


class PlayStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step: who, what, by when after somebody knew."""

    role: Role
    within: Deadline
    text: Text


class _Play(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: tuple[StepId, ...]
    partners: frozenset[PartnerClass]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    step: dict[StepId, PlayStep]
    playbook: dict[Phenomenon, _Play]


class Playbook(msgspec.Struct, frozen=True):
    """The steps of a phenomenon in their order, and to whom such a case may go."""

    steps: Mapping[str, PlayStep]
    partners: frozenset[PartnerClass]


def load_playbooks(text: bytes) -> Mapping[Phenomenon, Playbook]:
    """Read a book of playbooks.

    Raises:
        PolicyFileError: it is malformed, lacks a phenomenon, or names a step that it
            does not describe.
    """
    file, written = read_document(text, _File)
    for phenomenon in Phenomenon:
        if phenomenon not in file.playbook:
            raise PolicyFileError(Phrase("is lacking"), key=f"playbook.{phenomenon}")
        for step in file.playbook[phenomenon].steps:
            if step not in file.step:
                fault = PolicyFileError(
                    Phrase("names no step of this book: {step}").filled(step=step),
                    key=f"playbook.{phenomenon}.steps",
                )
                raise locate(fault, written)
    return MappingProxyType(
        {
            phenomenon: Playbook(
                MappingProxyType({step: file.step[step] for step in play.steps}),
                play.partners,
            )
            for phenomenon, play in file.playbook.items()
        }
    )


@cache
def playbooks() -> Mapping[Phenomenon, Playbook]:
    """Return the shipped playbooks, one for each phenomenon."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_playbooks(folder.joinpath("playbooks.toml").read_bytes())
