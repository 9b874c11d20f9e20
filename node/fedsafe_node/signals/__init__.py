# SPDX-License-Identifier: Apache-2.0
"""The life of a signal at its origin and at its receivers."""
