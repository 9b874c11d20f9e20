# SPDX-License-Identifier: Apache-2.0
"""Move the store of a stopped node: from its file to a PostgreSQL server, or back."""
