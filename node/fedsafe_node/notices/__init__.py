# SPDX-License-Identifier: Apache-2.0
"""What a listed person is told: texts, when they go out, and what keeps them back."""
