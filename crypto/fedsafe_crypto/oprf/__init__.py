# SPDX-License-Identifier: Apache-2.0
"""The VOPRF of RFC 9497, whole and under a key in shares."""
