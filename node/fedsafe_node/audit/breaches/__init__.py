# SPDX-License-Identifier: Apache-2.0
"""The register of breaches (Art. 33 (5) GDPR): what happened, what was done, by when.

It holds words of closed lists, numbers, days and references. The one note is sealed
under the key of its month and goes with it.
"""
