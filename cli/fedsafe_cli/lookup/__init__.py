# SPDX-License-Identifier: Apache-2.0
"""`fedsafe lookup`, `match` and `hash`."""
