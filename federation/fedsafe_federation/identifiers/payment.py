# SPDX-License-Identifier: Apache-2.0
"""Payment accounts (`payment/1`): IBANs by schwifty, and never card numbers.

Country, length, structure and the check digits of ISO 13616 are checked, the
national check digits inside are not: banks have issued accounts that break them.
"""

from functools import cache
from re import compile as compile_pattern
from typing import Final, Protocol
from unicodedata import normalize

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.unicode import admit
from fedsafe_policies.vocabulary import IdentifierKind

CANONICALISER: Final = "payment/1"

_SEPARATORS: Final = compile_pattern(r"[\s\-\u2010-\u2015.]")
_LABELLED: Final = compile_pattern(r"(?:IBAN:?)?([A-Z0-9]+)")
_SHAPE: Final = compile_pattern(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}")
_CARD: Final = compile_pattern(r"[0-9]{12,19}")
_CHECK_MODULUS: Final = 97


class _Check(Protocol):
    def __call__(self, iban: str, /) -> IdentifierFault | None: ...


@cache
def _checker() -> _Check:
    from schwifty import IBAN  # noqa: PLC0415 - reads a bank register, over 100 ms
    from schwifty.exceptions import (  # noqa: PLC0415 - as above
        InvalidCountryCode,
        InvalidLength,
        SchwiftyException,
    )

    def check(iban: str, /) -> IdentifierFault | None:
        try:
            IBAN(iban)
        except InvalidCountryCode:
            return IdentifierFault.COUNTRY_UNKNOWN
        except InvalidLength:
            return IdentifierFault.WRONG_LENGTH
        except SchwiftyException:
            return IdentifierFault.MALFORMED
        return None

    return check


def canonical_payment(raw: str) -> str:
    """Return an IBAN in capitals without spaces.

    Raises:
        IdentifierError: It is a card number, or no valid IBAN.
    """
    text = normalize("NFKC", admit(IdentifierKind.PAYMENT, raw))
    compact = _SEPARATORS.sub("", text)
    if _CARD.fullmatch(compact):
        raise IdentifierError(IdentifierKind.PAYMENT, IdentifierFault.CARD_NUMBER)
    # Upper-casing what is not ASCII makes letters out of ligatures.
    labelled = _LABELLED.fullmatch(compact.upper() if compact.isascii() else "")
    if labelled is None or not _SHAPE.fullmatch(labelled[1]):
        raise IdentifierError(IdentifierKind.PAYMENT, IdentifierFault.MALFORMED)
    iban = labelled[1]
    fault = _checker()(iban)
    if not _has_right_check_digits(iban) and fault in (None, IdentifierFault.MALFORMED):
        fault = IdentifierFault.WRONG_CHECKSUM
    if fault is not None:
        raise IdentifierError(IdentifierKind.PAYMENT, fault)
    return iban


def _has_right_check_digits(iban: str) -> bool:
    """Check by ISO 7064 MOD 97-10, with exactly one right pair of digits."""
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    # 00, 01 and 99 fit the modulus as well as 97, 98 and 02, and no bank gives them.
    return int(digits) % _CHECK_MODULUS == 1 and iban[2:4] not in {"00", "01", "99"}
