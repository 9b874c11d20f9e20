# SPDX-License-Identifier: Apache-2.0
"""How a case package is sealed for a partner, and opened by it; no signals here."""
