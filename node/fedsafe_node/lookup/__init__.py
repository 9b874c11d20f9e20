# SPDX-License-Identifier: Apache-2.0
"""The question: is there a signal for this?"""
