# SPDX-License-Identifier: Apache-2.0
"""What happens later, for the provider's back-end to read from a cursor."""
