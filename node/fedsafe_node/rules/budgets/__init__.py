# SPDX-License-Identifier: Apache-2.0
"""What is spent of the policy's budgets (P18): counted, kept, and refused beyond.

No identifier, no account and no token is kept here, only counts.
"""
