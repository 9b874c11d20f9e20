# SPDX-License-Identifier: Apache-2.0
"""Policies, cases and calendars from files, or by the names that are shipped.

`fedsafe_policies` is loaded only when something is opened.
"""

from typing import TYPE_CHECKING, Final

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.files import read_small
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_policies.checks.policy_cases import Case
    from fedsafe_policies.documents.legal_calendar import Calendar
    from fedsafe_policies.documents.policy import Policy
    from fedsafe_policies.documents.strictness import Loosening

MAX_BYTES: Final = 1 << 20


def open_text(name: str) -> bytes:
    """Return the exact bytes of a shipped policy or of a file.

    Raises:
        BadInputError: there is neither.
    """
    from fedsafe_policies.documents.policy import SHIPPED, shipped_text  # noqa: PLC0415 (slow)

    if name in SHIPPED:
        return shipped_text(name)
    hint = Phrase("shipped are {names}; else name a file").filled(
        names=", ".join(SHIPPED)
    )
    return read_small(name, MAX_BYTES, hint)


def open_policy(name: str) -> "Policy":
    """Load a shipped policy or a file.

    Raises:
        BadInputError: there is neither, or it is no policy.
    """
    from fedsafe_policies.documents.policy import load_policy  # noqa: PLC0415
    from fedsafe_policies.errors import PolicyFileError  # noqa: PLC0415 (slow)

    try:
        return load_policy(open_text(name))
    except PolicyFileError as error:
        raise BadInputError(
            Phrase("{name}: {why}").filled(name=name, why=error)
        ) from None


def open_matrix(name: str, federation: str | None) -> "tuple[str, list[Loosening]]":
    """Load a matrix; return its reference, and where it gives more than the shipped.

    Raises:
        BadInputError: there is no such file, it is no matrix, or a federation's policy
            is named beside it.
    """
    from fedsafe_policies.errors import PolicyFileError  # noqa: PLC0415 (slow)
    from fedsafe_policies.escalation.matrix import (  # noqa: PLC0415
        load_matrix,
        shipped_matrix,
    )
    from fedsafe_policies.escalation.own_matrix import looser_cells  # noqa: PLC0415

    if federation is not None:
        raise BadInputError(
            Phrase("a matrix is compared with the shipped one: leave --federation out")
        )
    try:
        own = load_matrix(read_small(name, MAX_BYTES, "name the file of a matrix"))
    except PolicyFileError as error:
        raise BadInputError(
            Phrase("{name}: {why}").filled(name=name, why=error)
        ) from None
    return own.reference, list(looser_cells(own, shipped_matrix()))


def open_cases(name: str, file: str | None) -> "tuple[Case, ...]":
    """Load the cases that lie beside a policy, or those of a file.

    Raises:
        BadInputError: there are none, or they are malformed.
    """
    from fedsafe_policies.checks.policy_cases import load_cases, shipped_cases  # noqa: PLC0415
    from fedsafe_policies.documents.policy import SHIPPED  # noqa: PLC0415
    from fedsafe_policies.errors import PolicyFileError  # noqa: PLC0415

    if file is None and name in SHIPPED:
        return shipped_cases(name)
    beside = file or f"{name.removesuffix('.toml')}.cases.toml"
    try:
        return load_cases(read_small(beside, MAX_BYTES, "cases lie in NAME.cases.toml"))
    except PolicyFileError as error:
        raise BadInputError(
            Phrase("{beside}: {why}").filled(beside=beside, why=error)
        ) from None


def open_calendar(file: str | None) -> "Calendar":
    """Load the shipped legal calendar, with a provider's own file on top.

    Raises:
        BadInputError: the file cannot be read, or is malformed.
    """
    from fedsafe_policies.documents.legal_calendar import (  # noqa: PLC0415
        load_calendar,
        shipped_calendar,
    )
    from fedsafe_policies.errors import PolicyFileError  # noqa: PLC0415 (slow)

    if file is None:
        return shipped_calendar()
    try:
        return load_calendar(read_small(file, MAX_BYTES), shipped_calendar())
    except PolicyFileError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=file, why=error)
        ) from None
