# SPDX-License-Identifier: Apache-2.0
"""The vocabulary and the rules of sharing, as pure functions over data."""
