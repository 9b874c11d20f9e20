# SPDX-License-Identifier: Apache-2.0
"""Who led a node, and when, by what its processes have logged."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

_BEGINS: Final = "leads"
_ENDS: Final = ("leads no more", "a worker ended; it is started anew")


@dataclass(slots=True)
class Term:
    """When a worker began to lead and when it ended; moments are texts that sort."""

    run: str
    number: int
    began: str
    ended: str | None = None


def terms_in(outputs: Sequence[Path]) -> list[Term]:
    """Read who led, out of what each run of the node has written."""
    terms: list[Term] = []
    for output in outputs:
        for line in _lines(output):
            number, at = line.get("index", -1), line["at"]
            if line.get("event") == _BEGINS:
                terms.append(Term(output.name, number, at))
            elif line.get("event") in _ENDS:
                for term in terms:
                    is_its = (term.run, term.number) == (output.name, number)
                    if is_its and term.ended is None:
                        term.ended = at
    return sorted(terms, key=lambda term: term.began)


def check_terms(terms: Sequence[Term]) -> None:
    """See that each had ended before the next began."""
    for before, after in pairwise(terms):
        assert before.ended is not None, f"{before} has no end, and then {after}"
        assert before.ended <= after.began, f"two led: {before}, {after}"


def complaints(outputs: Sequence[Path]) -> Counter[str]:
    """Count what the node has logged as errors."""
    keys = ("logger", "event", "reason", "error")
    return Counter(
        " ".join(str(line[key]) for key in keys if key in line)
        for output in outputs
        for line in _lines(output)
        if line["level"] == "error"
    )


def _lines(output: Path) -> Iterator[dict[str, Any]]:
    for text in output.read_text(errors="replace").splitlines():
        if text.startswith("{") and text.endswith("}"):
            yield json.loads(text)
