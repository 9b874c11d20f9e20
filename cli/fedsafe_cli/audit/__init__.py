# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit`, `breach` and `round`."""
