# SPDX-License-Identifier: Apache-2.0
"""How the node takes part in what its federation agrees on."""
