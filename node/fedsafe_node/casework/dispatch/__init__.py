# SPDX-License-Identifier: Apache-2.0
"""From an approved case to delivered packages: sealing, sending, receipts, recall."""
