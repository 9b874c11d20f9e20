# SPDX-License-Identifier: Apache-2.0
"""Carriers: they hand sealed packages to partners, and see ciphertext only."""
