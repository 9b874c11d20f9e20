# SPDX-License-Identifier: Apache-2.0
"""Documents for compliance officers, written from what a node runs with."""
