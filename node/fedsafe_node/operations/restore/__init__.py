# SPDX-License-Identifier: Apache-2.0
"""How a backup is brought back into a living federation."""
