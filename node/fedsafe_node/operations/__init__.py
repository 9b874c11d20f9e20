# SPDX-License-Identifier: Apache-2.0
"""What an operator does with a stopped or running node: back up, restore, move."""
