# SPDX-License-Identifier: Apache-2.0
"""Phone numbers (`phone/1`): E.164 by phonenumbers.

A number without country code is read only under a region that the caller
names: 0151 is possible in Germany, Austria and Italy alike. The gate is
*possible*, not *valid*, for the validity data change every few weeks and a new
range must not look like a mistake.
"""

from re import compile as compile_pattern
from typing import TYPE_CHECKING, Final
from unicodedata import decimal, normalize

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.unicode import DIRECTION_MARKS, admit
from fedsafe_policies.vocabulary import IdentifierKind

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

CANONICALISER: Final = "phone/1"

_SEPARATORS: Final = frozenset(" -./()\u2010\u2012\u2013\u2014\u2015\u2212")
_IGNORED: Final = _SEPARATORS | DIRECTION_MARKS
_DIALLED: Final = compile_pattern(r"\+?[0-9]+")
_MAX_E164: Final = 16  # + and 15 digits
_MEXICO: Final = 52
_MEXICAN_MOBILE_DIGITS: Final = 11
_LONGEST_SHORT_CODE: Final = 6
_LONGEST_UNLISTED_CODE: Final = 5


def canonical_phone(raw: str, region: str | None) -> str:
    """Return a phone number in E.164.

    Args:
        raw: The number as somebody wrote it.
        region: ISO 3166 code of the country whose national form it may have.

    Raises:
        IdentifierError: It names no subscriber, or its country is not known.
    """
    text = _dialled(admit(IdentifierKind.PHONE, raw, tolerated=DIRECTION_MARKS))
    number = _parsed(text, None if text.startswith("+") else _checked(region))
    # A doubled trunk prefix loses one digit a reading: only what a second
    # reading leaves alone is canonical.
    again = _parsed(number, None)
    return number if again == number else _refuse(IdentifierFault.NOT_POSSIBLE)


def may_be_international(raw: str, region: str | None) -> bool:
    """Tell whether a national number may have lost its + instead.

    German numbers have up to 15 digits, so 48501777889 is possible in Germany, and is
    a Polish number without its +. Nothing is said of a number that cannot be read. A
    form that is usual in the country, with its 0 or where there is none, is national.

    Args:
        raw: The number as somebody wrote it.
        region: ISO 3166 code of the country whose national form it may have.
    """
    from phonenumbers import (  # noqa: PLC0415 - loads dozens of ms
        country_code_for_region,
        is_possible_number,
        is_valid_number,
        ndd_prefix_for_region,
        parse,
    )

    try:
        digits = _dialled(admit(IdentifierKind.PHONE, raw, tolerated=DIRECTION_MARKS))
        if digits.startswith(("+", "0")):
            return False
        code = _checked(region)
        national = _parsed(digits, code)
        international = _parsed(f"+{digits}", None)
    except IdentifierError:
        return False
    if national == international:
        return False
    meant = parse(international, None)
    own = meant.country_code == country_code_for_region(code)
    if not (is_possible_number(meant) if own else is_valid_number(meant)):
        return False
    prefix = ndd_prefix_for_region(code, strip_non_digits=True)
    usual = not (prefix or "").startswith("0")
    return not (usual and is_valid_number(parse(national, None)))


def _refuse(fault: IdentifierFault) -> str:
    raise IdentifierError(IdentifierKind.PHONE, fault)


def _dialled(text: str) -> str:
    """Return the digits of a written number, after + if it had one."""
    if not text.isascii():
        text = normalize("NFKC", text)
        text = "".join(
            character if (digit := decimal(character, None)) is None else str(digit)
            for character in text
        )
    text = text.removeprefix("tel:").removeprefix("TEL:")
    dialled = "".join(character for character in text if character not in _IGNORED)
    if not _DIALLED.fullmatch(dialled):
        letters = any(character.isalpha() for character in dialled)
        return _refuse(
            IdentifierFault.LETTERS if letters else IdentifierFault.MALFORMED
        )
    return dialled


def _checked(region: str | None) -> str:
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - loads dozens of ms

    if region is None:
        return _refuse(IdentifierFault.REGION_MISSING)
    code = region.upper()
    return (
        code if code in SUPPORTED_REGIONS else _refuse(IdentifierFault.REGION_UNKNOWN)
    )


def _parsed(text: str, region: str | None) -> str:
    from phonenumbers import (  # noqa: PLC0415 - loads dozens of ms
        NumberParseException,
        PhoneNumberFormat,
        ValidationResult,
        format_number,
        is_possible_number_with_reason,
        parse,
    )

    try:
        number = parse(text, region)
    except NumberParseException as error:
        unknown = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        fault = (
            IdentifierFault.COUNTRY_UNKNOWN if unknown else IdentifierFault.NOT_POSSIBLE
        )
        raise IdentifierError(IdentifierKind.PHONE, fault) from None
    _drop_mexican_mobile_prefix(number)
    if _is_short_code(number):
        return _refuse(IdentifierFault.SHORT_CODE)
    written = format_number(number, PhoneNumberFormat.E164)
    possible = is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    if not possible or len(written) > _MAX_E164:
        return _refuse(IdentifierFault.NOT_POSSIBLE)
    return written


def _drop_mexican_mobile_prefix(number: "PhoneNumber") -> None:
    # Mexico gave up the 1 between +52 and mobile numbers in 2019.
    national = str(number.national_number)
    if (
        number.country_code == _MEXICO
        and len(national) == _MEXICAN_MOBILE_DIGITS
        and national.startswith("1")
    ):
        number.national_number = int(national[1:])


def _is_short_code(number: "PhoneNumber") -> bool:
    digits = len(str(number.national_number))
    if digits > _LONGEST_SHORT_CODE:
        return False
    from phonenumbers import is_valid_number  # noqa: PLC0415 - loads dozens of ms
    from phonenumbers.shortnumberinfo import (  # noqa: PLC0415 - as above
        is_possible_short_number,
        is_valid_short_number,
    )

    if is_valid_short_number(number):
        return True
    return (
        digits <= _LONGEST_UNLISTED_CODE
        and is_possible_short_number(number)
        and not is_valid_number(number)
    )
