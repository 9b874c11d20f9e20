# SPDX-License-Identifier: Apache-2.0
"""Group, hashing, identities: what all schemes are made of."""
