# SPDX-License-Identifier: Apache-2.0
"""What codes, fields and acts mean to people, for the command line and the desk."""
