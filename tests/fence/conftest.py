# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the fence: those of whole nodes."""

from tests.node.conftest import prepare, standing_jobs

__all__ = ["prepare", "standing_jobs"]
