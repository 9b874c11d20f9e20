# SPDX-License-Identifier: Apache-2.0
"""A node put together out of its parts: made, started, kept running, stopped."""
