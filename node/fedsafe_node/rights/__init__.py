# SPDX-License-Identifier: Apache-2.0
"""The rights of a person: disputes and rulings."""
