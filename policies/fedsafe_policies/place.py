# SPDX-License-Identifier: Apache-2.0
"""Where in a TOML text a key stands, so that a refusal can name its line.

The decoder knows the path of a misfit, not its line. The text is searched for the
key inside its table; a key that is written in an unusual way is named without a
line.
"""

import re

from fedsafe_policies.errors import PolicyFileError

_PATH = re.compile(r" - at `(?:key` in `)?\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"contains unknown field `([^`]*)`")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?$")


def describe(problem: str, text: str) -> PolicyFileError:
    """Make the decoder's `problem` an error that names key and line."""
    found = _PATH.search(problem)
    path = found[1] if found else ""
    unknown = _UNKNOWN.search(problem)
    if unknown:
        key = f"{path}.{unknown[1]}" if path else unknown[1]
        return PolicyFileError("unknown key", key=key, line=_line(key, text))
    sentence = _PATH.sub("", problem)
    sentence = sentence[:1].lower() + sentence[1:]
    key = re.sub(r"\[(\.\.\.|\d+)\]", "", path).removesuffix(".")
    return PolicyFileError(sentence, key=key, line=_line(key, text))


def _line(key: str, text: str) -> int | None:
    table, _, leaf = key.rpartition(".")
    written = re.compile(rf'\s*"?{re.escape(leaf)}"?\s*=')
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = _TABLE.match(line)
        if header:
            current = header[1].strip()
            if current == key:
                return number
        elif current == table and written.match(line):
            return number
    return None
