# SPDX-License-Identifier: Apache-2.0
"""The node's rows on disk, behind one asynchronous protocol."""
