# SPDX-License-Identifier: Apache-2.0
"""Requests as people write them: names and plain values instead of types.

Used by cases beside a policy and by whoever asks why something is refused. Kinds
are written by name (``"phone"``, ``"pdq"``), people as ``"anna:analyst"``.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from enum import Enum, IntEnum
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

from fedsafe_policies.engine import Request
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.case_start import CaseRequest
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.access import ExportRequest, ReadRequest
from fedsafe_policies.rules.budgets import (
    EvaluationBudgetRequest,
    LookupBudgetRequest,
    PublicationBudgetRequest,
)
from fedsafe_policies.rules.continuation import KeepRequest
from fedsafe_policies.rules.corroboration import CorroborationRequest
from fedsafe_policies.rules.disclosure import OpeningRequest, TransferRequest
from fedsafe_policies.rules.disputes import DisputeRequest, RulingRequest
from fedsafe_policies.rules.erasures import EraseRequest, ErasureDebtRequest
from fedsafe_policies.rules.floods import FloodRequest, FloodRulingRequest
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.legal_gate import GateRequest
from fedsafe_policies.rules.lookups import LookupRequest
from fedsafe_policies.rules.matching import MatchRequest, ReceiptRequest
from fedsafe_policies.rules.notices import WithholdingRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.publication import PublishRequest
from fedsafe_policies.rules.reviews import ReviewRequest
from fedsafe_policies.rules.roles import RoleRequest
from fedsafe_policies.rules.trials import TrialRequest, TrialRulingRequest
from fedsafe_policies.vocabulary import Role

REQUESTS: Final[Mapping[str, type[Request]]] = {
    "gate": GateRequest,
    "publish": PublishRequest,
    "keep": KeepRequest,
    "receipt": ReceiptRequest,
    "match": MatchRequest,
    "lookup": LookupRequest,
    "read": ReadRequest,
    "export": ExportRequest,
    "act": ActRequest,
    "role": RoleRequest,
    "dispute": DisputeRequest,
    "ruling": RulingRequest,
    "review": ReviewRequest,
    "withholding": WithholdingRequest,
    "opening": OpeningRequest,
    "transfer": TransferRequest,
    "erase": EraseRequest,
    "erasure_debt": ErasureDebtRequest,
    "lookup_budget": LookupBudgetRequest,
    "publication_budget": PublicationBudgetRequest,
    "evaluation_budget": EvaluationBudgetRequest,
    "corroboration": CorroborationRequest,
    "flood": FloodRequest,
    "flood_ruling": FloodRulingRequest,
    "trial": TrialRequest,
    "trial_ruling": TrialRulingRequest,
    "case": CaseRequest,
}
"""Every type of request by the name that people write."""


def read_request(name: str, facts: Mapping[str, object]) -> Request:
    """Make a request out of its name and facts.

    Raises:
        PolicyFileError: no such request, or a fact that does not fit; with its key.
    """
    kind = REQUESTS.get(name)
    if kind is None:
        raise PolicyFileError(
            Phrase("want one of {words}").filled(words=", ".join(REQUESTS)),
            key="request",
        )
    return cast("Request", _read(kind, facts, ""))


def facts_of(name: str) -> tuple[str, ...]:
    """Name the facts of a request, those that it must have first."""
    known = fields(cast("Any", REQUESTS[name]))
    return tuple(item.name for item in sorted(known, key=_is_optional))


def _is_optional(item: Any) -> bool:  # noqa: ANN401 - a field of any dataclass
    return item.default is not MISSING or item.default_factory is not MISSING


def _read(kind: Any, value: object, key: str) -> object:  # noqa: ANN401 - any type
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _read_union(get_args(kind), value, key)
    if origin in {frozenset, tuple}:
        if not isinstance(value, list | tuple):
            raise PolicyFileError(Phrase("want a list"), key=key)
        items = (_read(get_args(kind)[0], item, key) for item in value)
        return frozenset(items) if origin is frozenset else tuple(items)
    if kind is Person and isinstance(value, str):
        name, _, role = value.rpartition(":")
        return Person(name or value, cast("Role", _read(Role, role, key)))
    if is_dataclass(kind):
        return _read_facts(kind, value, key)
    if issubclass(kind, Enum):
        return _read_word(kind, value, key)
    return _read_plain(kind, value, key)


def _read_union(kinds: tuple[Any, ...], value: object, key: str) -> object:
    problem = PolicyFileError(Phrase("does not fit"), key=key)
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _read(kind, value, key)
        except PolicyFileError as error:
            problem = error
    raise problem


def _read_facts(kind: Any, value: object, key: str) -> object:  # noqa: ANN401
    if not isinstance(value, Mapping):
        raise PolicyFileError(Phrase("want a table of facts"), key=key)
    hints, known = get_type_hints(kind), {item.name: item for item in fields(kind)}
    place = f"{key}." if key else ""
    for name in value:
        if name not in known:
            raise PolicyFileError(Phrase("unknown key"), key=f"{place}{name}")
    for name, item in known.items():
        if name not in value and not _is_optional(item):
            raise PolicyFileError(Phrase("is missing"), key=f"{place}{name}")
    return kind(
        **{
            name: _read(hints[name], given, f"{place}{name}")
            for name, given in value.items()
        }
    )


def _read_word(kind: type[Enum], value: object, key: str) -> Enum:
    by_name = issubclass(kind, IntEnum)
    words = {item.name.lower() if by_name else item.value: item for item in kind}
    if not isinstance(value, str) or value not in words:
        raise PolicyFileError(
            Phrase("want one of {words}").filled(words=", ".join(words)), key=key
        )
    return words[value]


def _read_plain(kind: type, value: object, key: str) -> object:
    if kind is date and isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise PolicyFileError(
                Phrase("want a day like 2026-11-24"), key=key
            ) from None
    if type(value) is not kind:
        names = {
            bool: Phrase("want true or false"),
            int: Phrase("want a number"),
            str: Phrase("want a text"),
        }
        raise PolicyFileError(names.get(kind, Phrase("want a day")), key=key)
    return value
