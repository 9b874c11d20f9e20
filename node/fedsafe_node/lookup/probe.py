# SPDX-License-Identifier: Apache-2.0
"""From questions to candidate rows: derive every token, probe the indexes."""

from collections.abc import Iterator, Mapping, Sequence

from fedsafe_federation.media.pdq import ORIENTATIONS
from fedsafe_node.keys.evaluators import Output
from fedsafe_node.keys.lookup_items import Asked, File, Person
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.lookup.matching import Candidate, Pointers
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.vocabulary import MediaKind


class Prober:
    """Finds the rows that may answer a question."""

    def __init__(self, situation: Situation, lists: Lists) -> None:
        self._situation = situation
        self._lists = lists

    def candidates(
        self,
        asked: Mapping[int, Asked],
        outputs: Sequence[tuple[Output, ...]],
        *,
        own_only: bool,
    ) -> Pointers:
        """Point to what may answer one account's questions; *asked* has them by place.

        *outputs* belong to the questions about identifiers, in their order; an
        empty tuple stands for outputs that could not be had.
        """
        found: list[Candidate] = []
        more, remaining = 0, iter(outputs)
        for question, item in asked.items():
            if isinstance(item, Person):
                found += self._person(question, item, next(remaining))
            elif item.kind is MediaKind.PDQ:
                pictures, others = self._pictures(question, item)
                found += pictures
                more += others
            else:
                found += self._file(question, item, own_only=own_only)
        return Pointers(found, more)

    def _person(
        self, question: int, person: Person, outputs: tuple[Output, ...]
    ) -> Iterator[Candidate]:
        own = self._situation.own
        output = own.output(person)
        for row in self._lists.rows(own.token(output)):
            yield Candidate(question, row, person.kind, own.name, output=output)
        shared = self._situation.shared
        if shared is None:
            return
        for output in outputs:
            for origin, token in shared.tokens(output).items():
                for row in self._lists.rows(token):
                    yield Candidate(question, row, person.kind, origin, output=output)

    def _file(
        self, question: int, file: File, *, own_only: bool
    ) -> Iterator[Candidate]:
        own, shared = self._situation.own, self._situation.shared
        tokens = [own.file_token(file)]
        if shared is not None and not own_only:
            tokens += shared.file_tokens(file)
        for token in tokens:
            for row in self._lists.rows(token):
                yield Candidate(question, row, file.kind, None, file=file)

    def _pictures(self, question: int, file: File) -> tuple[list[Candidate], int]:
        radius = self._situation.policy.document.pictures.radius
        digests = file.turned or (file.digest,)
        files = [File(file.kind, each) for each in digests] if file.turned else [file]
        (found,) = self._lists.similar(digests, radius, together=len(digests))
        candidates = [
            Candidate(
                question,
                row,
                file.kind,
                None,
                file=files[place],
                distance=distance,
                orientation=ORIENTATIONS[place] if file.turned else None,
            )
            for row, distance, place in found.rows
        ]
        return candidates, found.more
