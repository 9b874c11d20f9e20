# SPDX-License-Identifier: Apache-2.0
"""What the values of an act mean, in words; a code that is newer stays as it is."""

from collections.abc import Callable, Mapping
from typing import Final

from fedsafe_node.words.casework import class_word, level_word
from fedsafe_node.words.codes import CODES, GRADES, PHENOMENA, SURFACES
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.catalogue import Phrase

Words = Mapping[str, Phrase]
_SOURCES: Final[Words] = {
    "notice": Phrase("notice (Art. 16 DSA)"),
    "trusted_flagger": Phrase("trusted flagger"),
    "other_notice": Phrase("other notice"),
    "own_initiative": Phrase("own initiative"),
}
_CONSULTATIONS: Final[Words] = {
    "done": Phrase("authority consulted"),
    "not_required": Phrase("not required"),
}
_WITHHOLDING: Final[Words] = {
    "bdsg_29_1": Phrase("§ 29 (1) BDSG"),
    "bdsg_32_1_5": Phrase("§ 32 (1) no. 5 BDSG"),
    "bdsg_33_1_2a": Phrase("§ 33 (1) no. 2a BDSG"),
    "bdsg_33_1_2b": Phrase("§ 33 (1) no. 2b BDSG"),
}
ASKS: Final[Words] = {
    "access": Phrase("access"),
    "rectification": Phrase("rectification"),
    "erasure": Phrase("erasure"),
    "objection": Phrase("objection"),
    "dispute": Phrase("dispute"),
}
_CONTROLS: Final[Words] = {
    "account_login": Phrase("log-in to the account"),
    "mailed_code": Phrase("mailed code"),
    "identity_document": Phrase("identity document"),
    "known_correspondence": Phrase("known correspondence"),
}
_PROVISIONS: Final[Words] = {
    "policy": Phrase("policy"),
    "calendar": Phrase("legal calendar"),
    "do_not_share": Phrase("do-not-share lists"),
    "minimisation": Phrase("minimisation matrix"),
    "audit": Phrase("how long the audit log is kept"),
}
_KEPT: Final[Words] = {
    "actor": Phrase("days, who acted"),
    "subject": Phrase("days, which account it was about"),
    "detail": Phrase("days, details"),
    "records": Phrase("days, the entries themselves"),
}


def _in(table: Words) -> Callable[[str, str], str]:
    return lambda code, language: table[code].said(language) if code in table else code


def _role(code: str, language: str) -> str:
    return said(code).de if language == "de" else code.replace("_", " ")


_MEANINGS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "asks": _in(ASKS),
    "consultation": _in(_CONSULTATIONS),
    "control": _in(_CONTROLS),
    "grade": _in(GRADES),
    "level": level_word,
    "partners": class_word,
    "phenomenon": _in(PHENOMENA),
    "reason": _in(_WITHHOLDING),
    "risk": _in(CODES),
    "role": _role,
    "silence": _in(CODES),
    "source": _in(_SOURCES),
    "surface": _in(SURFACES),
}


def kept_word(name: str, language: str) -> str:
    """Name what the audit log keeps for a number of days."""
    return _in(_KEPT)(name, language)


def provision_word(name: str, language: str) -> str:
    """Name a text that a node decides by."""
    return _in(_PROVISIONS)(name, language)


def meaning(name: str, code: str, language: str) -> str:
    """Say what a value of this field means."""
    find = _MEANINGS.get(name)
    return code if find is None else find(code, language)
