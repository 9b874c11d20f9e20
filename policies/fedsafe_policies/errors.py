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

from fedsafe_policies.ground.catalogue import Phrase


class PolicyError(Exception):
    """The root of all errors of this room."""


class PolicyFileError(PolicyError):
    """A policy document is malformed, or looser than the rules allow."""

    def __init__(
        self, problem: str | Phrase, *, key: str = "", line: int | None = None
    ) -> None:
        said: str | Phrase = problem
        if key:
            said = Phrase("{key}: {problem}").filled(key=key, problem=said)
        if line:
            said = Phrase("line {line}: {problem}").filled(line=line, problem=said)
        super().__init__(str(said))
        self.phrase = said if isinstance(said, Phrase) else None
        self.problem = str(problem)
        self.told = problem
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

    def __init__(self, problem: str | Phrase, *, path: str = "") -> None:
        super().__init__(str(problem))
        self.phrase = problem if isinstance(problem, Phrase) else None
        self.path = path


class RenderingError(PolicyError):
    """A case cannot be written in a form; `code` says why, for programs."""

    def __init__(self, code: str, problem: str | Phrase) -> None:
        super().__init__(str(problem))
        self.phrase = problem if isinstance(problem, Phrase) else None
        self.code = code


class NothingForPartnerError(PolicyError):
    """A class of partner may receive nothing of a case, or not on what is recorded."""

    def __init__(self, partner: str, lacking: tuple[str, ...] = ()) -> None:
        why = f"without {', '.join(lacking)}" if lacking else "of any case"
        super().__init__(f"{partner} receives nothing {why}")
        self.partner = partner
        self.lacking = lacking
