# SPDX-License-Identifier: Apache-2.0
"""The case plane: the provider's own cases, apart from all signals."""
