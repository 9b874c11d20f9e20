# SPDX-License-Identifier: Apache-2.0
"""Ways out of what the node refuses, by its code, or by what it says; both languages.

Commands and options are what is typed, and the same in both.
"""

from collections.abc import Mapping
from typing import Final

Both = tuple[str, str]
"""A text in German and in English."""
_UNSEEN: Final = (
    "`fedsafe node status` sagt, welche Mitglieder seit wann nicht gesehen wurden",
    "`fedsafe node status` says which members are not seen, since when",
)
_READER: Final = (
    (
        "das liest, wer die Rolle hat: `fedsafe account list`; allein geht es nicht, "
        "also jemand anderem ein Konto geben: `fedsafe account add NAME`, `fedsafe "
        "training add NAME`, `fedsafe account roles NAME --grant dpo`"
    ),
    (
        "whoever has the role reads it: `fedsafe account list`; nobody does it alone, "
        "so give somebody else an account: `fedsafe account add NAME`, `fedsafe "
        "training add NAME`, `fedsafe account roles NAME --grant dpo`"
    ),
)
WAYS_OUT: Final[Mapping[str, Both]] = {
    "this takes the credential of a reviewer or an auditor or a dpo": _READER,
    "own_role": (
        (
            "eine andere Person, die Rollen vergibt, tut es; ist keine da, erst einer "
            "Konto und Rolle geben: `fedsafe account add NAME`, `fedsafe account roles "
            "NAME --grant dpo`"
        ),
        (
            "another person who grants roles does it; if there is none, seat one "
            "first: `fedsafe account add NAME`, `fedsafe account roles NAME --grant "
            "dpo`"
        ),
    ),
    "no such partner": (
        (
            "`fedsafe partner list` zeigt Ihre; aus einer mitgelieferten Stelle wird "
            "einer mit `fedsafe partner add NAME --entry DATEI`, sobald er geprüft ist"
        ),
        (
            "`fedsafe partner list` shows yours; an office that is shipped becomes one "
            "with `fedsafe partner add NAME --entry FILE`, once it is verified"
        ),
    ),
    "partner_changed": (
        (
            "`fedsafe partner list` zeigt Eintrag und Fassung; dann diese nennen: "
            "`fedsafe partner add PARTNER --replaces N`, `fedsafe partner verify "
            "PARTNER --revision N`; ein neuer wird ohne --replaces eingetragen"
        ),
        (
            "`fedsafe partner list` shows entry and revision; then name it: `fedsafe "
            "partner add PARTNER --replaces N`, `fedsafe partner verify PARTNER "
            "--revision N`; a new one is entered without --replaces"
        ),
    ),
    "not_comparable": (
        (
            "für jeden Schlüssel, den `fedsafe partner list` zeigt, einen angeben und "
            "keinen anderen: --fingerprint (der von FedSafe), "
            "--certificate-fingerprint (X.509), --openpgp-fingerprint (OpenPGP), "
            "--host-key-fingerprint (SHA256:..., für jeden Server)"
        ),
        (
            "give one for each key that `fedsafe partner list` shows, and no other: "
            "--fingerprint (FedSafe's own), --certificate-fingerprint (X.509), "
            "--openpgp-fingerprint (OpenPGP), --host-key-fingerprint (SHA256:..., each "
            "server)"
        ),
    ),
    "a partner without a phone number cannot be called": (
        (
            "seine Nummer eintragen (phone): `fedsafe partner add PARTNER --entry "
            "DATEI --replaces N`"
        ),
        "enter its phone: `fedsafe partner add PARTNER --entry FILE --replaces N`",
    ),
    "no_federation": (
        (
            "eine eigene Sperre mit --scope self eintragen, oder eine Föderation "
            "gründen: `fedsafe federation found --help`"
        ),
        (
            "record an own ban with --scope self, or found a federation: `fedsafe "
            "federation found --help`"
        ),
    ),
    "founding_waits": (
        (
            "dort: `fedsafe federation found review`, dann `fedsafe federation found "
            "confirm`"
        ),
        (
            "there: `fedsafe federation found review`, then `fedsafe federation found "
            "confirm`"
        ),
    ),
    "founding_refused": (
        (
            "wer abgelehnt hat, nimmt mit `fedsafe federation found confirm` wieder "
            "teil; sonst ohne dieses Mitglied vorschlagen, in einem neuen Ordner"
        ),
        (
            "whoever refused takes part again by `fedsafe federation found confirm`; "
            "else propose without that member, in a new folder"
        ),
    ),
    "founding_spent": (
        (
            "die Karten am Telefon ganz vergleichen (`fedsafe federation card` bei "
            "jedem Mitglied); dann beim Einladenden `fedsafe federation found propose "
            "--anew` in einem neuen Ordner, oder `found run --anew`"
        ),
        (
            "compare the whole cards by telephone (`fedsafe federation card` at each "
            "member); then, at the convenor, `fedsafe federation found propose --anew` "
            "in a new folder, or `found run --anew`"
        ),
    ),
    "founding_full": (
        (
            "dort zeigt `fedsafe federation found review`, was wartet; ablehnen, was "
            "niemand kennt: `fedsafe federation found withdraw --proposal DIGEST`. Was "
            "der Betreiber selbst bringt (`found review ORDNER`), hat Vorrang"
        ),
        (
            "there `fedsafe federation found review` shows what waits; refuse what "
            "nobody knows: `fedsafe federation found withdraw --proposal DIGEST`. What "
            "the operator brings (`found review FOLDER`) goes first"
        ),
    ),
    "share_made": (
        (
            "der Anteil ist gemacht; wird die Föderation gegründet, verlässt man sie "
            "mit `fedsafe federation leave`"
        ),
        (
            "the share is made; if the federation is founded, leave it by `fedsafe "
            "federation leave`"
        ),
    ),
    "the founding is over: this node is a member, and can only leave": (
        "austreten: `fedsafe federation leave --help`",
        "to leave: `fedsafe federation leave --help`",
    ),
    "this proposal is not of this week: have it proposed anew": (
        (
            "beim Einladenden `fedsafe federation found propose` in einem neuen "
            "Ordner, oder `found run`; danach bestätigen alle neu"
        ),
        (
            "at the convenor `fedsafe federation found propose` in a new folder, or "
            "`found run`; then all confirm anew"
        ),
    ),
    "wrong_groups": (
        (
            "die Karten am Telefon ganz vergleichen (`fedsafe federation card` bei "
            "jedem Mitglied); stimmen sie nicht überein, nichts bestätigen"
        ),
        (
            "compare the whole cards by telephone (`fedsafe federation card` at each "
            "member); if they differ, confirm nothing"
        ),
    ),
    "too_few_holders": (
        "ein weiteres Mitglied einladen: `fedsafe federation invite`",
        "invite another member: `fedsafe federation invite`",
    ),
    "legal_gate": (
        "was ihr fehlt, sagt `fedsafe gate show`",
        "see what it lacks with `fedsafe gate show`",
    ),
    "no_second_person": (
        (
            "einer weiteren Person Konto und Rolle geben: `fedsafe account add NAME`, "
            "`fedsafe account roles NAME --grant ROLLE`"
        ),
        (
            "give one an account and a role: `fedsafe account add NAME`, `fedsafe "
            "account roles NAME --grant ROLE`"
        ),
    ),
    "bad_group": (
        (
            "die Gruppen stehen unter [scopes.groups] der Richtlinie: `fedsafe policy "
            "show DATEI`"
        ),
        (
            "the groups stand under [scopes.groups] of the policy: `fedsafe policy "
            "show FILE`"
        ),
    ),
    "already_asked": (
        (
            "siehe `fedsafe act list`; freigeben oder mit `fedsafe act withdraw` "
            "zurückziehen"
        ),
        "see `fedsafe act list`; approve it, or `fedsafe act withdraw` it",
    ),
    "bad_officer": (
        (
            "in dpo_approval das Konto der oder des Datenschutzbeauftragten nennen; "
            "`fedsafe account list` zeigt Konten und Rollen"
        ),
        (
            "name the account of your data protection officer in dpo_approval; "
            "`fedsafe account list` shows accounts and roles"
        ),
    ),
    "bad_policy": (
        "die Datei ausbessern, die node.toml nennt: `fedsafe policy check DATEI`",
        "mend the file that node.toml names: `fedsafe policy check FILE`",
    ),
    "other_officer": (
        (
            "mit `fedsafe act withdraw` zurückziehen, dann mit der Person eintragen, "
            "die beteiligt ist"
        ),
        "`fedsafe act withdraw` it, then record it with the officer who takes part",
    ),
    "look_again": (
        "noch einmal ansehen; dann derselbe Befehl mit --again",
        "look at it once more; then the same command with --again",
    ),
    "step_up": (
        "`fedsafe login`, in einer Sitzung `fedsafe login --step-up`, dann noch einmal",
        "`fedsafe login`, in a session `fedsafe login --step-up`, and repeat it",
    ),
    "account_needed": (
        (
            "die erste Verwaltung richtet sich mit `fedsafe account setup` ein, andere "
            "bekommen ihr Konto mit `fedsafe account add NAME`, `fedsafe training add "
            "NAME`, `fedsafe account roles NAME --grant ROLLE`; dann `fedsafe login`"
        ),
        (
            "the first administrator sets up with `fedsafe account setup`, others get "
            "theirs with `fedsafe account add NAME`, `fedsafe training add NAME`, "
            "`fedsafe account roles NAME --grant ROLE`; then `fedsafe login`"
        ),
    ),
    "named_person": (
        (
            "`fedsafe login`, dann mit --credential die Datei nennen, die es angibt; "
            "ohne Konto die Datei, die `fedsafe node init --staff` geschrieben hat"
        ),
        (
            "`fedsafe login`, then name with --credential the file that it tells; "
            "without an account the file that `fedsafe node init --staff` wrote"
        ),
    ),
    "choose_role": ("eine mit --role nennen", "name one with --role"),
    "too_many_tries": (
        "eine Weile warten; früher kann das niemand aufheben",
        "wait a while; nobody can unlock it sooner",
    ),
    "training": (
        "`fedsafe training add NAME --module MODUL ...` trägt eine ein",
        "`fedsafe training add NAME --module MODULE ...` records one",
    ),
    "purpose": (
        (
            "mit --purpose sagen, wozu Sie fragen, wo der Befehl das kennt und Ihre "
            "Rolle es darf; oder sich in einer Rolle anmelden, die es darf"
        ),
        (
            "say why you ask with --purpose, where the command has it, as your role "
            "may; or log in with a role that may"
        ),
    ),
    "surface": (
        (
            "eine Richtlinie nennt die Bereiche, die sie teilt; private Nachrichten "
            "brauchen dazu eine geltende Grundlage im Rechtskalender des Knotens "
            "(Einstellung `calendar`)"
        ),
        (
            "a policy names the surfaces that it shares; private messages need a basis "
            "in force as well, in the node's own legal calendar (setting `calendar`)"
        ),
    ),
    "not_pending": (
        "es wurde inzwischen entschieden oder zurückgezogen: neu ansehen",
        "it was decided, or taken back, in the meantime: look at it anew",
    ),
    "case_closed": (
        "was noch hinaus muss, braucht einen neuen Fall: `fedsafe case open`",
        "what is still to go out needs a new case: `fedsafe case open`",
    ),
    "wrong_state": (
        "wie es jetzt steht, sagen `show` oder `list`",
        "look at how it stands now, with `show` or `list`",
    ),
    "already_withheld": (
        (
            "eine Mitteilung wird nur einmal zurückgehalten; `fedsafe notice list` "
            "sagt, bis wann"
        ),
        "a notice is held back once only; `fedsafe notice list` says until when",
    ),
    "reply_not_approved": (
        (
            "mit `fedsafe help-directory reply` ausgeben, und in dem Dokument, das "
            "`help` in node.toml nennt, eintragen, wer freigegeben hat"
        ),
        (
            "print it with `fedsafe help-directory reply`, and enter who has approved "
            "it in the document that `help` in node.toml names"
        ),
    ),
    "automatic_reply": (
        "`fedsafe case dispatches` zeigt, wo das Paket ist",
        "`fedsafe case dispatches` shows where the package is",
    ),
    "withholding": (
        (
            "einen Grund angeben, den die Richtlinie kennt, und einen nahen Tag: "
            "`fedsafe policy show` sagt, wie viele Tage"
        ),
        (
            "give a reason that the policy lists, and a day near enough: `fedsafe "
            "policy show` says how many days"
        ),
    ),
    "external_seat": (
        (
            "die Rolle für Außenstehende bekommt ein Konto, das mit --external "
            "angelegt ist, und ein Ende: --until; andere Rollen bekommen Leute des "
            "Hauses"
        ),
        (
            "an outsider's role takes an account that was added with --external, and "
            "an end: --until; other roles take people of the firm"
        ),
    ),
    "finding_missing": (
        "mit --finding sagen, was feststeht; was nicht feststeht, ist kein Signal",
        "state with --finding what is established; what is not, is no signal",
    ),
    "legal_review": (
        (
            "mit --legal-review VERMERK nennen; ohne bleibt die eigene Sperre: --scope "
            "self"
        ),
        (
            "name it with --legal-review REF; without one an own ban is possible: "
            "--scope self"
        ),
    ),
    "lists_changed": (
        (
            "`fedsafe signal revoke SIGNAL --reason superseded`, dann wieder `fedsafe "
            "signal add`"
        ),
        (
            "`fedsafe signal revoke SIGNAL --reason superseded`, then `fedsafe signal "
            "add` again"
        ),
    ),
    "pruned": (
        (
            "`fedsafe audit status` sagt, ab welchem Eintrag es mehr gibt; Nachweise "
            "von davor stimmen noch"
        ),
        (
            "`fedsafe audit status` says from which entry on there is more; packs from "
            "before still verify"
        ),
    ),
    "deferred": _UNSEEN,
    "quorum": _UNSEEN,
}
