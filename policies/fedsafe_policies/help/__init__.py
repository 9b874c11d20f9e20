# SPDX-License-Identifier: Apache-2.0
"""Help: who can be turned to, and in which words affected minors are answered."""
