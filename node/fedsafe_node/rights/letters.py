# SPDX-License-Identifier: Apache-2.0
"""The letter that carries a code, in German or English."""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.rights.mailing import Letter
from fedsafe_node.rights.request_messages import Language

_SUBJECTS: Final[Mapping[Language, str]] = {
    Language.DE: "Ihr Code für den Antrag bei {node}",
    Language.EN: "Your code for the request at {node}",
}
_TEXTS: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Jemand stellt bei {node} einen Antrag zu dieser Adresse. Wenn Sie das sind, "
        "geben\nSie dort diesen Code ein:\n\n    {code}\n\n"
        "Er gilt eine Viertelstunde. Wenn Sie nichts beantragt haben, brauchen Sie "
        "nichts\nzu tun; geben Sie den Code niemandem.\n"
    ),
    Language.EN: (
        "Somebody is making a request about this address at {node}. If it is you, "
        "enter\nthis code there:\n\n    {code}\n\n"
        "It is good for a quarter of an hour. If you have asked for nothing, there is\n"
        "nothing to do; give the code to nobody.\n"
    ),
}
_HALF: Final = 5


def code_letter(
    to: str, code: str, language: Language, node: str, mark: str = ""
) -> Letter:
    """Write the letter with a code; *mark* goes before it."""
    shown = f"{code[:_HALF]} {code[_HALF:]}"
    return Letter(
        to=to,
        subject=_SUBJECTS[language].format(node=node),
        text=mark + _TEXTS[language].format(node=node, code=shown),
    )
