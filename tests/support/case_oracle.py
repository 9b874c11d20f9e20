# SPDX-License-Identifier: Apache-2.0
"""What must hold of cases and letters, whatever the node died of (`killing_cases`)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.support.case_desk import HELP, Case, Letter
from tests.support.case_partners import Partners
from tests.support.case_receivers import Receivers, Taken

from fedsafe_federation.casework.container import open_package

_BY_HAND: Final = frozenset({"portal", "phone", "letter"})
_BOUNCED: Final = "bounced"
_LAST_LETTERS: Final = 6
_PAGE: Final = 1_000


class Oracle:
    """Compares what the node says with what was acknowledged and what arrived."""

    def __init__(self, partners: Partners, receivers: Receivers) -> None:
        self._partners = partners
        self._receivers = receivers
        self._known: set[str] = set()
        self._log = Counter[tuple[str, str]]()
        self._since = 0
        self.dispatches = dict[str, str]()
        self.outcomes = dict[str, list[str]]()
        self.carried = set[str]()
        """Dispatches of which the node says that it has handed them over itself."""

    def check(self, cases: Sequence[Case], letters: Sequence[Letter]) -> None:
        """Hold the node to these cases, and to all letters.

        Raises:
            AssertionError: something is lost, half done, or where it does not belong.
        """
        verified = self._partners.caller("audit").post("/v1/audit/verify")
        assert verified.body["ok"], verified.body
        self._read_log()
        arrivals = defaultdict[str, list[Taken]](list)
        for each in self._receivers.taken():
            arrivals[each.dispatch].append(each)
        for case in cases:
            self._check_case(case, arrivals)
        assert set(arrivals) <= self._known, "something arrived that no case has sent"
        self._check_letters(letters)

    def _read_log(self) -> None:
        """Read on in the audit log, and count what it tells."""
        caller = self._partners.caller("audit")
        while True:
            target = f"/v1/audit/events?since={self._since}&limit={_PAGE}"
            page = caller.get(target).body
            for event in page["events"]:
                detail = event.get("detail") or {}
                for what in ("dispatch", "order", "case"):
                    if what in detail:
                        self._log[event["event"], str(detail[what])] += 1
            self._since = page["next"]
            if len(page["events"]) < _PAGE:
                return

    def _check_case(self, case: Case, arrivals: Mapping[str, list[Taken]]) -> None:
        shown = self._partners.caller("ada").get(f"/v1/cases/{case.id}").body
        steps = Counter(each["step"] for each in shown["steps"])
        for step in ("opened", "assessed", "approved", "recalled"):
            assert steps[step] == case.steps[step], (step, steps, case.steps)
        listed = self._partners.dispatches(case.id)
        sent = {each["partner"]: each for each in listed if not each["recalls"]}
        ids = {partner: each["dispatch"] for partner, each in sent.items()}
        assert ids == case.sent, "a dispatch is lost"
        for each in listed:
            self._check_dispatch(each, arrivals.get(each["dispatch"], []))
            self._check_takings(case, each)
            bounces = sum(a["outcome"] == _BOUNCED for a in each["attempts"])
            assert bounces == (each["dispatch"] in case.bounced), "a bounce is lost"
            self._known.add(each["dispatch"])
            self.dispatches[each["dispatch"]] = each["state"]
            ended = [attempt["outcome"] for attempt in each["attempts"]]
            self.outcomes[each["dispatch"]] = ended
        case.arrived = [each for each in ids.values() if each in arrivals]
        for dispatch, way in case.answered.items():
            (found,) = [each for each in listed if each["dispatch"] == dispatch]
            (receipt,) = _receipts(found, "acknowledged")
            assert (receipt["way"] or "") == way, "an acknowledgement is lost"
        if case.is_recalled:
            self._check_recalled(case, shown, listed, arrivals)

    def _check_dispatch(self, found: dict[str, Any], arrived: list[Taken]) -> None:
        """Hold a dispatch to what has arrived of it, and to what the log tells."""
        dispatch, partner = found["dispatch"], self._partners.known[found["partner"]]
        attempts, state = found["attempts"], found["state"]
        assert found["key"].startswith(dispatch)
        assert {(each.way, each.place) for each in arrived} <= partner.places
        assert len({each.data for each in arrived}) <= 1, "two packages of one key"
        for each in arrived[:1]:
            opened = open_package(each.data, partner.key)
            assert opened.statement.dispatch == found["key"]
            assert str(opened.statement.package_id) == found["package"]
        assert [each["number"] for each in attempts] == [*range(1, len(attempts) + 1)]
        assert all(each["outcome"] for each in attempts), "an attempt has no end"
        ways = Counter(each["way"] for each in attempts)
        for way, count in Counter(each.way for each in arrived).items():
            assert ways[way] >= count, "something arrived that no attempt shows"
        delivered = [each for each in attempts if each["outcome"] == "delivered"]
        if state == "delivered" and partner.places:
            made = [each for each in attempts if each["outcome"] != _BOUNCED]
            assert delivered[-1:] == made[-1:], "delivered without an attempt"
        for each in delivered:
            if each["way"] not in _BY_HAND:
                assert arrived, f"{dispatch} is lost"
                self.carried.add(dispatch)
        acknowledged = _receipts(found, "acknowledged")
        assert len(acknowledged) == (found["acknowledged_at"] is not None)
        assert len(_receipts(found, "handed")) == len(
            [each for each in delivered if each["way"] in _BY_HAND]
        )
        told = self._log
        came_back = [each for each in attempts if each["outcome"] == _BOUNCED]
        own = [
            each
            for each in attempts
            if each["way"] not in _BY_HAND and each not in came_back
        ]
        assert told["dispatch.made", dispatch] == 1
        assert told["dispatch.begun", dispatch] == len(own)
        assert told["dispatch.ended", dispatch] == len(own)
        back = any(each["kept_back_at"] for each in found["takings"])
        notes = len(found["receipts"]) + len(came_back) + back
        assert told["dispatch.noted", dispatch] == notes

    def _check_takings(self, case: Case, found: dict[str, Any]) -> None:
        """Hold a dispatch to who took it out, and to what they said of it."""
        dispatch, takings = found["dispatch"], found["takings"]
        is_taken = dispatch in case.taken  # more than once, if an answer was lost
        takers = {"ada"} if is_taken else set[str]()
        assert {each["by"] for each in takings} == takers, "a taking is lost"
        is_kept = dispatch in case.kept_back
        for each in takings:
            assert (each["kept_back_at"] is not None) is is_kept, "kept back, and lost"
        assert found["unclear"] is (case.is_recalled and dispatch in case.in_hand)
        assert (self._log["dispatch.taken", dispatch] > 0) is is_taken

    def _check_recalled(
        self,
        case: Case,
        shown: dict[str, Any],
        listed: list[dict[str, Any]],
        arrivals: Mapping[str, list[Taken]],
    ) -> None:
        """Hold a recall to what it stops, corrects and takes out of the case."""
        assert shown["state"] == "recalled"
        if case.urgency == HELP:
            assert "consent" not in shown["elements"], "a revoked consent is there"
        corrected = Counter(each["recalls"] for each in listed if each["recalls"])
        for each in listed:
            if each["recalls"]:
                continue
            dispatch = each["dispatch"]
            assert each["state"] in {"stopped", "delivered", "acknowledged"}
            may_be_there = bool(each["delivered_at"] or dispatch in arrivals)
            assert corrected[dispatch] >= may_be_there, "nobody corrects a package"
            assert corrected[dispatch] <= 1
            if dispatch in case.in_hand:
                assert corrected[dispatch], "nobody corrects a package in hand"
            (correction,) = [
                every["state"] for every in listed if every["recalls"] == dispatch
            ] or [None]
            if dispatch in case.kept_back and not may_be_there:
                assert correction in {None, "stopped"}, "a correction of nothing"
            elif dispatch in case.taken:
                assert correction != "stopped", "a correction is withdrawn"
        for each in listed:
            if each["recalls"] and each["state"] == "delivered":
                (name,) = {taken.dispatch for taken in arrivals[each["dispatch"]]}
                key = self._partners.known[each["partner"]].key
                opened = open_package(arrivals[name][0].data, key)
                names = {document.name for document in opened.documents}
                assert "correction.json" in names

    def _check_letters(self, letters: Sequence[Letter]) -> None:
        """Hold the register to every letter that was entered and answered."""
        caller = self._partners.caller("lea")
        listed = {each["order"] for each in caller.get("/v1/orders").body["orders"]}
        assert listed == {letter.id for letter in letters}, "a letter is lost"
        for letter in letters[-_LAST_LETTERS:]:
            shown = caller.get(f"/v1/orders/{letter.id}").body
            assert shown["revision"] == letter.revision, "a step is lost, or half"
            for name in ("reference", "scope", "authority"):
                assert shown[name] == letter.body[name]
            row = shown["order"]
            assert row["due_at"] == letter.due_at
            assert bool(row["acknowledged_at"]) is ("acknowledged" in letter.done)
            assert row["outcome"] == ("answered" if letter.is_over else None)
            assert (shown["move_reference"] is None) is ("moved" not in letter.done)
            assert self._log["order.added", letter.id] == 1
            assert self._log["order.answered", letter.id] == letter.is_over


def _receipts(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in found["receipts"] if each["kind"] == kind]
