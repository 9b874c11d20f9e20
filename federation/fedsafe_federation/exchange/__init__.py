# SPDX-License-Identifier: Apache-2.0
"""How members ask each other: the only room of its package that knows the network."""
