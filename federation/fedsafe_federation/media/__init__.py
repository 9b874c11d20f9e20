# SPDX-License-Identifier: Apache-2.0
"""Files and pictures as digests."""
