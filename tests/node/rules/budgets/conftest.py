# SPDX-License-Identifier: Apache-2.0
"""A node under test, as the tests of signals have it."""

from tests.node.signals.conftest import federation, lists, make_node

__all__ = ["federation", "lists", "make_node"]
