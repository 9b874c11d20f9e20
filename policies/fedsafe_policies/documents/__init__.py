# SPDX-License-Identifier: Apache-2.0
"""Policies and the other data that people read, change and approve."""
