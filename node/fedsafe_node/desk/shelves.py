# SPDX-License-Identifier: Apache-2.0
"""The things that people work on, each with its routes; `shelf.py` makes the pages."""

from typing import Any, Final

from fedsafe_node.desk.act import Act
from fedsafe_node.desk.shelf import Shelf
from fedsafe_node.desk.view import ROOT, Page, Place, View
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Matter

_SIGNAL: Final = {"signal": f"{ROOT}/signals/own/{{}}"}
_OWN: Final = frozenset({"signal"})
"""What other members keep a page of, if it is theirs."""


def _open(item: Any) -> bool:  # noqa: ANN401 - of a shelf
    return getattr(item, "state", "open") in {"open", "watched"}


def _ended(item: Any) -> bool:  # noqa: ANN401
    return getattr(item, "ended_at", None) is None


def _outcome(
    outcome: str, button: Phrase, lead: Phrase, without: tuple[str, ...]
) -> Act:
    """Make the act that ends a review in one way, of the fields that it takes."""

    def given(view: View, item: Any) -> dict[str, Any]:  # noqa: ANN401
        del view
        return {"outcome": outcome, "revision": item.revision}

    return Act(
        route="decideTask",
        verb=outcome.replace("_", "-"),
        button=button,
        lead=lead,
        without=("outcome", "revision", *without),
        given=given,
        only=_open,
        grave=outcome == "confirm",
    )


_MEASURE: Final = ("rule", "phenomenon", "surface", "grade", "source")
_FINDING: Final = ("because", "with_second")
_QUESTION: Final = ("questions",)
_TASKS: Final = Shelf(
    name="tasks",
    place=Place.REVIEWS,
    slug="matches",
    title=Phrase.within("desk", "Matches"),
    lead=Phrase(
        "A match is a reason to review, not a verdict. What ends first stands first."
    ),
    empty=Phrase(
        "Nothing waits. A review begins here as soon as a lookup finds a signal."
    ),
    list_route="listTasks",
    matter=Matter.TASKS,
    items="tasks",
    key="task",
    param="task",
    show_route="showTask",
    columns=("task", "state", "opened_at", "ends_at", "flagged_at", "alike"),
    links=_SIGNAL,
    own=_OWN,
    acts=(
        _outcome(
            "dismiss",
            Phrase.within("desk", "Dismiss the match"),
            Phrase(
                "The account goes on as if nothing had matched. Say so if the listing "
                "itself is wrong: its origin is asked then."
            ),
            ("level", "until", "evidence", *_MEASURE, *_QUESTION),
        ),
        _outcome(
            "watch",
            Phrase.within("desk", "Watch the account for a time"),
            Phrase("Nothing is restricted; the review comes back on the day you name."),
            ("level", "evidence", "signal", *_QUESTION, *_FINDING),
        ),
        _outcome(
            "feature_limit",
            Phrase.within("desk", "Limit features for a time"),
            Phrase(
                "The person is told the reasons and how to appeal. Name what you found "
                "yourself: another provider's signal is no finding."
            ),
            ("level", "signal", *_QUESTION, *_FINDING),
        ),
        _outcome(
            "inquire",
            Phrase.within("desk", "Ask the origin of the signal"),
            Phrase("The review waits until somebody has entered what it replied."),
            ("level", "until", "evidence", *_MEASURE, *_FINDING),
        ),
        _outcome(
            "confirm",
            Phrase.within("desk", "Confirm, and take a measure"),
            Phrase(
                "It takes your own evidence. Closing an account for good waits for a "
                "second person. The person is told the reasons and how to appeal."
            ),
            ("until", "signal", *_QUESTION, *_FINDING),
        ),
        Act(
            route="hearTask",
            verb="hearing",
            button=Phrase.within("desk", "Enter a step of the hearing"),
            lead=Phrase("Before a measure the person is heard, or it says why not."),
            only=_open,
        ),
    ),
)
_FLOODS: Final = Shelf(
    name="floods",
    place=Place.REVIEWS,
    slug="floods",
    title=Phrase.within("desk", "Match floods"),
    lead=Phrase(
        "Signals that match unusually many accounts restrict nothing until a person "
        "has ruled on them."
    ),
    empty=Phrase("No signal matches unusually many."),
    list_route="listFloods",
    items="floods",
    key="flood",
    param="flood",
    show_route="showFlood",
    columns=("flood", "origin", "state", "references", "bound", "opened_at", "ends_at"),
    acts=(
        Act(
            route="ruleFlood",
            verb="ruling",
            button=Phrase.within("desk", "Rule on the signal"),
            lead=Phrase("It stands, or it rests at this node."),
        ),
        Act(
            route="raiseBound",
            verb="bound",
            button=Phrase.within("desk", "Let it match more for seven days"),
            lead=Phrase("A second person approves it."),
        ),
    ),
)
_TRIALS: Final = Shelf(
    name="trials",
    place=Place.REVIEWS,
    slug="trials",
    title=Phrase.within("desk", "Trials"),
    lead=Phrase("Whose signals have no effect here yet, and what came of them so far."),
    empty=Phrase("Nobody is on trial."),
    list_route="listTrials",
    items="trials",
    key="trial",
    param="trial",
    acts=(
        Act(
            route="endTrial",
            verb="end",
            button=Phrase.within("desk", "End the trial"),
            lead=Phrase("From then on its signals count here as the policy says."),
            only=_ended,
        ),
        Act(
            route="prolongTrial",
            verb="prolong",
            button=Phrase.within("desk", "Prolong the trial"),
            lead=Phrase("It lasts as long again, once."),
            only=_ended,
        ),
    ),
)
_LISTING_INQUIRIES: Final = Shelf(
    name="listingInquiries",
    place=Place.REVIEWS,
    slug="inquiries",
    title=Phrase.within("desk", "Doubts about own signals"),
    lead=Phrase("Signals of this node that members ask to have reviewed."),
    empty=Phrase("No member doubts a signal of this node."),
    list_route="listListingInquiries",
    items="inquiries",
    key="signal",
    param="id",
    show_route="showListingInquiry",
    acts=(
        Act(
            route="ruleListingInquiry",
            verb="ruling",
            button=Phrase.within("desk", "Rule on the signal"),
            lead=Phrase("Keep it, or revoke it everywhere."),
            only=_open,
        ),
    ),
)
_SENT: Final = Shelf(
    name="sentInquiries",
    place=Place.REVIEWS,
    slug="sent",
    title=Phrase.within("desk", "Doubts that we sent"),
    lead=Phrase("What this node has asked others to review, and what came of it."),
    empty=Phrase("This node has asked nobody."),
    list_route="listSentInquiries",
    items="inquiries",
)
_SIGNALS: Final = Shelf(
    name="signals",
    place=Place.SIGNALS,
    slug="own",
    title=Phrase.within("desk", "Own signals"),
    lead=Phrase("What this node has listed itself, and whom it has told."),
    empty=Phrase("This node has listed nothing yet."),
    list_route="listSignals",
    matter=Matter.SIGNALS,
    items="signals",
    key="signal",
    param="id",
    show_route="showSignal",
    without=frozenset({"already", "differs"}),
    columns=(
        *("signal", "state", "kind", "phenomenon", "listed_at", "match_until"),
        *("disputed", "recipients", "owed"),
    ),
    acts=(
        Act(
            route="revokeSignal",
            verb="revoke",
            button=Phrase.within("desk", "Revoke the signal"),
            lead=Phrase(
                "It stops everywhere and for good. All who have received it erase it, "
                "and send a receipt."
            ),
            grave=True,
        ),
        Act(
            route="keepSignal",
            verb="keep",
            button=Phrase.within("desk", "Let it live on"),
            lead=Phrase("For signals about files, after a review by another person."),
            only=lambda item: str(getattr(item, "plane", "")) == "media",
        ),
    ),
)
_ENDING: Final = Shelf(
    name="ending",
    place=Place.SIGNALS,
    slug="ending",
    title=Phrase.within("desk", "Ending soon"),
    lead=Phrase("Signals that end with their key epoch unless published anew."),
    empty=Phrase("No signal ends soon."),
    list_route="listEnding",
    matter=Matter.SIGNALS,
    items="signals",
    links=_SIGNAL,
)
_SAMPLE: Final = Shelf(
    name="sample",
    place=Place.SIGNALS,
    slug="sample",
    title=Phrase.within("desk", "Drawn for a second look"),
    lead=Phrase("Own signals that were drawn by lot, so that mistakes are found."),
    empty=Phrase("Nothing was drawn."),
    list_route="listSample",
    matter=Matter.SIGNALS,
    items="signals",
    key="signal",
    param="id",
    acts=(
        Act(
            route="reviewSampled",
            verb="finding",
            button=Phrase.within("desk", "Say what you found"),
            lead=Phrase("If you find it wrong, it is revoked everywhere."),
            only=lambda item: getattr(item, "finding", None) is None,
        ),
    ),
)
_REQUESTS: Final = Shelf(
    name="requests",
    place=Place.PERSONS,
    slug="requests",
    title=Phrase.within("desk", "Requests of persons"),
    lead=Phrase(
        "Who asks what is stored about them, or wants it corrected or erased, has an "
        "answer within a month (Art. 12 (3) GDPR). What is due first stands first."
    ),
    empty=Phrase("Nobody waits for an answer."),
    list_route="listRequests",
    items="requests",
    key="request",
    param="request",
    show_route="showRequest",
    columns=("request", "kind", "state", "opened_at", "due_at", "way", "outcome"),
    acts=(
        Act(
            route="answerRequest",
            verb="answer",
            button=Phrase.within("desk", "Write the answer"),
            lead=Phrase(
                "The answer is made of what was found and names all recipients. The "
                "person reads it with their code."
            ),
        ),
        Act(
            route="checkRequest",
            verb="check",
            button=Phrase.within("desk", "Have the identity check looked at again"),
            lead=Phrase("A second officer decides on it."),
        ),
        Act(
            route="extendRequest",
            verb="extend",
            button=Phrase.within("desk", "Take two months more"),
            lead=Phrase("Once, for a reason that the person is told."),
        ),
        Act(
            route="grantRequest",
            verb="grant",
            button=Phrase.within("desk", "Grant it, and erase"),
            lead=Phrase(
                "What this provider lists is erased; a second person approves."
            ),
            grave=True,
        ),
        Act(
            route="closeRequest",
            verb="close",
            button=Phrase.within("desk", "Close it with its outcome"),
            lead=Phrase("The person is told the outcome, and how to complain."),
        ),
    ),
    new=(
        Act(
            route="openRequest",
            verb="open",
            button=Phrase.within("desk", "Enter a request"),
            lead=Phrase(
                "The identifier is entered once and shown never again. You vouch that "
                "it is the person's own. Another officer looks at your check."
            ),
            shows=True,
            without=("attested",),
            names={
                "kind": Phrase.within("desk field", "What the person wants"),
                "about.kind": Phrase.within("desk field", "Kind of identifier"),
                "control": Phrase.within("desk field", "How you checked who it is"),
                "contention": Phrase.within(
                    "desk field", "For erasure, objection, dispute: what is wrong"
                ),
                "checked.seen_on": Phrase.within("desk field", "Checked on"),
                "checked.reference": Phrase.within(
                    "desk field", "Where your check is noted"
                ),
            },
            wanted=("checked.seen_on", "checked.reference"),
            barred={"control": frozenset({"account_login"})},
        ),
    ),
)
_DISPUTES: Final = Shelf(
    name="disputes",
    place=Place.PERSONS,
    slug="disputes",
    title=Phrase.within("desk", "Disputes"),
    lead=Phrase("A disputed signal rests until its origin has ruled."),
    empty=Phrase("No signal is disputed."),
    list_route="listDisputes",
    matter=Matter.TASKS,
    items="disputes",
    key="dispute",
    param="dispute",
    show_route="showDispute",
    columns=("dispute", "contention", "origin", "state", "received_at", "due_at"),
    links=_SIGNAL,
    own=_OWN,
    acts=(
        Act(
            route="ruleDispute",
            verb="ruling",
            button=Phrase.within("desk", "Rule on the dispute"),
            lead=Phrase("By somebody who decided nothing about the signal before."),
            only=_open,
        ),
        Act(
            route="fileAppeal",
            verb="appeal",
            button=Phrase.within("desk", "File an appeal for the person"),
            lead=Phrase("Another member hears it."),
        ),
    ),
)
_APPEALS: Final = Shelf(
    name="appeals",
    place=Place.PERSONS,
    slug="appeals",
    title=Phrase.within("desk", "Appeals"),
    lead=Phrase("What other members' rulings this node hears, and who hears ours."),
    empty=Phrase("No appeal waits."),
    list_route="listAppeals",
    matter=Matter.TASKS,
    items="appeals",
    key="appeal",
    param="appeal",
    show_route="showAppeal",
    columns=("appeal", "origin", "heard_by", "state", "received_at", "due_at"),
    acts=(
        Act(
            route="ruleAppeal",
            verb="ruling",
            button=Phrase.within("desk", "Rule on the appeal"),
            lead=Phrase("A second person approves the ruling."),
            only=_open,
        ),
    ),
)
_NOTICES: Final = Shelf(
    name="notices",
    place=Place.PERSONS,
    slug="notices",
    title=Phrase.within("desk", "Notices"),
    lead=Phrase("What persons are to be told, and what it waits for."),
    empty=Phrase("No notice waits."),
    list_route="listNotices",
    matter=Matter.TASKS,
    items="notices",
    key="notice",
    param="id",
    without=frozenset({"task"}),
    acts=(
        Act(
            route="withholdNotice",
            verb="withhold",
            button=Phrase.within("desk", "Hold the notice back"),
            lead=Phrase("Only for a reason that the law lists, and for a time."),
        ),
    ),
)
_TEXTS: Final = Shelf(
    name="texts",
    place=Place.PERSONS,
    slug="texts",
    title=Phrase.within("desk", "Texts of notices"),
    lead=Phrase("What persons read. Each text is signed off, word by word."),
    empty=Phrase("There are no texts."),
    list_route="listNoticeTexts",
    items="texts",
    key="name",
    param="name",
    columns=("name", "title", "standing", "signed_at", "valid_until"),
    acts=(
        Act(
            route="signOffNoticeText",
            verb="sign-off",
            button=Phrase.within("desk", "Sign off the text"),
            lead=Phrase("You sign exactly the words that stand here."),
            without=("digest",),
            given=lambda _, item: {"digest": item.digest},
        ),
    ),
)
_BREACHES: Final = Shelf(
    name="breaches",
    place=Place.PERSONS,
    slug="breaches",
    title=Phrase.within("desk", "Breaches"),
    lead=Phrase(
        "The register of personal-data breaches. The authority is told within 72 "
        "hours (Art. 33 GDPR), persons without delay if the risk is high (Art. 34)."
    ),
    empty=Phrase("No breach was entered."),
    list_route="listBreaches",
    items="breaches",
    key="breach",
    param="breach",
    show_route="showBreach",
    columns=("breach", "state", "aware_at", "due_at", "kinds", "risk", "overdue"),
    acts=(
        Act(
            route="assessBreach",
            verb="assess",
            button=Phrase.within("desk", "Enter what is known"),
        ),
        Act(
            route="notifyBreach",
            verb="notify",
            button=Phrase.within("desk", "Enter who was told"),
        ),
        Act(
            route="closeBreach",
            verb="close",
            button=Phrase.within("desk", "Close the breach"),
            lead=Phrase("Without notification a second person approves it."),
        ),
    ),
    new=(
        Act(
            route="openBreach",
            verb="open",
            button=Phrase.within("desk", "Enter a breach"),
            lead=Phrase("The 72 hours run from when somebody became aware of it."),
        ),
    ),
)
_CASES: Final = Shelf(
    name="cases",
    place=Place.CASES,
    slug="open",
    title=Phrase.within("desk", "Open cases"),
    lead=Phrase(
        "By deadline. On the command line a case goes on: `fedsafe case show CASE` "
        "says what it still owes, and how."
    ),
    empty=Phrase("No case is open."),
    list_route="listCases",
    matter=Matter.CASES,
    items="cases",
    columns=("case", "state", "urgency", "known_at", "dispatch_by", "owed", "test"),
)
_PEOPLE: Final = Shelf(
    name="people",
    place=Place.HOUSE,
    slug="people",
    title=Phrase.within("desk", "People"),
    lead=Phrase("Who works with the node, and in which roles."),
    empty=Phrase("Nobody has an account yet."),
    list_route="listAccounts",
    items="accounts",
    key="name",
    param="name",
    columns=("name", "display", "state", "external", "roles"),
    acts=(
        Act(
            route="grantRole",
            verb="grant",
            button=Phrase.within("desk", "Grant a role"),
            lead=Phrase("A second person approves it."),
            without=("name",),
            given=lambda _, item: {"name": item.name},
        ),
        Act(
            route="endRole",
            verb="end-role",
            button=Phrase.within("desk", "Take a role away"),
            lead=Phrase("At once; open sessions in it end."),
            without=("name", "since", "until"),
            given=lambda _, item: {"name": item.name},
        ),
        Act(
            route="recordTraining",
            verb="training",
            button=Phrase.within("desk", "Record a training"),
            lead=Phrase("Nobody records their own."),
            without=("name",),
            given=lambda _, item: {"name": item.name},
        ),
        Act(
            route="resetAccount",
            verb="reset",
            button=Phrase.within("desk", "Let them set up anew"),
            lead=Phrase(
                "Password, second factor, sessions and roles of the person end. You "
                "get a code; hand it over to them."
            ),
            shows=True,
            grave=True,
        ),
        Act(
            route="lockAccount",
            verb="lock",
            button=Phrase.within("desk", "Lock the account"),
            lead=Phrase("All sessions end at once."),
            grave=True,
        ),
    ),
    new=(
        Act(
            route="addAccount",
            verb="add",
            button=Phrase.within("desk", "Add somebody"),
            lead=Phrase(
                "You get a code to hand over; with it they set their account up "
                "themselves. Roles come afterwards."
            ),
            shows=True,
        ),
    ),
)
_TRAINING: Final = Shelf(
    name="training",
    place=Place.HOUSE,
    slug="training",
    title=Phrase.within("desk", "Training"),
    lead=Phrase("Without a valid training a role lapses."),
    empty=Phrase("No training is recorded."),
    list_route="listTraining",
    items="trainings",
)
_CREDENTIALS: Final = Shelf(
    name="credentials",
    place=Place.HOUSE,
    slug="credentials",
    title=Phrase.within("desk", "Services"),
    lead=Phrase("Programs of yours that ask the node, each with its own credential."),
    empty=Phrase("No service has a credential yet."),
    list_route="listCredentials",
    items="credentials",
    key="name",
    param="name",
    acts=(
        Act(
            route="rotateCredential",
            verb="rotate",
            button=Phrase.within("desk", "Give it a successor"),
            lead=Phrase("Both are good during the overlap."),
            shows=True,
        ),
        Act(
            route="revokeCredential",
            verb="revoke",
            button=Phrase.within("desk", "End it at once"),
            grave=True,
        ),
    ),
    new=(
        Act(
            route="addCredential",
            verb="add",
            button=Phrase.within("desk", "Add a service"),
            shows=True,
        ),
    ),
)
_REGISTER: Final = Shelf(
    name="register",
    place=Place.HOUSE,
    slug="register",
    title=Phrase.within("desk", "Schutzkonzept"),
    lead=Phrase("The protection concept, item by item, and what it still lacks."),
    empty=Phrase("The register is empty."),
    list_route="showRegister",
    items="items",
    key="item",
    param="item",
    columns=("item", "title", "mandatory", "missing"),
    acts=(
        Act(
            route="enterItem",
            verb="enter",
            button=Phrase.within("desk", "Enter how far we are"),
            lead=Phrase("A second person confirms it."),
        ),
    ),
)
SHELVES: Final = (
    *(_TASKS, _FLOODS, _TRIALS, _LISTING_INQUIRIES, _SENT),
    *(_SIGNALS, _ENDING, _SAMPLE),
    *(_REQUESTS, _DISPUTES, _APPEALS, _NOTICES, _TEXTS, _BREACHES),
    _CASES,
    *(_PEOPLE, _TRAINING, _CREDENTIALS, _REGISTER),
)
SHELF_PAGES: Final[tuple[Page, ...]] = tuple(
    page for shelf in SHELVES for page in shelf.pages()
)
