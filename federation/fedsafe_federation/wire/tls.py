# SPDX-License-Identifier: Apache-2.0
"""TLS to other people's servers: what a certificate must have, and what one lacks.

Since Python 3.13 its own contexts ask of each certificate what RFC 5280 asks of it, and
before that they did not. A partner's server must not be trusted by one node and refused
by another, so every context here is strict, whatever Python runs.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_UNTRUSTED: Final = "its certificate is not trusted"
# By the numbers of X509_verify_cert_error_string(3); its own texts can hold names.
_FLAWS: Final[Mapping[int, str]] = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "no authority known here has signed it",
    19: "no authority known here has signed it",
    20: "no authority known here has signed it",
    21: "no authority known here has signed it",
    62: "it is for another name",
    64: "it is for another address",
    79: "what signed it is no authority",
    85: "it lacks the authority key identifier (RFC 5280 4.2.1.1)",
    86: "the authority's lacks the subject key identifier (RFC 5280 4.2.1.2)",
    89: "the authority's basic constraints are not critical (RFC 5280 4.2.1.9)",
    92: "the authority's lacks the key usage (RFC 5280 4.2.1.3)",
    93: "it has extensions, so it must be of version 3 (RFC 5280 4.1.2.1)",
}


def client_context(authorities: Path | None = None) -> ssl.SSLContext:
    """Return a context that trusts a file's authorities, or the system's.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no certificates.
    """
    context = ssl.create_default_context(cafile=authorities)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def flaw(error: BaseException | None) -> str:
    """Say why a certificate is not trusted, in words that hold no name or address."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return _UNTRUSTED
    found = _FLAWS.get(error.verify_code)
    return _UNTRUSTED if found is None else f"{_UNTRUSTED}: {found}"
