# SPDX-License-Identifier: Apache-2.0
"""Backups of a node: how they are made, checked and pruned.

A backup is a directory: a snapshot of the embedded store, and the files beside it that
are no secrets. Keys, shares and the keys of the months go apart, into one file that is
sealed to the custody key: whoever holds only one of both can open nothing.
"""
