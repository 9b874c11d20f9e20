# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case`, `order`, `partner` and `open`."""
