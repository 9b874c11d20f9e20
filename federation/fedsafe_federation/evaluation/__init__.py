# SPDX-License-Identifier: Apache-2.0
"""Evaluations: whom to ask, what they state, and how it is counted."""
