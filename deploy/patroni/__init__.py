# SPDX-License-Identifier: Apache-2.0
"""Three database hosts that fail over: Patroni, etcd, PgBouncer, PostgreSQL."""
