# SPDX-License-Identifier: Apache-2.0
"""Read the policies' documents: TOML in UTF-8, closed types, errors with lines."""

import re
import tomllib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase

T = TypeVar("T")


def read_document(
    text: bytes,
    type_: type[T],
    *,
    dec_hook: Callable[[type, Any], Any] | None = None,
) -> tuple[T, str]:
    """Read a document; also give its text, to find the lines of later misfits.

    Raises:
        PolicyFileError: it is no TOML, or does not fit the type.
    """
    try:
        written = text.decode()
        tree = tomllib.loads(written)
    except UnicodeDecodeError:
        raise PolicyFileError(Phrase("not UTF-8")) from None
    except (ValueError, RecursionError) as error:
        raise PolicyFileError(Phrase("not TOML: {why}").filled(why=error)) from None
    try:
        return msgspec.convert(tree, type_, dec_hook=dec_hook), written
    except msgspec.ValidationError as error:
        raise describe(str(error), written) from None


# Where in a TOML text a key stands, so that a refusal can name its line.
#
# The decoder knows the path of a misfit, not its line. The text is searched for the key
# inside its table; a key that is written in an unusual way is named without a line. Of
# an array of tables (``[[rulebook.rules]]``) the path holds the number.

_PATH = re.compile(r" - at `(?:key` in `)?\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"contains unknown field `([^`]*)`")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?$")
_ITEM = re.compile(r"\s*\[\[([^\[\]]+)\]\]\s*(#.*)?$")
_INDEX = re.compile(r"\[(\.\.\.|\d+)\]")


def describe(problem: str, text: str) -> PolicyFileError:
    """Make the decoder's `problem` an error that names key and line."""
    found = _PATH.search(problem)
    path = found[1] if found else ""
    unknown = _UNKNOWN.search(problem)
    if unknown:
        path = f"{path}.{unknown[1]}" if path else unknown[1]
        return PolicyFileError(
            Phrase("unknown key"), key=_key(path), line=line_of(path, text)
        )
    sentence = _PATH.sub("", problem)
    sentence = sentence[:1].lower() + sentence[1:]
    return PolicyFileError(sentence, key=_key(path), line=line_of(path, text))


def locate(error: PolicyFileError, text: str) -> PolicyFileError:
    """Add the line of the error's key."""
    line = error.line or line_of(error.key, text)
    return PolicyFileError(error.told, key=error.key, line=line)


def line_of(path: str, text: str) -> int | None:
    """Find the line of a key: ``share.surfaces``, ``rulebook.rules[1].level``.

    The line of its table stands in for a key that is not written. ``[...]`` is
    any one table (``training[...].valid``), if only one has the key.
    """
    key = path.removesuffix("[...]")
    while key:
        lines = _lines(key, text)
        if lines:
            return lines[0] if len(lines) == 1 or "[...]" not in key else None
        key = key.rpartition(".")[0]
    return None


def _key(path: str) -> str:
    return _INDEX.sub("", path).removesuffix(".")


def _lines(key: str, text: str) -> list[int]:
    table, _, leaf = key.rpartition(".")
    name = re.escape(_INDEX.sub("", leaf))
    written = re.compile(rf'\s*"?{name}"?\s*=')
    inside, whole = _pattern(table), _pattern(key)
    found, current, counted = list[int](), "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        item, header = _ITEM.match(line), _TABLE.match(line)
        if item:
            bare = item[1].strip()
            current = f"{bare}[{counted.get(bare, 0)}]"
            counted[bare] = counted.get(bare, 0) + 1
        elif header:
            current = header[1].strip()
        elif inside.fullmatch(current) and written.match(line):
            found.append(number)
        if (item or header) and (
            whole.fullmatch(current) or _INDEX.sub("", current) == key
        ):
            found.append(number)
    return found


def _pattern(key: str) -> re.Pattern[str]:
    any_table = re.escape("[...]")
    return re.compile(re.escape(key).replace(any_table, r"\.[^.\[\]]+"))
