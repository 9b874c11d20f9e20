# SPDX-License-Identifier: Apache-2.0
"""The node's HTTP API, version 1: types, routes, handlers, problems, OpenAPI."""
