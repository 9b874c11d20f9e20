# SPDX-License-Identifier: Apache-2.0
"""The help directory, as a node answers from it."""
