# SPDX-License-Identifier: Apache-2.0
"""The rules of sharing, one a file."""
