# SPDX-License-Identifier: Apache-2.0
"""What a node does with the other members of its federation."""
