# SPDX-License-Identifier: Apache-2.0
"""The charter, its versions, and the ceremonies that it is the end of."""
