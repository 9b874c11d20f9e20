# SPDX-License-Identifier: Apache-2.0
"""The texts of rights, as people sign them off: form, letter, answer, outcome.

A module of texts is signed off as a whole: whatever sentence in both languages it
defines is in its text here, in the order in which it stands there, so nobody can
forget one. Words in braces are filled in.

A text that nobody has signed off is still shown, with a mark that says so. Refusing to
serve it would take people's rights away, and these do not wait for a provider's
paperwork: requests are taken, clocks run, signals rest.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Final

from fedsafe_node.acts.notices import TextName
from fedsafe_node.acts.requests import Language
from fedsafe_node.notices.phrases import demonstration_mark
from fedsafe_node.notices.texts import NoticeText, written_text
from fedsafe_node.rights import answer as answering
from fedsafe_node.rights import letters, outcomes, page_texts, progress, remedies
from fedsafe_node.rights import review_report as reviewing
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text

_MODULES: Final[Mapping[TextName, tuple[Text, tuple[ModuleType, ...]]]] = {
    TextName.RIGHTS_FORM: (
        Phrase("The public form").both(),
        (page_texts, progress, remedies),
    ),
    TextName.CODE_LETTER: (
        Phrase("The letter with the code for a person's request").both(),
        (letters,),
    ),
    TextName.RIGHTS_ANSWER: (
        Phrase("The answer to a request for access (GDPR Art. 15)").both(),
        (answering, reviewing, remedies),
    ),
    TextName.RIGHTS_OUTCOME: (
        Phrase(
            "The letter about how a request ends or why it takes longer (GDPR Art. 12)"
        ).both(),
        (outcomes, remedies),
    ),
}
DRAFT_MARK: Final = Phrase(
    "Draft: nobody here has reviewed and signed off this text yet. Your "
    "request is valid all the same, and all time limits run."
).both()
"""Stands before a text that is a draft; whoever signs off the text ends it."""


@cache
def rights_texts() -> Mapping[TextName, NoticeText]:
    """Return the texts of rights by name."""
    return {
        name: written_text(
            name, title, Text(_body(modules, Language.DE), _body(modules, Language.EN))
        )
        for name, (title, modules) in _MODULES.items()
    }


def marks(situation: Situation, language: Language, *, draft: bool) -> tuple[str, ...]:
    """Return what stands before a text: of a demonstration, and of a draft."""
    shown = demonstration_mark(situation)
    invented = () if shown is None else (shown.said(language),)
    return (*invented, DRAFT_MARK.said(language)) if draft else invented


def marked(text: str, language: Language, situation: Situation, *, draft: bool) -> str:
    """Put before a text what has to stand there."""
    return "\n\n".join([*marks(situation, language, draft=draft), text])


def _body(modules: tuple[ModuleType, ...], language: Language) -> str:
    return "\n".join(
        sentence.strip()
        for module in modules
        for value in vars(module).values()
        for sentence in _sentences(value, language)
    )


def _sentences(value: object, language: Language) -> Iterator[str]:
    if isinstance(value, Text):
        yield value.said(language)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _sentences(each, language)
