# SPDX-License-Identifier: Apache-2.0
"""Cryptographic schemes over vetted primitives; no disk, socket, clock or policy."""
