# SPDX-License-Identifier: Apache-2.0
"""Verifiable logs: trees, tiles, checkpoints and cosignatures."""
