# SPDX-License-Identifier: Apache-2.0
"""`fedsafe doctor`: what is well, what is not, and the way out."""
