# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in fedsafe_policies.

A refusal is no error: it is a `Decision`. Errors are for documents that cannot be
read, and for names that nobody shipped.

* PolicyError
  + CasePackageError
  + NothingForPartnerError
  + PolicyFileError
  + RenderingError
  + UnknownPolicyError
"""


class PolicyError(Exception):
    """The root of all errors of this room."""


class PolicyFileError(PolicyError):
    """A policy document is malformed, or looser than the rules allow."""

    def __init__(self, problem: str, *, key: str = "", line: int | None = None) -> None:
        place = f"line {line}: " if line else ""
        subject = f"{key}: " if key else ""
        super().__init__(f"{place}{subject}{problem}")
        self.problem = problem
        self.key = key
        self.line = line


class UnknownPolicyError(PolicyError):
    """No policy of this name is shipped."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no policy {name!r} is shipped, only {', '.join(known)}")
        self.name = name
        self.known = known


class CasePackageError(PolicyError):
    """A case package does not fit its schema, or holds what it must not."""

    def __init__(self, problem: str, *, path: str = "") -> None:
        super().__init__(problem)
        self.path = path


class RenderingError(PolicyError):
    """A case cannot be written in a form; `code` says why, for programs."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code


class NothingForPartnerError(PolicyError):
    """A class of partner may receive nothing of a case, or not on what is recorded."""

    def __init__(self, partner: str, lacking: tuple[str, ...] = ()) -> None:
        why = f"without {', '.join(lacking)}" if lacking else "of any case"
        super().__init__(f"{partner} receives nothing {why}")
        self.partner = partner
        self.lacking = lacking
