# SPDX-License-Identifier: Apache-2.0
"""The desk: pages on which people work with the node, in a browser.

No second authority: a page asks the API's routes, in this process and through the same
border, with the session of whoever reads it. Which pages there are for whom follows
from the routes' roles, which fields a form has from their messages.
"""
