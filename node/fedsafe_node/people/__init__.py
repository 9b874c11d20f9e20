# SPDX-License-Identifier: Apache-2.0
"""Who may act: credentials and the legal gate."""
