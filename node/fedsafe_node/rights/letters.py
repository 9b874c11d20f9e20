# SPDX-License-Identifier: Apache-2.0
"""The letter or short message that carries a code."""

from typing import Final

from fedsafe_node.acts.requests import Language
from fedsafe_node.rights.code_mail import Letter
from fedsafe_node.rights.phone_hook import ShortMessage
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.help.offers import Age

_SUBJECTS: Final = Phrase("Your code for the request at {node}").both()
_TEXTS: Final = Phrase(
    "Somebody is making a request about this address at {node}. If it is "
    "you, enter\nthis code there:\n\n    {code}\n\n"
    "The code is valid for a quarter of an hour. If you did not make a "
    "request, you\nneed not do anything. Do not give the code to anybody.\n"
).both()
_MINOR: Final = Phrase.within(
    "under 18",
    "Hello,\n\nsomebody asks {node} something about this address. Was it you? "
    "Then enter this\ncode there:\n\n    {code}\n\n"
    "You have a quarter of an hour for it. Was it not you? Then you need not do\n"
    "anything. Do not give the code to others.\n\n"
    "If you would like to talk to somebody:\n{help}\n",
).both()
"""For children and young people."""
_SHORT: Final = Phrase(
    "{node}: your code for the request is {code}. It is good for a quarter of an "
    "hour. Asked for nothing? Then give it to nobody."
).both()
_SHORT_MINOR: Final = Phrase.within(
    "under 18",
    "{node}: your code is {code}. You have a quarter of an hour. Was it not you? "
    "Then give it to nobody.",
).both()
_HALF: Final = 5


def code_letter(  # noqa: PLR0913 - what a letter has
    to: str,
    code: str,
    language: Language,
    node: str,
    mark: str = "",
    help_: Text | None = None,
) -> Letter:
    """Write the letter with a code; *mark* goes before it.

    A child or young person gets the plain one, with *help_*.
    """
    texts, offers = _TEXTS, ""
    if help_ is not None:
        texts, offers = _MINOR, help_.said(language)
    return Letter(
        to=to,
        subject=_SUBJECTS.said(language).format(node=node),
        text=mark
        + texts.said(language).format(node=node, code=_spaced(code), help=offers),
    )


def code_message(  # noqa: PLR0913 - what a message has
    to: str,
    code: str,
    language: Language,
    node: str,
    mark: str = "",
    age: Age = Age.ADULT,
) -> ShortMessage:
    """Write the short message with a code; *mark* goes before it.

    Children read plain words; whom they can talk to stands on their page.
    """
    texts = _SHORT_MINOR if age is Age.MINOR else _SHORT
    text = texts.said(language).format(node=node, code=_spaced(code))
    return ShortMessage(to, mark + text)


def _spaced(code: str) -> str:
    return f"{code[:_HALF]} {code[_HALF:]}"
