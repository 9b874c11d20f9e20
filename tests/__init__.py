# SPDX-License-Identifier: Apache-2.0
"""The tests: a package, so that no package of that name elsewhere comes before it."""
