# SPDX-License-Identifier: Apache-2.0
"""The store on PostgreSQL: the same statements, rows and promises as on SQLite."""
