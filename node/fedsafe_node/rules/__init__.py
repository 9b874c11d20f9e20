# SPDX-License-Identifier: Apache-2.0
"""By what a node decides: policy, purpose, audience, budgets, idempotency."""
