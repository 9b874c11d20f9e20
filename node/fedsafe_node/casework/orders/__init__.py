# SPDX-License-Identifier: Apache-2.0
"""Orders and letters of authorities: entered, acknowledged, answered; their clocks."""
