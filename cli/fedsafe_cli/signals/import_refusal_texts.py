# SPDX-License-Identifier: Apache-2.0
"""German for what is refused of the rows of an import, by us or by the node.

The English text is the pattern, as in `terminal.case_refusal_texts`. What is not here
is said in English.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from fedsafe_cli.terminal.texts import Pattern, matched, patterns

GERMAN: Final[Mapping[str, str]] = {
    # what a row is
    "the line has {cells} cells, the header {width}: a row that was cut off may name "
    "somebody else, so complete it, with a separator for each empty cell": (
        "die Zeile hat {cells} Zellen, die Überschrift {width}: Eine abgeschnittene "
        "Zeile kann jemand anderen meinen; ergänzen, mit einem Trenner je leerer Zelle"
    ),
    "the line has {cells} cells, the header {width}: a cell with a separator in it "
    "stands in quotation marks": (
        "die Zeile hat {cells} Zellen, die Überschrift {width}: Eine Zelle mit einem "
        "Trenner darin steht in Anführungszeichen"
    ),
    "the line is no CSV: a quotation mark within a cell is doubled, and a cell has at "
    "most {most} characters": (
        "die Zeile ist kein CSV: Ein Anführungszeichen in einer Zelle wird verdoppelt, "
        "und eine Zelle hat höchstens {most} Zeichen"
    ),
    "the line is not {encoding}": "die Zeile ist nicht {encoding}",
    "the line is longer than {most} bytes": "die Zeile ist länger als {most} Bytes",
    "the line is no JSON": "die Zeile ist kein JSON",
    "the line is no JSON object": "die Zeile ist kein JSON-Objekt",
    "a record has other fields": "ein Datensatz hat andere Felder",
    "a NUL byte is in it": "ein NUL-Byte ist darin",
    "it is not UTF-8": "es ist nicht UTF-8",
    # what it says
    "the day has another form than those known": (
        "der Tag hat eine andere Form als die bekannten"
    ),
    "no such day": "diesen Tag gibt es nicht",
    "the day lies in the future": "der Tag liegt in der Zukunft",
    "a signal about an account names the day of its removal": (
        "ein Signal über ein Konto nennt den Tag seiner Sperre"
    ),
    "it says neither yes nor no": "es sagt weder ja noch nein",
    "that is none of its words": "das ist keines seiner Wörter",
    "state it, or give {option}": "in der Zeile angeben, oder {option} geben",
    # whom it names
    "it may begin with the code of a country: write + before it, or 0 if it is a "
    "number of that region": (
        "sie beginnt vielleicht mit einer Landesvorwahl: + davor schreiben, oder 0, "
        "wenn es eine Nummer dieser Region ist"
    ),
    "there is no value": "es gibt keinen Wert",
    "a value has at most {most} characters": "ein Wert hat höchstens {most} Zeichen",
    "the kind is none of {kinds}": "die Art ist keine von {kinds}",
    "a region is two capital letters": "eine Region ist zwei große Buchstaben",
    "the namespace is out of form": "der Namensraum hat eine andere Form",
    "give the bare address, without name and angle brackets": (
        "nur die Adresse angeben, ohne Namen und spitze Klammern"
    ),
    "the kind stands before the value, and is given already; leave it out": (
        "die Art steht vor dem Wert und ist schon angegeben; weglassen"
    ),
}


def in_german(detail: str) -> str:
    """Say in German why a row was refused, as far as it is known."""
    return matched(detail, _patterns(), lambda _, text: text)


@cache
def _patterns() -> list[Pattern]:
    from fedsafe_federation.errors import (  # noqa: PLC0415 (slow to load)
        IdentifierError,
        IdentifierFault,
    )
    from fedsafe_policies.vocabulary import IdentifierKind  # noqa: PLC0415 - as above

    errors = [IdentifierError(IdentifierKind.EMAIL, fault) for fault in IdentifierFault]
    sentences = {
        f"{{kind}}: {each.message}": f"{{kind}}: {each.message_de}" for each in errors
    }
    return patterns({**GERMAN, **sentences})
