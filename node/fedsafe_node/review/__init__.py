# SPDX-License-Identifier: Apache-2.0
"""What a match opens: a review that a person ends (P13)."""
