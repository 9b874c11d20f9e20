# SPDX-License-Identifier: Apache-2.0
"""One invented case in which everything is known, and nobody is real."""

from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from fedsafe_policies.escalation.manifest import Attachment
from fedsafe_policies.escalation.package import (
    CaseIdentity,
    Consent,
    Contact,
    Elements,
    Excerpt,
    LegalBasis,
    Location,
    Locator,
    MeasureTaken,
    MediaHash,
    NetworkTrace,
    Preservation,
    Region,
    ReplyAddress,
    Reporter,
    Sender,
    Suspect,
    Suspicion,
    Threat,
    Victim,
    Vignette,
)
from fedsafe_policies.escalation.vocabulary import (
    AgeBand,
    Clock,
    ConsentGiver,
    Danger,
    Element,
    NetworkEvent,
    Step,
    Urgency,
)
from fedsafe_policies.vocabulary import Phenomenon

AT: Final = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
PACKAGE_ID: Final = UUID("0199a000-0000-7000-8000-000000000001")
DIGEST: Final = "0f" * 32

MAXIMAL: Final = Elements(
    case=CaseIdentity(
        case_ref="case-7", urgency=Urgency.U1, known_at=AT, prior_refs=("tip-12",)
    ),
    sender=Sender(provider="Chat GmbH", node="chat.example.de", country="DE"),
    contact=Contact(function="Bereitschaft Kinderschutz", phone="+49 30 0000001"),
    reply=ReplyAddress(address="abuse@chat.example.de", languages=("de", "en")),
    phenomenon=Phenomenon.GROOMING,
    threat=Threat(danger=Danger.YES, reason="Ein Treffen ist für Freitag verabredet."),
    suspects=(
        Suspect(
            account_id="user-99",
            name="Erfundener Name",
            email="x@mail.example",
            phone="+49 30 0000002",
        ),
    ),
    network=(
        NetworkTrace(
            ip="192.0.2.7",
            source_port=50_123,
            at=AT,
            event=NetworkEvent.LOGIN,
            possible_proxy=False,
        ),
    ),
    content=(Excerpt(text="Sag niemandem etwas davon.", at=AT),),
    locators=(Locator(url="https://chat.example.de/r/9", content_id="message-4"),),
    media_hashes=(
        MediaHash(
            sha256=DIGEST,
            blake3=DIGEST,
            pdq=DIGEST,
            object_id="object-1",
            media_type="image/png",
        ),
    ),
    victims=(Victim(account_id="user-12", contact="kind@mail.example"),),
    victim_ages=(AgeBand.FROM_10_TO_13,),
    reporter=Reporter(name="Erfundene Meldende", contact="m@mail.example"),
    location=Location(place="Bahnhof Musterstadt", because="Im Chat genannt"),
    region=Region(country="DE", land="DE-BE"),
    suspicion=Suspicion(sections=("§ 176b StGB",), opinion="opinion-3"),
    measures=(MeasureTaken(step=Step.L6, taken_at=AT),),
    feature="direct_messages",
    legal_basis=LegalBasis(basis=("Art. 18 DSA",)),
    attachments=(
        Attachment(
            object_id="object-1",
            sha256=DIGEST,
            blake3=DIGEST,
            size=4_096,
            media_type="image/png",
            captured_at=AT,
            clock=Clock.NTP,
            captured_by="staff-7f3a",
            held_at="vault-2/shelf-4",
            hold_id="hold-8",
        ),
    ),
    preservation=Preservation(until=date(2027, 2, 20), hold_id="hold-8"),
    consent=Consent(
        giver=ConsentGiver.AFFECTED_PERSON,
        given_at=AT,
        covers=(Element.VICTIMS, Element.VICTIM_AGES),
        record="consent-5",
    ),
    summary="Ein Kind ist durch ein verabredetes Treffen gefährdet.",
    vignette=Vignette(
        text="Eine erwachsene Person gab sich als gleichaltrig aus.",
        steps=(Step.L6,),
        question="War die Wartezeit zu lang?",
    ),
)
