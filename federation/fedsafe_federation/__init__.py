# SPDX-License-Identifier: Apache-2.0
"""What nodes agree on and say to each other."""
