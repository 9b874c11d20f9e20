# SPDX-License-Identifier: Apache-2.0
"""A file of answers that a killed run is resumed with: one JSON line an input.

What is in it whole has been asked, and is not asked again; a line that the end of a
process has cut is taken away. Of an input memory keeps eight bytes. Each line says
what was asked, so that no run goes on with the answers of another.
"""

import fcntl
import json
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from io import BufferedRandom
from typing import Any, Final, Self

from fedsafe_cli.terminal.errors import (
    BadInputError,
)
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_MARK_BYTES: Final = 8
_PART: Final = 1 << 20

_KEYS: Final = ("file_hex", "file", "line")


class AnswerFile:
    """Where answers go; open it with `opened`."""

    def __init__(
        self, stream: BufferedRandom, path: str, asked: Mapping[str, object] | None
    ) -> None:
        self._stream = stream
        self._asked = None if asked is None else dict(asked)
        self._name = os.path.basename(path)  # noqa: PTH119 (pathlib is slow)
        # Nobody who chooses names can make two of them one to us.
        self._secret = os.urandom(16)
        self._held = array("Q")
        self.count = 0
        """How many answers it has."""

    @classmethod
    @contextmanager
    def opened(
        cls, path: str, asked: Mapping[str, object] | None, *, resume: bool
    ) -> Iterator[Self]:
        """Make a new file, or go on with one; *asked* says what all its lines ask.

        Without it they ask nothing: it is one of digests.

        Raises:
            BadInputError: it is there, or is not there, or is none of answers, or
                of other ones, or others can write it, or another run has it.
        """
        shown = printable(path)
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            new = 0 if resume else os.O_CREAT | os.O_EXCL
            descriptor = os.open(path, flags | new, 0o600)
        except FileExistsError:
            raise BadInputError(
                Phrase("{file} is there already").filled(file=shown),
                Phrase("go on with it by --resume, or name a new file"),
            ) from None
        except FileNotFoundError:
            raise BadInputError(
                Phrase("{file} is not there").filled(file=shown),
                Phrase("begin without --resume"),
            ) from None
        except (OSError, ValueError) as error:
            why = reason_of(error)
            raise BadInputError(
                Phrase("{file}: {why}").filled(file=shown, why=why)
            ) from None
        with os.fdopen(descriptor, "r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BadInputError(
                    Phrase("another run writes {file}").filled(file=shown)
                ) from None
            made = cls(stream, path, asked)
            if resume:
                made._check_owner(shown)
                made._read(shown)
            yield made

    def _check_owner(self, shown: str) -> None:
        """Refuse a file in which somebody else may have written answers."""
        status = os.fstat(self._stream.fileno())
        if status.st_uid == os.geteuid() and not status.st_mode & 0o022:
            return
        raise BadInputError(
            Phrase("others than you can write {file}").filled(file=shown),
            Phrase("take a file of your own that nobody else can write: chmod go-w"),
        )

    def has(self, named: dict[str, object]) -> bool:
        """Tell whether the answer about an input was there at the start."""
        mark = self._mark(named)
        place = bisect_left(self._held, mark)
        return place < len(self._held) and self._held[place] == mark

    def is_at(self, path: str) -> bool:
        """Tell whether a path is that of this very file."""
        if os.path.basename(path) != self._name:  # noqa: PTH119 (pathlib is slow)
            return False
        try:
            status = os.lstat(path)
        except OSError:
            return False
        own = os.fstat(self._stream.fileno())
        return (status.st_dev, status.st_ino) == (own.st_dev, own.st_ino)

    def write(self, entry: dict[str, Any]) -> None:
        """Add an answer."""
        if self._asked is not None:
            entry = entry | {"asked": self._asked}
        text = json.dumps(entry, ensure_ascii=True, separators=(",", ":"))
        self._stream.write(text.encode() + b"\n")
        self.count += 1

    def keep(self) -> None:
        """Make durable what was added."""
        self._stream.flush()
        os.fdatasync(self._stream.fileno())

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield the answers that it has, from its beginning."""
        self._stream.seek(0)
        for line in self._stream:
            yield json.loads(line)
        self._stream.seek(0, os.SEEK_END)

    def _read(self, shown: str) -> None:
        whole, marks = 0, array("Q")
        for number, line in enumerate(self._stream, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                marks.append(self._mark(entry))
            except (ValueError, AttributeError):
                raise BadInputError(
                    Phrase("{file}: line {number} is no answer").filled(
                        file=shown, number=number
                    ),
                    Phrase("resume with a file that --output has made"),
                ) from None
            self._compare(entry, shown)
            whole += len(line)
        self._stream.seek(whole)
        self._stream.truncate()
        self._held = array("Q", sorted(marks))
        self.count = len(marks)

    def _compare(self, entry: dict[str, Any], shown: str) -> None:
        """Refuse the lines of a run that asked something else."""
        there, here = entry.get("asked"), self._asked
        if there == here and ("result" in entry) == (here is not None):
            return
        if here is None:
            why = Phrase("{file} has answers of `fedsafe match`, no digests")
            why = why.filled(file=shown)
        elif "result" not in entry:
            why = Phrase("{file} has digests of `fedsafe hash`, no answers")
            why = why.filled(file=shown)
        else:
            known = there if isinstance(there, dict) else {}
            names = [name for name in here if known.get(name) != here[name]]
            why = Phrase("{file} is of a run with another {names}").filled(
                file=shown, names=", ".join(names) or "list"
            )
        way_out = Phrase("repeat its own command with --resume, or name a new file")
        raise BadInputError(why, way_out)

    def _mark(self, named: dict[str, Any]) -> int:
        key = min(named.keys() & _KEYS, key=_KEYS.index)
        said = [key, named[key]]
        if key == "line":  # another list, or this one since, may have others there
            said += [named.get("name"), named.get("input")]
        text = json.dumps(said).encode()
        mark = blake2b(text, digest_size=_MARK_BYTES, key=self._secret).digest()
        return int.from_bytes(mark)
