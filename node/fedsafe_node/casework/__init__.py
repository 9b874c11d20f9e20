# SPDX-License-Identifier: Apache-2.0
"""The case plane: cases, orders, partners and packages, apart from all signals."""
