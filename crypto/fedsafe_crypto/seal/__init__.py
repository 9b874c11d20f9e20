# SPDX-License-Identifier: Apache-2.0
"""Sealing to keys and under keys."""
