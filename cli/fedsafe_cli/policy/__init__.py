# SPDX-License-Identifier: Apache-2.0
"""`fedsafe policy`: read, check, compare and question policies."""
