# SPDX-License-Identifier: Apache-2.0
"""The keys of a node: its identity, its shares, and the charter that names them."""
