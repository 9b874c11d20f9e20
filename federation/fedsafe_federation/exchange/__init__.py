# SPDX-License-Identifier: Apache-2.0
"""How members ask each other: the only place of this room that knows the network."""
