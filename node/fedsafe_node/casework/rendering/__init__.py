# SPDX-License-Identifier: Apache-2.0
"""Case packages as people and other programs read them; no disk, no clock."""
