# SPDX-License-Identifier: Apache-2.0
"""The audit log as people read it, check it and take parts of it out."""
