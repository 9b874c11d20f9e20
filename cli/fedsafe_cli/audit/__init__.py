# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit` and `breach`."""
