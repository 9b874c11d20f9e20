# SPDX-License-Identifier: Apache-2.0
"""How the node takes part in ceremonies that make or share keys."""
