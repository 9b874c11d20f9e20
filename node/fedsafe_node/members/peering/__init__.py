# SPDX-License-Identifier: Apache-2.0
"""What this node answers to, and asks of, the other members."""
