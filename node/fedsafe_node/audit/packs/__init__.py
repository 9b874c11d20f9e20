# SPDX-License-Identifier: Apache-2.0
"""What an evidence pack holds, and how it is written."""
