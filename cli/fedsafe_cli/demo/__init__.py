# SPDX-License-Identifier: Apache-2.0
"""`fedsafe demo` and its story."""
