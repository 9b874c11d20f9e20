# SPDX-License-Identifier: Apache-2.0
"""What people at a partner read of an opened package, written on their machine.

The package is one line of JSON. What it says is written as the provider itself would
write it as a letter, in German and English; only the JSON is signed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedsafe_federation.casework.statement import Opened


def papers_of(opened: "Opened") -> dict[str, bytes]:
    """Write an opened package for people; file names and HTML.

    Empty for a correction, which brings its own words, for a class of partner that has
    no paper, and for a package of which none can be written.
    """
    from fedsafe_node.casework.rendering.forms import (  # noqa: PLC0415
        paper_of,
        render,
    )
    from fedsafe_node.casework.rendering.sheets import Context  # noqa: PLC0415
    from fedsafe_policies.errors import (  # noqa: PLC0415 (slow to load)
        CasePackageError,
        RenderingError,
    )
    from fedsafe_policies.escalation.matrix import shipped_matrix  # noqa: PLC0415
    from fedsafe_policies.escalation.vocabulary import Language  # noqa: PLC0415

    package, names = opened.package, {each.name for each in opened.documents}
    form = paper_of(package.partner_class)
    if form is None or "correction.json" in names:
        return {}
    found = dict[str, bytes]()
    for language in Language:
        context = Context(matrix=shipped_matrix(), language=language)
        try:
            content = render(package, form, context).content
        except (CasePackageError, RenderingError):
            return {}
        found[f"{form}-{language}.html"] = content
    return {name: found[name] for name in found.keys() - names}
