# SPDX-License-Identifier: Apache-2.0
"""Each key of a policy made stricter, and a request that then is refused."""

from dataclasses import replace
from datetime import date

from tests.support.policy_requests import (
    ANNA,
    BAN,
    BODY,
    CONFIRM,
    DAY,
    HEADER,
    HOUR,
    LEO,
    LIMIT,
    NOW,
    OPENING,
    OWN_BAN,
    PICTURE,
    RUTH,
    TRAINED,
    WATCH,
)

from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.engine import Request
from fedsafe_policies.rules.budgets import (
    EvaluationBudgetRequest,
    LookupBudgetRequest,
    PublicationBudgetRequest,
)
from fedsafe_policies.rules.continuation import KeepRequest
from fedsafe_policies.rules.corroboration import CorroborationRequest, Statement
from fedsafe_policies.rules.disclosure import Audience, TransferRequest
from fedsafe_policies.rules.disputes import RulingRequest
from fedsafe_policies.rules.erasures import ErasureDebtRequest
from fedsafe_policies.rules.floods import FloodRequest
from fedsafe_policies.rules.lookups import LookupRequest
from fedsafe_policies.rules.matching import MatchRequest
from fedsafe_policies.rules.notices import WithholdingRequest
from fedsafe_policies.rules.roles import RoleRequest
from fedsafe_policies.vocabulary import (
    Circle,
    EvaluationPurpose,
    Grade,
    IdentifierKind,
    Level,
    MediaKind,
    Plane,
    Provenance,
    Purpose,
    Role,
    Withholding,
)

EASTER = 1_808_870_400 + HOUR  # 2027-04-28, so that 2027-05-06 (Ascension) is near
TEXT = (
    shipped_text("germany")
    .decode()
    .replace('# child-games = ["spiel.example.de"', 'games = ["b.example.org"')
    .replace("probation_reviews = 30", "probation_reviews = 31")
    .replace("[jurisdictions.transfers]", '[jurisdictions.transfers]\nUS = "scc-1"')
    .replace("[trial]", "[pictures]\nradius = 31\n\n[pictures.origins]\n\n[trial]")
)
LOOSE = load_policy(TEXT.encode())
MAIL = IdentifierKind.EMAIL


def _doubt(at: int) -> Request:
    return RulingRequest(LEO, frozenset(), at, stands=True, reason="ruling-1")


TIGHTER: list[tuple[str, str, str, Request | None, int]] = [
    ("share.planes", '[share]\nplanes = ["actor", ', "[share]\nplanes = [", BAN, NOW),
    ("share.identifiers", '"email", "phone", ', '"email", ', BAN, NOW),
    ("share.media", ', "pdq"]', "]", PICTURE, NOW),
    ("share.surfaces", '["public_content", ', "[", BAN, NOW),
    ("share.grades", ', "confirmed_conduct"]', "]", BAN, NOW),
    ("scopes.circles", '["federation", ', "[", OPENING, NOW),
    (
        "scopes.groups.games",
        'games = ["b.example.org", ',
        "games = [",
        replace(OPENING, audience=Audience(Circle.GROUP, frozenset({"games"}))),
        NOW,
    ),
    ("phenomena.grooming", "grooming = [", "#", BAN, NOW),
    (
        "purposes.service",
        'service = ["signup_check", ',
        "service = [",
        LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.ACTOR),
        NOW,
    ),
    (
        "retention.actor",
        'actor = "12 months"',
        'actor = "1 month"',
        replace(BAN, since=date(2026, 8, 1)),
        NOW,
    ),
    (
        "retention.renewed",
        'renewed = "24 m',
        'renewed = "12 m',
        KeepRequest(Plane.ACTOR, date(2025, 6, 1), ANNA, date(2026, 5, 1), RUTH),
        NOW,
    ),
    (
        "retention.media",
        'media = "24 m',
        'media = "12 m',
        replace(PICTURE, since=date(2025, 6, 1)),
        NOW,
    ),
    (
        "retention.revalidate",
        'revalidate = "12 m',
        'revalidate = "2 m',
        KeepRequest(Plane.MEDIA, date(2025, 6, 1), ANNA, date(2026, 5, 1), RUTH),
        NOW,
    ),
    ("retention.bucket", 'bucket = "7 days"', 'bucket = "9 days"', None, NOW),
    ("retention.after_match", 'after_match = "7 d', 'after_match = "6 d', None, NOW),
    ("retention.cases", 'cases = "12 m', 'cases = "6 m', None, NOW),
    (
        "ageing.phone",
        'phone = "6 m',
        'phone = "1 m',
        MatchRequest(HEADER, replace(BODY, since=date(2026, 8, 1))),
        NOW,
    ),
    (
        "working_days.holidays",
        '"10-03", "12-25", ',
        '"10-03", ',
        _doubt(1_797_246_000),  # 2026-12-14, the ruling ends on the 29th
        1_798_588_799 - HOUR,
    ),
    (
        "working_days.easter",
        "-2, 1, 39, 50",
        "-2, 1, 50",
        _doubt(EASTER),
        EASTER + 15 * DAY - HOUR,
    ),
    (
        "review.working_days",
        "\nworking_days = 3",
        "\nworking_days = 1",
        replace(WATCH, opened=NOW),
        NOW + 2 * DAY,
    ),
    (
        "review.longest",
        'longest = "7 d',
        'longest = "1 d',
        replace(WATCH, opened=NOW),
        NOW + 2 * DAY,
    ),
    ("review.watch", 'watch = "30 d', 'watch = "9 d', WATCH, NOW),
    (
        "review.watch_renewals",
        "renewals = 1",
        "renewals = 0",
        replace(WATCH, renewals=1, reason="note-2"),
        NOW,
    ),
    ("review.feature_limit", 'limit = "30 d', 'limit = "9 d', LIMIT, NOW),
    (
        "review.second_person_from",
        'person_from = "L5"',
        'person_from = "L1"',
        replace(CONFIRM, level=Level.L1, second=None),
        NOW,
    ),
    (
        "review.hearing_from",
        'hearing_from = "L6"',
        'hearing_from = "L5"',
        replace(CONFIRM, level=Level.L5, hearing=None),
        NOW,
    ),
    ("review.alarm_tasks", "tasks = 50", "tasks = 40", None, NOW),
    ("review.alarm_percent", "percent = 95", "percent = 90", None, NOW),
    ("review.alarm_seconds", "alarm_seconds = 10", "alarm_seconds = 11", None, NOW),
    ("review.ask_again_seconds", "again_seconds = 10", "again_seconds = 11", None, NOW),
    ("disputes.suspend_minutes", "minutes = 5", "minutes = 4", None, NOW),
    (
        "disputes.ruling_working_days",
        "ruling_working_days = 10",
        "ruling_working_days = 1",
        _doubt(NOW),
        NOW + 2 * DAY,
    ),
    ("disputes.suspensions_a_day", "ions_a_day = 50", "ions_a_day = 60", None, NOW),
    ("disputes.attested_a_day", "ested_a_day = 10", "ested_a_day = 20", None, NOW),
    ("erasure.alarm_hours", "alarm_hours = 24", "alarm_hours = 23", None, NOW),
    (
        "erasure.stop_hours",
        "stop_hours = 72",
        "stop_hours = 48",
        ErasureDebtRequest(NOW - 50 * HOUR),
        NOW,
    ),
    (
        "notices.reasons",
        'reasons = ["bdsg_29_1", ',
        "reasons = [",
        WithholdingRequest(RUTH, Withholding.BDSG_29_1, "note-4", date(2026, 10, 1)),
        NOW,
    ),
    (
        "notices.longest",
        'longest = "30 d',
        'longest = "9 d',
        WithholdingRequest(RUTH, Withholding.BDSG_29_1, "note-4", date(2026, 10, 1)),
        NOW,
    ),
    ("four_eyes.acts", "\nacts = [", '\nacts = ["own_ban", ', OWN_BAN, NOW),
    (
        "jurisdictions.allowed",
        'allowed = ["EEA"]',
        'allowed = ["FR"]',
        TransferRequest("DE", Purpose.ESCALATION, "dsa-18"),
        NOW,
    ),
    (
        "jurisdictions.transfers.US",
        'US = "scc-1"',
        "",
        TransferRequest("US", Purpose.ESCALATION, "dsa-18", "scc-1"),
        NOW,
    ),
    ("do_not_share.lists", 'lists = ["', 'lists = ["more", "', None, NOW),
    ("do_not_share.shortest", "shortest = 4", "shortest = 5", None, NOW),
    (
        "budgets.publications_an_hour",
        "an_hour = 500",
        "an_hour = 9",
        PublicationBudgetRequest(9, 9, 9),
        NOW,
    ),
    (
        "budgets.publications_a_day",
        "publications_a_day = 2000",
        "publications_a_day = 9",
        PublicationBudgetRequest(9, 9, 9),
        NOW,
    ),
    (
        "budgets.identifiers_an_account",
        "account = 20",
        "account = 2",
        LookupBudgetRequest(Purpose.SIGNUP_CHECK, 0, 1, 500, 100),
        NOW,
    ),
    (
        "budgets.lookups_an_hour.signup_check",
        "signup_check = 20000",
        "signup_check = 20",
        LookupBudgetRequest(Purpose.SIGNUP_CHECK, 20, 1),
        NOW,
    ),
    (
        "budgets.evaluations_an_hour.lookup",
        "[budgets.evaluations_an_hour]\nlookup = 500",
        "[budgets.evaluations_an_hour]\nlookup = 50",
        EvaluationBudgetRequest(EvaluationPurpose.LOOKUP, 50, 50, 1),
        NOW,
    ),
    (
        "budgets.evaluations_a_day.rights",
        "rights = 100",
        "rights = 99",
        EvaluationBudgetRequest(EvaluationPurpose.RIGHTS, 0, 99, 1),
        NOW,
    ),
    (
        "budgets.evaluations_a_day.backfill",
        "backfill = 20000",
        "",
        EvaluationBudgetRequest(EvaluationPurpose.BACKFILL, 0, 0, 1),
        NOW,
    ),
    ("staffing.seats", 'seats = ["', 'seats = ["auditor", "', None, NOW),
    (
        "staffing.external",
        'external = ["auditor", "dpo", ',
        'external = ["auditor", ',
        RoleRequest(
            "dana",
            Role.DPO,
            trained=TRAINED | {replace(next(iter(TRAINED)), module="legal")},  # type: ignore[arg-type]
            external=True,
            until=date(2026, 12, 1),
        ),
        NOW,
    ),
    (
        "staffing.external_longest",
        'external_longest = "12 m',
        'external_longest = "1 m',
        RoleRequest(
            "dana",
            Role.DPO,
            trained=TRAINED | {replace(next(iter(TRAINED)), module="legal")},  # type: ignore[arg-type]
            external=True,
            until=date(2026, 12, 1),
        ),
        NOW,
    ),
    (
        "staffing.apart",
        "[staffing.apart]\n",
        '[staffing.apart]\nreviewer = ["analyst"]\n',
        RoleRequest("ida", Role.ANALYST, frozenset({Role.REVIEWER}), TRAINED),
        NOW,
    ),
    (
        "training.analyst.modules",
        'modules = ["basic", "trauma',
        'modules = ["basic", "legal", "trauma',
        RoleRequest("ida", Role.ANALYST, trained=TRAINED),
        NOW,
    ),
    (
        "training.analyst.valid",
        'modules = ["basic", "trauma_informed"]\nvalid = "12 m',
        'modules = ["basic", "trauma_informed"]\nvalid = "1 m',
        RoleRequest("ida", Role.ANALYST, trained=TRAINED),
        NOW,
    ),
    (
        "corroboration.origins",
        "origins = 2",
        "origins = 3",
        CorroborationRequest(
            tuple(
                Statement(name, name, Provenance.OWN_FINDING, Grade.CONFIRMED_CONDUCT)
                for name in "bc"
            )
        ),
        NOW,
    ),
    ("flood.email", "\nemail = 10", "\nemail = 9", FloodRequest(MAIL, 9), NOW),
    ("flood.phone", "\nphone = 10", "\nphone = 9", None, NOW),
    ("flood.username", "\nusername = 10", "\nusername = 9", None, NOW),
    ("flood.device", "\ndevice = 10", "\ndevice = 9", None, NOW),
    ("flood.payment", "\npayment = 10", "\npayment = 9", None, NOW),
    ("flood.ip", "\nip = 20", "\nip = 9", None, NOW),
    ("flood.url", "\nurl = 20", "\nurl = 9", None, NOW),
    ("flood.sha256", "\nsha256 = 50", "\nsha256 = 9", None, NOW),
    ("flood.sha1", "\nsha1 = 50", "\nsha1 = 9", None, NOW),
    ("flood.md5", "\nmd5 = 50", "\nmd5 = 9", None, NOW),
    ("flood.blake3", "\nblake3 = 50", "\nblake3 = 9", None, NOW),
    ("flood.pdq", "\npdq = 50", "\npdq = 9", FloodRequest(MediaKind.PDQ, 9), NOW),
    ("trial.lasts", 'lasts = "30 days"', 'lasts = "31 days"', None, NOW),
    ("retention.sample_percent", "sample_percent = 5", "sample_percent = 6", None, NOW),
    ("trial.probation_reviews", "_reviews = 31", "_reviews = 30", None, NOW),
    ("trial.probation_percent", "_percent = 10", "_percent = 9", None, NOW),
    ("pictures.radius", "radius = 31", "radius = 30", None, NOW),
    (
        "pictures.origins.c.demo",
        "[pictures.origins]",
        '[pictures.origins]\n"c.demo" = 20',
        None,
        NOW,
    ),
    ("rulebook.rules[0].id", 'id = "house-1"', 'id = "house-9"', BAN, NOW),
    (
        "rulebook.rules[0].phenomena",
        'phenomena = ["grooming", ',
        "phenomena = [",
        BAN,
        NOW,
    ),
    ("rulebook.rules[0].level", 'level = "L6"', 'level = "L5"', BAN, NOW),
]
