# SPDX-License-Identifier: Apache-2.0
"""Policies tried on invented requests, and on the people of a provider."""
