# SPDX-License-Identifier: Apache-2.0
"""Identifiers in the one form that all nodes give them (see `registry`)."""

from fedsafe_federation.identifiers.registry import (
    CANONICALISERS,
    Canonical,
    canonicalise,
)

__all__ = ["CANONICALISERS", "Canonical", "canonicalise"]
