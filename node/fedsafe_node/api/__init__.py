# SPDX-License-Identifier: Apache-2.0
"""The node's HTTP API, version 1: routes, handlers, problems, OpenAPI."""
