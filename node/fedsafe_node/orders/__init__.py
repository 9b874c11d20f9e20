# SPDX-License-Identifier: Apache-2.0
"""Orders that authorities send: entered, acknowledged, answered; their clocks."""
