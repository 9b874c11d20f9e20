# SPDX-License-Identifier: Apache-2.0
"""Who is at fault when a run fails, decided by anybody from what all signed.

Sub-shares are sealed to a key that was made for one run, one dealer and one
recipient. A complaint reveals that key, so that everybody opens what the recipient
could not use, and finds the dealer or the complainer at fault. An honest recipient
reveals it for a deal only whose author is convicted by it; it opens one sub-share
of a run that is given up, and no honest pair ever comes to that.

What is compared and cited are the payloads that the federation's signatures cover,
byte by byte. Whoever sends a complaint, a deal or a verdict sends along the signed
messages that it cites. A finding with `cites` falls once a signed message with that
digest is shown; it stands when the federation closes the run. Two different messages
of one sender in one round of one run convict it (TWO_MESSAGES), and explain why
others saw different things: then only findings without `cites` remain. A transcript
is cited by its digest too, and nothing else than that explains another one.

All who were shown the same messages find the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fedsafe_crypto.dkg.feldman import (
    key_place,
    open_share,
    open_token_key,
    read_announcement,
    read_deal,
)
from fedsafe_crypto.dkg.messages import (
    Announcement,
    Complaint,
    Deal,
    Reason,
    Verdict,
    digest_of,
    of_run,
    read,
    transcript_of,
)
from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.errors import DkgAbortError, Finding
from fedsafe_crypto.seal.hpke import PRIVATE_KEY_BYTES, RecipientKey

_ANNOUNCED, _DEALT, _JUDGED = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One view of a run: a message of each sender, whose signatures were checked."""

    announcements: Mapping[int, bytes] = field(default_factory=dict)
    deals: Mapping[int, bytes] = field(default_factory=dict)
    verdicts: Mapping[int, bytes] = field(default_factory=dict)


class _Shown:
    """All messages of a run in some views, by round, sender and digest."""

    def __init__(self, run: Run, views: Sequence[Seen]) -> None:
        self._sent: dict[tuple[int, int], dict[bytes, bytes]] = {}
        for view in views:
            self._add(_ANNOUNCED, of_run(run, view.announcements))
            self._add(_DEALT, of_run(run, view.deals))
            self._add(_JUDGED, of_run(run, view.verdicts))

    def _add(self, round_: int, messages: Mapping[int, bytes]) -> None:
        for sender, data in messages.items():
            self._sent.setdefault((round_, sender), {})[digest_of(data)] = data

    def sent(self, round_: int, sender: int) -> Sequence[bytes]:
        """Give all messages of a sender in a round, in one order for everybody."""
        return sorted(self._sent.get((round_, sender), {}).values())

    def cited(self, round_: int, sender: int, digest: bytes) -> bytes | None:
        """Give the message that somebody cites, if it was shown."""
        return self._sent.get((round_, sender), {}).get(digest)

    def twice(self, sender: int) -> bool:
        """Tell whether somebody sent more than one message in a round."""
        rounds = (_ANNOUNCED, _DEALT, _JUDGED)
        return any(len(self.sent(round_, sender)) > 1 for round_ in rounds)


def decide(run: Run, views: Sequence[Seen], by: int, complaint: Complaint) -> Finding:
    """Decide a complaint that a well-formed verdict holds.

    Args:
        run: What it is about.
        views: All signed messages that were shown, whoever showed them.
        by: Who complains.
        complaint: Of whom, why, and the revealed key.
    """
    return _decide(run, _Shown(run, views), by, complaint)


def findings(run: Run, *views: Seen) -> tuple[Finding, ...]:
    """Find everybody at fault by what the verdicts say and by what was sent twice."""
    shown = _Shown(run, views)
    found = [
        Finding(about=sender, reason=Reason.TWO_MESSAGES, guilty=sender)
        for sender in run.participants
        if shown.twice(sender)
    ]
    explained = bool(found)
    for sender in run.participants:
        for data in shown.sent(_JUDGED, sender):
            found += _of_verdict(run, shown, sender, data)
    kept = [each for each in found if not (explained and each.cites)]
    return tuple(dict.fromkeys(kept))


def check_verdicts(run: Run, *views: Seen) -> None:
    """Look, at any stage, whether what was seen so far ends the run.

    Raises:
        DkgAbortError: It does: somebody complains, a verdict is malformed or of
            another transcript, or somebody said two things.
    """
    found = findings(run, *views)
    if found:
        raise DkgAbortError(found)


def _decide(run: Run, shown: _Shown, by: int, complaint: Complaint) -> Finding:
    about = complaint.about
    data = shown.cited(complaint.round, about, complaint.message)
    if data is None:
        return _false(by, complaint, cites=complaint.message)
    if complaint.round == _ANNOUNCED:
        announcement = read_announcement(run, about, data, dealer=by)
        return _found(by, complaint, announcement)
    deal = read_deal(run, about, data)
    if isinstance(deal, Reason):
        return _found(by, complaint, deal)
    for recipient, digest in zip(run.indices, deal.announcements, strict=True):
        if shown.cited(_ANNOUNCED, recipient, digest) is None:
            other = Reason.OTHER_ANNOUNCEMENTS
            return Finding(by=by, about=about, reason=other, guilty=about, cites=digest)
    if complaint.reason is Reason.OTHER_ANNOUNCEMENTS:
        return _other_view(run, shown, deal, by, complaint)
    return _found(by, complaint, _opened(run, shown, deal, by, complaint.key))


def _other_view(
    run: Run, shown: _Shown, deal: Deal, by: int, complaint: Complaint
) -> Finding:
    """Find who made two honest people see different announcements, if anybody did."""
    for announcer, digest in zip(run.indices, deal.announcements, strict=True):
        other = shown.cited(_ANNOUNCED, announcer, complaint.instead)
        if other is not None and digest != complaint.instead:
            twice = Reason.TWO_MESSAGES
            return Finding(about=announcer, reason=twice, guilty=announcer)
    agreed = complaint.instead in deal.announcements
    return _false(by, complaint, cites=b"" if agreed else complaint.instead)


def _opened(
    run: Run, shown: _Shown, deal: Deal, by: int, revealed: bytes
) -> bytes | Reason | None:
    """Open with the revealed key what it was announced for."""
    cited = deal.announcements[run.indices.index(by)]
    data = shown.cited(_ANNOUNCED, by, cited) or b""
    announcement = read(Announcement, data, run, by)
    if isinstance(announcement, Reason) or len(revealed) != PRIVATE_KEY_BYTES:
        return None
    key = RecipientKey.from_bytes(revealed)
    place = key_place(run, deal, by)
    if key.public == announcement.keys[place]:
        return open_share(run, deal, by, key)
    if key.public in announcement.token_keys[place : place + 1]:
        return open_token_key(run, deal, by, key)
    return None


def _found(by: int, complaint: Complaint, judged: object) -> Finding:
    if not isinstance(judged, Reason):
        return _false(by, complaint)
    about = complaint.about
    return Finding(by=by, about=about, reason=judged, guilty=about)


def _false(by: int, complaint: Complaint, *, cites: bytes = b"") -> Finding:
    return Finding(
        by=by,
        about=complaint.about,
        reason=complaint.reason,
        guilty=by,
        cites=cites,
    )


def _of_verdict(run: Run, shown: _Shown, sender: int, data: bytes) -> list[Finding]:
    verdict = read(Verdict, data, run, sender)
    if isinstance(verdict, Reason):
        return [Finding(about=sender, reason=verdict, guilty=sender)]
    if verdict.complaints:
        return [_decide(run, shown, sender, each) for each in verdict.complaints]
    announcements = [shown.sent(_ANNOUNCED, index) for index in run.indices]
    deals = {index: shown.sent(_DEALT, index) for index in run.dealers}
    if not (all(announcements) and all(deals.values())):
        return []
    transcript = transcript_of(
        run,
        [digest_of(sent[0]) for sent in announcements],
        {index: sent[0] for index, sent in deals.items()},
    )
    if verdict.transcript == transcript:
        return []
    return [
        Finding(
            about=sender,
            reason=Reason.OTHER_TRANSCRIPT,
            guilty=sender,
            cites=verdict.transcript,
        )
    ]
