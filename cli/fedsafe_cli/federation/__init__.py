# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation` and `evidence`."""
