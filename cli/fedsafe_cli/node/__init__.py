# SPDX-License-Identifier: Apache-2.0
"""`fedsafe node`, and who works at one."""
