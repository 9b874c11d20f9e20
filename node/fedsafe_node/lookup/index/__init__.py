# SPDX-License-Identifier: Apache-2.0
"""Indexes in memory-mapped files: hints that the store can always rebuild."""
