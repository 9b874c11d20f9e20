# SPDX-License-Identifier: Apache-2.0
"""Feeds: what records say, how batches are verified, who witnesses them."""
