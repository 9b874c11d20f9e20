# SPDX-License-Identifier: Apache-2.0
"""What can go wrong on the command line.

* CliError                 carries the exit status and a hint at the way out
  + SettingsError          a path, credential or option does not fit (2)
  + BadInputError          what was given to the command (5)
  + WrongStateError        the node or the federation is not so far, or further (5)
  + NodeUnreachableError   no node answers here (4)
    - NotRunningError      nothing listens on the node's socket (4)
    - BrokenOffError       the connection broke after the request was sent (4)
  + RefusedError           the node answered with a problem (3, 5, 11 or 1)
  + BrokenAnswerError      what answered does not speak the node's API (1)
  + ProgrammeError         something that we started or checked has failed (1)

Texts begin small and have no full stop. They name an input by its position or
its file, never by its value.
"""

from typing import Final

from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_policies.ground.catalogue import SOURCE, Phrase, all_said, joined

ERROR: Final = Phrase("fedsafe: error: {said}")
"""How a line begins that says what is wrong."""
_HINT: Final = Phrase("fedsafe: hint: {said}")


def words_of(error: Exception) -> str | Phrase:
    """Return what an error of another room says: a phrase if it is one."""
    phrase = getattr(error, "phrase", None)
    return phrase if isinstance(phrase, Phrase) else str(error)


def complaint(said: object, *, language: str) -> str:
    """Return the line that says what is wrong with one of several things."""
    return ERROR.filled(said=said).said(language)


class CliError(Exception):
    """The root: a message, a way out and an exit status."""

    status = ExitStatus.INTERNAL
    code = "failed"
    told = False
    """Whether a document on standard output says it already."""

    def __init__(self, message: str | Phrase, hint: str | Phrase | None = None) -> None:
        super().__init__(str(message))
        self.message = message
        self.hint = hint

    def document(self) -> dict[str, object]:
        """Say it as programs read it."""
        problem = {"code": self.code, "detail": str(self)}
        if self.hint is not None:
            problem["hint"] = str(self.hint)
        return {"exit_status": int(self.status), "problem": problem}

    def diagnostics(self, *, language: str = SOURCE) -> str:
        """Return the lines for standard error."""
        lines = [ERROR.filled(said=self.message)]
        if self.hint is not None:
            lines.append(_HINT.filled(said=self.hint))
        return "\n".join(all_said(lines, language))


class SettingsError(CliError):
    """A path, credential or option does not fit."""

    status = ExitStatus.USAGE
    code = "settings"


class BadInputError(CliError):
    """What was given to the command cannot be used."""

    status = ExitStatus.BAD_INPUT
    code = "bad_input"


class WrongStateError(CliError):
    """The state of the node, or of its federation, does not allow it."""

    status = ExitStatus.BAD_INPUT
    code = "state"


class NodeUnreachableError(CliError):
    """No node answers here."""

    status = ExitStatus.UNREACHABLE
    code = "unreachable"


class NotRunningError(NodeUnreachableError):
    """Nothing listens on the node's socket: the node is stopped, or has died."""


class BrokenOffError(NodeUnreachableError):
    """The connection broke after a request was sent; the act may have happened."""


class BrokenAnswerError(CliError):
    """What answered does not speak the node's API."""

    code = "broken_answer"


class ProgrammeError(CliError):
    """Something that we started or checked has failed."""


class RefusedError(CliError):
    """The node answered with a problem; `code` is its stable word."""

    def __init__(  # noqa: PLR0913 (a problem's fields)
        self,
        http_status: int,
        code: str,
        detail: str | Phrase,
        *,
        hint: str | Phrase | None = None,
        rule: str | None = None,
        retry_after_ms: int | None = None,
        pointer: str | None = None,
    ) -> None:
        super().__init__(joined(" ", [detail, f"({code})"]) if code else detail, hint)
        self.http_status = http_status
        self.code = code
        self.words = detail if isinstance(detail, Phrase) else Phrase(detail)
        self.detail = str(detail)
        self.rule = rule
        self.retry_after_ms = retry_after_ms
        self.pointer = pointer
        self.status = ExitStatus.DENIED if rule else status_of(http_status)


_DENIED = frozenset({401, 403, 426, 451})
_LATER = frozenset({429, 503})
_SERVER = 500


def status_of(http_status: int) -> ExitStatus:
    """Map the status of an answer that is a problem to an exit status."""
    if http_status in _DENIED:
        return ExitStatus.DENIED
    if http_status in _LATER:
        return ExitStatus.DEFERRED
    if http_status >= _SERVER:
        return ExitStatus.INTERNAL
    return ExitStatus.BAD_INPUT
