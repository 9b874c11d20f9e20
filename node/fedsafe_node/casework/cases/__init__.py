# SPDX-License-Identifier: Apache-2.0
"""The provider's own cases: opened, assessed, approved, closed and erased."""
