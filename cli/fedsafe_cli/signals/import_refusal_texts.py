# SPDX-License-Identifier: Apache-2.0
"""What is refused of the rows of an import, by us or by the node.

The English template is the pattern by which it is known again, as in
`terminal.case_refusal_texts`. What is not here is said in English.
"""

from functools import cache
from typing import Final

from fedsafe_cli.terminal.texts import Pattern, matched, patterns
from fedsafe_policies.ground.catalogue import Phrase, Told

REFUSALS: Final = (
    # what a row is
    Phrase(
        "the line has {cells} cells, the header {width}: a row that was cut off may "
        "name somebody else, so complete it, with a separator for each empty cell"
    ),
    Phrase(
        "the line has {cells} cells, the header {width}: a cell with a separator in it "
        "stands in quotation marks"
    ),
    Phrase(
        "the line is no CSV: a quotation mark within a cell is doubled, and a cell "
        "has at most {most} characters"
    ),
    Phrase("the line is not {encoding}"),
    Phrase("the line is longer than {most} bytes"),
    Phrase("the line is no JSON"),
    Phrase("the line is no JSON object"),
    Phrase("a record has other fields"),
    Phrase("a NUL byte is in it"),
    Phrase.within("import refusal", "it is not UTF-8"),
    # what it says
    Phrase("the day has another form than those known"),
    Phrase("no such day"),
    Phrase("the day lies in the future"),
    Phrase("a signal about an account names the day of its removal"),
    Phrase("it says neither yes nor no"),
    Phrase("that is none of its words"),
    Phrase("state it, or give {option}"),
    # whom it names
    Phrase(
        "it may begin with the code of a country: write + before it, or 0 if it is a "
        "number of that region"
    ),
    Phrase.within("import refusal", "there is no value"),
    Phrase("a value has at most {most} characters"),
    Phrase("the kind is none of {kinds}"),
    Phrase("a region is two capital letters"),
    Phrase("the namespace is out of form"),
    Phrase("give the bare address, without name and angle brackets"),
    Phrase("the kind stands before the value, and is given already; leave it out"),
)


def in_words(detail: str, language: str) -> str:
    """Say why a row was refused, in the reader's language as far as it is known."""
    found = matched(detail, _patterns())
    return detail if found is None else found.said(language)


@cache
def _patterns() -> list[Pattern]:
    from fedsafe_federation.errors import (  # noqa: PLC0415 (slow to load)
        IdentifierError,
        IdentifierFault,
    )
    from fedsafe_policies.vocabulary import IdentifierKind  # noqa: PLC0415 - as above

    errors = [IdentifierError(IdentifierKind.EMAIL, fault) for fault in IdentifierFault]
    sentences = [
        Told(
            {
                "en": f"{{kind}}: {each.message}",
                "de": f"{{kind}}: {each.phrase.said('de')}",
            }
        )
        for each in errors
    ]
    return patterns([*REFUSALS, *sentences])
