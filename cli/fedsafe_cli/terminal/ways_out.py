# SPDX-License-Identifier: Apache-2.0
"""Ways out of what the node refuses, by its code, in all languages.

Commands and options are what is typed, and the same in both.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

_UNSEEN: Final = Phrase(
    "`fedsafe node status` says which members are not seen, since when"
)
READERS: Final = frozenset({Role.REVIEWER, Role.AUDITOR, Role.DPO})
"""Who reads the audit log."""
READER: Final = Phrase(
    "whoever has the role reads it: `fedsafe account list`; nobody does it alone, "
    "so give somebody else an account: `fedsafe account add NAME`, `fedsafe "
    "training add NAME`, `fedsafe account roles NAME --grant dpo`"
)
_LOOK: Final = Phrase("look at how it stands now, with `show` or `list`")
_ELSEWHERE: Final = (
    "wrong_state",  # of a node that is older than the codes below
    "already_approved",
    "already_noted",
    "case_state",
    "import_closed",
    "not_in_hand",
    "nothing_to_confirm",
)
WAYS_OUT: Final[Mapping[str, Phrase]] = {
    "own_role": Phrase(
        "another person who grants roles does it; if there is none, seat one "
        "first: `fedsafe account add NAME`, `fedsafe account roles NAME --grant "
        "dpo`"
    ),
    "no_partner": Phrase(
        "`fedsafe partner list` shows yours; an office that is shipped becomes one "
        "with `fedsafe partner add NAME --entry FILE`, once it is verified"
    ),
    "partner_changed": Phrase(
        "`fedsafe partner list` shows entry and revision; then name it: `fedsafe "
        "partner add PARTNER --replaces N`, `fedsafe partner verify PARTNER "
        "--revision N`; a new one is entered without --replaces"
    ),
    "not_comparable": Phrase(
        "give one for each key that `fedsafe partner list` shows, and no other: "
        "--fingerprint (FedSafe's own), --certificate-fingerprint (X.509), "
        "--openpgp-fingerprint (OpenPGP), --host-key-fingerprint (SHA256:..., each "
        "server)"
    ),
    "no_phone": Phrase(
        "enter its phone: `fedsafe partner add PARTNER --entry FILE --replaces N`"
    ),
    "no_federation": Phrase(
        "record an own ban with --scope self, or found a federation: `fedsafe "
        "federation found --help`"
    ),
    "founding_waits": Phrase(
        "there: `fedsafe federation found review`, then `fedsafe federation found "
        "confirm`"
    ),
    "founding_refused": Phrase(
        "whoever refused takes part again by `fedsafe federation found confirm`; "
        "else propose without that member, in a new folder"
    ),
    "founding_spent": Phrase(
        "compare the whole cards by telephone (`fedsafe federation card` at each "
        "member); then, at the convenor, `fedsafe federation found propose --anew` "
        "in a new folder, or `found run --anew`"
    ),
    "founding_full": Phrase(
        "there `fedsafe federation found review` shows what waits; refuse what "
        "nobody knows: `fedsafe federation found withdraw --proposal DIGEST`. What "
        "the operator brings (`found review FOLDER`) goes first"
    ),
    "share_made": Phrase(
        "the share is made; if the federation is founded, leave it by `fedsafe "
        "federation leave`"
    ),
    "founding_over": Phrase("to leave: `fedsafe federation leave --help`"),
    "founding_stale": Phrase(
        "at the convenor `fedsafe federation found propose` in a new folder, or "
        "`found run`; then all confirm anew"
    ),
    "wrong_groups": Phrase(
        "compare the whole cards by telephone (`fedsafe federation card` at each "
        "member); if they differ, confirm nothing"
    ),
    "too_few_holders": Phrase("invite another member: `fedsafe federation invite`"),
    "legal_gate": Phrase("see what it lacks with `fedsafe gate show`"),
    "no_second_person": Phrase(
        "give one an account and a role: `fedsafe account add NAME`, `fedsafe "
        "account roles NAME --grant ROLE`"
    ),
    "bad_group": Phrase(
        "the groups stand under [scopes.groups] of the policy: `fedsafe policy "
        "show FILE`"
    ),
    "already_asked": Phrase(
        "see `fedsafe act list`; approve or refuse it, or `fedsafe act withdraw` your "
        "own"
    ),
    "bad_officer": Phrase(
        "name the account of your data protection officer in dpo_approval; "
        "`fedsafe account list` shows accounts and roles"
    ),
    "bad_policy": Phrase(
        "mend the file that node.toml names: `fedsafe policy check FILE`"
    ),
    "other_officer": Phrase(
        "`fedsafe act withdraw` it if it is yours, or refuse it; then record it with "
        "the officer who takes part"
    ),
    "look_again": Phrase("look at it once more; then the same command with --again"),
    "step_up": Phrase(
        "`fedsafe login`, in a session `fedsafe login --step-up`, and repeat it"
    ),
    "account_needed": Phrase(
        "the first administrator sets up with `fedsafe account setup`, others get "
        "theirs with `fedsafe account add NAME`, `fedsafe training add NAME`, "
        "`fedsafe account roles NAME --grant ROLE`; then `fedsafe login`"
    ),
    "named_person": Phrase(
        "`fedsafe login`, then name with --credential the file that it tells; "
        "without an account the file that `fedsafe node init --staff` wrote"
    ),
    "choose_role": Phrase("name one with --role"),
    "too_many_tries": Phrase("wait a while; nobody can unlock it sooner"),
    "training": Phrase("`fedsafe training add NAME --module MODULE ...` records one"),
    "purpose": Phrase(
        "say why you ask with --purpose, where the command has it, as your role "
        "may; or log in with a role that may"
    ),
    "surface": Phrase(
        "a policy names the surfaces that it shares; private messages need a basis "
        "in force as well, in the node's own legal calendar (setting `calendar`)"
    ),
    "not_pending": Phrase(
        "it was decided, or taken back, in the meantime: look at it anew"
    ),
    "case_closed": Phrase(
        "what is still to go out needs a new case: `fedsafe case open`"
    ),
    **dict.fromkeys(_ELSEWHERE, _LOOK),
    "already_withheld": Phrase(
        "a notice is held back once only; `fedsafe notice list` says until when"
    ),
    "reply_not_approved": Phrase(
        "print it with `fedsafe help-directory reply`, and enter who has approved "
        "it in the document that `help` in node.toml names"
    ),
    "automatic_reply": Phrase("`fedsafe case dispatches` shows where the package is"),
    "withholding": Phrase(
        "give a reason that the policy lists, and a day near enough: `fedsafe "
        "policy show` says how many days"
    ),
    "external_seat": Phrase(
        "an outsider's role takes an account that was added with --external, and "
        "an end: --until; other roles take people of the firm"
    ),
    "finding_missing": Phrase(
        "state with --finding what is established; what is not, is no signal"
    ),
    "legal_review": Phrase(
        "name it with --legal-review REF; without one an own ban is possible: "
        "--scope self"
    ),
    "lists_changed": Phrase(
        "`fedsafe signal revoke SIGNAL --reason superseded`, then `fedsafe signal "
        "add` again"
    ),
    "pruned": Phrase(
        "`fedsafe audit status` says from which entry on there is more; packs from "
        "before still verify"
    ),
    "deferred": _UNSEEN,
    "quorum": _UNSEEN,
}
