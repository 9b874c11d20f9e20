# SPDX-License-Identifier: Apache-2.0
"""The urgencies: what triggers each, who releases, and by when; as data.

`data/urgency.toml` is the table. The first of all rules is in it too: in imminent
danger a person calls 110 before any form is shown.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Module


@unique
class Unit(StrEnum):
    """What a deadline counts; only working days follow a calendar."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    MONTHS = "months"


@unique
class Release(StrEnum):
    """Who lets a package go."""

    ONE_THEN_SECOND = "one_then_second"
    TWO_PEOPLE = "two_people"
    OFFICER_AND_DPO = "officer_and_dpo"
    ONE_WITH_CONSENT = "one_with_consent"


@unique
class Fallback(StrEnum):
    """What follows when nobody acknowledges in time."""

    NEXT_CONTACT = "next_contact"
    MANAGEMENT = "management"
    SECOND_CHANNEL = "second_channel"
    PHONE = "phone"
    REMINDER = "reminder"
    OTHER_OFFERS = "other_offers"


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long something may take."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=365)]
    unit: Unit


class UrgencyRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One urgency; `second_look` is by when a second person looks afterwards.

    `call` is by when somebody has telephoned, where a call comes first; `training` is
    what whoever releases it alone has been trained in, beside what the role takes.
    """

    name: Text
    trigger: Text
    release: Release
    first_dispatch: Deadline
    acknowledgement: Deadline
    call: Deadline | None = None
    second_look: Deadline | None = None
    training: Module | None = None
    fallback: tuple[Fallback, ...]
    before_form: tuple[Text, ...]


class _Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    u0: UrgencyRow
    u1: UrgencyRow
    u2: UrgencyRow
    u3: UrgencyRow
    uh: UrgencyRow


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    urgencies: _Rows


def load_urgencies(text: bytes) -> Mapping[Urgency, UrgencyRow]:
    """Read a table of urgencies.

    Raises:
        PolicyFileError: it is malformed, lacks an urgency, or lets one person alone
            release without a training and a second look, or does not send to 110
            first, with a time for the call.
    """
    file, written = read_document(text, _File)
    table = {urgency: getattr(file.urgencies, urgency) for urgency in Urgency}
    for key, problem in _faults(table):
        raise locate(PolicyFileError(problem, key=f"urgencies.{key}"), written)
    return MappingProxyType(table)


def _faults(table: Mapping[Urgency, UrgencyRow]) -> Iterator[tuple[str, Phrase]]:
    for urgency, row in table.items():
        alone = row.release is Release.ONE_THEN_SECOND
        if alone and urgency is not Urgency.U0:
            yield f"{urgency}.release", Phrase("one person alone releases in u0 only")
        if alone and row.second_look is None:
            yield f"{urgency}.second_look", Phrase("is lacking")
        if alone and row.training is None:
            yield f"{urgency}.training", Phrase("is lacking")
    first = table[Urgency.U0].before_form[:1]
    if not first or "110" not in first[0].de or "110" not in first[0].en:
        yield "u0.before_form", Phrase("has to begin with 110")
    if table[Urgency.U0].call is None:
        yield "u0.call", Phrase("is lacking")


@cache
def urgencies() -> Mapping[Urgency, UrgencyRow]:
    """Return the shipped table, one row for each urgency."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_urgencies(folder.joinpath("urgency.toml").read_bytes())


def before_form(urgency: Urgency) -> tuple[Text, ...]:
    """Return what a person is shown before anything is asked of them."""
    return urgencies()[urgency].before_form
