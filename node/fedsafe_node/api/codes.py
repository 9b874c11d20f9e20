# SPDX-License-Identifier: Apache-2.0
"""The closed list of codes that refusals carry, with their HTTP status.

A code says what a client can do; which thing it is about, and how many, are values of
the sentence. `docs/reference/codes.md` says which code was another one before.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase


@unique
class Code(StrEnum):
    """What went wrong, for programs; a code never changes its meaning."""

    MALFORMED_REQUEST = "malformed_request"
    DUPLICATE_HEADER = "duplicate_header"
    UNEXPECTED_BODY = "unexpected_body"
    NOT_UTF8 = "not_utf8"
    MALFORMED_JSON = "malformed_json"
    MALFORMED_PACK = "malformed_pack"
    INVALID_IDEMPOTENCY_KEY = "invalid_idempotency_key"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNTRUSTED = "untrusted"
    STEP_UP = "step_up"
    ACCOUNT_NEEDED = "account_needed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    SLOW_BODY = "slow_body"
    CONFLICT = "conflict"
    WRONG_STATE = "wrong_state"
    CASE_CHANGED = "case_changed"
    CASE_STATE = "case_state"
    CASE_FULL = "case_full"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    NOTHING_ASKED = "nothing_asked"
    OTHER_REFERENCE = "other_reference"
    ALREADY_APPROVED = "already_approved"
    PACKAGE_UNDER_WAY = "package_under_way"
    PACKAGE_IN_HAND = "package_in_hand"
    NOT_CORRECTED = "not_corrected"
    ALREADY_NOTED = "already_noted"
    NOTHING_ARRIVED = "nothing_arrived"
    NOT_IN_HAND = "not_in_hand"
    TAKEN_OFTEN = "taken_often"
    DISPATCH_RECALLED = "dispatch_recalled"
    SENDING_OFF = "sending_off"
    NOT_SIGNED = "not_signed"
    NOTHING_TO_CONFIRM = "nothing_to_confirm"
    NO_LETTER = "no_letter"
    NO_PHONE = "no_phone"
    NO_PARTNER = "no_partner"
    EPOCH_RUNS = "epoch_runs"
    OTHER_KEYS = "other_keys"
    INVITATIONS_FULL = "invitations_full"
    ALREADY_JOINING = "already_joining"
    NO_PART = "no_part"
    FOUNDING_STALE = "founding_stale"
    FOUNDING_OVER = "founding_over"
    NOT_SUPPORTED = "not_supported"
    ENOUGH_ADMINISTRATORS = "enough_administrators"
    ALREADY_SET_UP = "already_set_up"
    NO_PROVIDER = "no_provider"
    NO_DESK = "no_desk"
    LAST_FACTOR = "last_factor"
    NOTHING_CHANGED = "nothing_changed"
    NOT_ROTATABLE = "not_rotatable"
    CREDENTIAL_EXPIRED = "credential_expired"
    TOO_MANY_SIGNALS = "too_many_signals"
    PART_OF_LIST = "part_of_list"
    NOT_EXAMINED = "not_examined"
    IMPORT_CLOSED = "import_closed"
    OTHER_IMPORT = "other_import"
    NEVER_PUBLISHED = "never_published"
    CONDITIONS_MISSING = "conditions_missing"
    THREAT_UNCLEAR = "threat_unclear"
    APPROVAL_WAITS = "approval_waits"
    NO_FEDERATION = "no_federation"
    NO_GRANT = "no_grant"
    DAY_NOT_OVER = "day_not_over"
    HAS_CHARTER = "has_charter"
    CHARTER_VOTED = "charter_voted"
    AMENDMENT_FAILED = "amendment_failed"
    OTHER_ARRANGEMENT = "other_arrangement"
    OTHER_POLICY = "other_policy"
    OTHER_PROTOCOL = "other_protocol"
    WRONG_GENERATION = "wrong_generation"
    NOT_PENDING = "not_pending"
    CASE_CLOSED = "case_closed"
    STALE_DRAFT = "stale_draft"
    EPOCH_ENDED = "epoch_ended"
    TOO_FEW_HOLDERS = "too_few_holders"
    EPOCH_OVER = "epoch_over"
    UNKNOWN_EPOCH = "unknown_epoch"
    ERASURE_OPEN = "erasure_open"
    CONTESTED = "contested"
    NOT_MAILED = "not_mailed"
    NOT_PHONED = "not_phoned"
    ONE_IDENTIFIER = "one_identifier"
    TEXTS_UNSIGNED = "texts_unsigned"
    DRAFT_UNREADABLE = "draft_unreadable"
    ALREADY_REVOKED = "already_revoked"
    ALREADY_EXPIRED = "already_expired"
    ALREADY_ERASED = "already_erased"
    IN_FLIGHT = "in_flight"
    SENT_ALREADY = "sent_already"
    UNCLEAR = "unclear"
    STALE_STATEMENT = "stale_statement"
    FOUNDING_FAILED = "founding_failed"
    FOUNDING_WAITS = "founding_waits"
    FOUNDING_REFUSED = "founding_refused"
    FOUNDING_SPENT = "founding_spent"
    FOUNDING_FULL = "founding_full"
    SHARE_MADE = "share_made"
    WRONG_GROUPS = "wrong_groups"
    CEREMONY_FAILED = "ceremony_failed"
    NAME_TAKEN = "name_taken"
    ACT_EXPIRED = "act_expired"
    ACT_CHANGED = "act_changed"
    MIXED_LIST = "mixed_list"
    SEEN_LONG_AGO = "seen_long_ago"
    LIST_MISSING = "list_missing"
    NOT_APPROVED = "not_approved"
    HELD = "held"
    PSEUDONYM_FINAL = "pseudonym_final"
    NO_SECOND_PERSON = "no_second_person"
    OTHER_OFFICER = "other_officer"
    ALREADY_ASKED = "already_asked"
    NO_SECOND_TERM = "no_second_term"
    NOT_ASSESSED = "not_assessed"
    NOT_RELEASABLE = "not_releasable"
    NOT_RENDERABLE = "not_renderable"
    PARTNER_CHANGED = "partner_changed"
    PRODUCTION_CONTACT = "production_contact"
    NO_PARTNER_KEY = "no_partner_key"
    NOTHING_SENT = "nothing_sent"
    PARTNER_UNVERIFIED = "partner_unverified"
    PARTNER_EXPIRED = "partner_expired"
    TEST_CONTACT = "test_contact"
    NOT_COMPARABLE = "not_comparable"
    OTHER_PARTNER_KEY = "other_partner_key"
    UNANSWERED = "unanswered"
    EVIDENCE_DIFFERS = "evidence_differs"
    MEMBERS_NOT_TOLD = "members_not_told"
    ALREADY_CLOSED = "already_closed"
    ROUND_OPEN = "round_open"
    ROUND_SIGNED = "round_signed"
    ROUND_UNMARKED = "round_unmarked"
    OWN_ENTRY = "own_entry"
    TASK_CHANGED = "task_changed"
    TASK_UNSEEN = "task_unseen"
    LOOK_AGAIN = "look_again"
    TASK_FULL = "task_full"
    ALREADY_ANSWERED = "already_answered"
    FLOOD_RULED = "flood_ruled"
    SIGNAL_RESTS = "signal_rests"
    TRIAL_ENDED = "trial_ended"
    NO_RECEIPT = "no_receipt"
    TEXT_CHANGED = "text_changed"
    ALREADY_TOLD = "already_told"
    ALREADY_WITHHELD = "already_withheld"
    REPLY_NOT_APPROVED = "reply_not_approved"
    ALREADY_RULED = "already_ruled"
    NOT_THE_ORIGIN = "not_the_origin"
    NOT_RULED = "not_ruled"
    NO_ROOM = "no_room"
    ALREADY_APPEALED = "already_appealed"
    NOBODY_HEARS = "nobody_hears"
    APPEALS_UNKNOWN = "appeals_unknown"
    NOT_HEARING = "not_hearing"
    RULINGS_SPENT = "rulings_spent"
    NOT_ANSWERED = "not_answered"
    NOT_DECIDED = "not_decided"
    STILL_WAITING = "still_waiting"
    STILL_LISTED = "still_listed"
    NOTHING_TO_ERASE = "nothing_to_erase"
    REQUEST_OPEN = "request_open"
    REQUEST_ANSWERED = "request_answered"
    REQUEST_CLOSED = "request_closed"
    PROOF_USED = "proof_used"
    TOO_LATE = "too_late"
    WIPED = "wiped"
    PRUNED = "pruned"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    EXPECTATION_FAILED = "expectation_failed"
    BAD_REQUEST = "bad_request"
    INVALID_BODY = "invalid_body"
    INVALID_QUERY = "invalid_query"
    BAD_NAME = "bad_name"
    BAD_OFFICER = "bad_officer"
    BAD_POLICY = "bad_policy"
    BAD_DIGEST = "bad_digest"
    BAD_DATE = "bad_date"
    REMOVED_ON_MISSING = "removed_on_missing"
    REMOVED_ON_FUTURE = "removed_on_future"
    NOT_FOR_MEDIA = "not_for_media"
    NOT_ON_A_LIST = "not_on_a_list"
    UNSTATED = "unstated"
    NOT_YOURS = "not_yours"
    BAD_LIMIT = "bad_limit"
    BAD_BOUND = "bad_bound"
    BAD_POSITION = "bad_position"
    BAD_NODES = "bad_nodes"
    NO_FORK = "no_fork"
    BAD_GROUP = "bad_group"
    BAD_INVITATION = "bad_invitation"
    NOT_A_PERSON = "not_a_person"
    NOT_ATTESTED = "not_attested"
    NOT_ATTESTABLE = "not_attestable"
    OTHER_NAMESPACE = "other_namespace"
    BAD_VERIFICATION = "bad_verification"
    STALE_LOGIN = "stale_login"
    NOT_CHECKED = "not_checked"
    ORIGIN_NEEDED = "origin_needed"
    SURFACE_MISSING = "surface_missing"
    BAD_COLUMN = "bad_column"
    NO_DIGESTS = "no_digests"
    TOO_MANY_DIGESTS = "too_many_digests"
    TOO_MANY_ACCOUNTS = "too_many_accounts"
    SUBJECT_REF_MISSING = "subject_ref_missing"
    OTHER_SERVICE = "other_service"
    SERVICE_MISSING = "service_missing"
    MALFORMED_DOCUMENT = "malformed_document"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    BAD_PASSWORD = "bad_password"  # noqa: S105 - a code, no password
    BAD_TRAINING = "bad_training"
    BAD_ROLE = "bad_role"
    BAD_SPAN = "bad_span"
    BAD_TEXT = "bad_text"
    BAD_HOLD = "bad_hold"
    BAD_PARTNER_KEY = "bad_partner_key"
    AUTOMATIC_REPLY = "automatic_reply"
    BAD_REPLY = "bad_reply"
    BAD_SIGNATURE = "bad_signature"
    REFERENCE_MISSING = "reference_missing"
    WAY_MISSING = "way_missing"
    BAD_REASON = "bad_reason"
    BAD_PSEUDONYM = "bad_pseudonym"
    PURPOSE_MISSING = "purpose_missing"
    REASON_MISSING = "reason_missing"
    BAD_HEARING = "bad_hearing"
    BAD_ANSWER = "bad_answer"
    NOT_FOR_OUTCOME = "not_for_outcome"
    BAD_EVENT = "bad_event"
    BAD_SILENCE = "bad_silence"
    MEDIA_REFUSED = "media_refused"
    LATE_REASON_MISSING = "late_reason_missing"
    PACK_TOO_LARGE = "pack_too_large"
    NO_DISPUTE = "no_dispute"
    BAD_PURPOSES = "bad_purposes"
    CHOOSE_ROLE = "choose_role"
    OWN_ROLE = "own_role"
    TOO_MANY_TRIES = "too_many_tries"
    MISDIRECTED = "misdirected"
    HEADERS_TOO_LARGE = "headers_too_large"
    INTERNAL = "internal"
    LOG_DAMAGED = "log_damaged"
    PEER_FAILED = "peer_failed"
    UNAVAILABLE = "unavailable"
    NO_MAIL = "no_mail"
    MAIL_UNAVAILABLE = "mail_unavailable"
    NO_HOOK = "no_hook"
    PHONE_UNAVAILABLE = "phone_unavailable"
    DEFERRED = "deferred"
    BUSY = "busy"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    QUORUM = "quorum"
    TIMED_OUT = "timed_out"


CODES: Final[Mapping[Code, tuple[int, Phrase]]] = {
    Code.MALFORMED_REQUEST: (400, Phrase("The request is no well-formed HTTP")),
    Code.DUPLICATE_HEADER: (400, Phrase("A header that counts was sent twice")),
    Code.UNEXPECTED_BODY: (400, Phrase("This request takes no body")),
    Code.NOT_UTF8: (400, Phrase("The body is not UTF-8")),
    Code.MALFORMED_JSON: (400, Phrase("The body is not JSON")),
    Code.MALFORMED_PACK: (400, Phrase("The body is not MessagePack")),
    Code.INVALID_IDEMPOTENCY_KEY: (400, Phrase("The Idempotency-Key does not fit")),
    Code.UNAUTHENTICATED: (401, Phrase("A valid credential is needed")),
    Code.FORBIDDEN: (403, Phrase("This credential may not do that")),
    Code.UNTRUSTED: (403, Phrase("No valid signature of a member")),
    Code.STEP_UP: (403, Phrase("Prove the second factor anew, then repeat")),
    Code.ACCOUNT_NEEDED: (403, Phrase("This takes an account")),
    Code.NOT_FOUND: (404, Phrase("There is no such thing")),
    Code.NO_PARTNER: (404, Phrase("There is no such partner")),
    Code.METHOD_NOT_ALLOWED: (405, Phrase("The method is not allowed here")),
    Code.SLOW_BODY: (408, Phrase("The body took too long")),
    Code.CONFLICT: (409, Phrase("Another act was faster")),
    Code.WRONG_STATE: (409, Phrase("The state does not allow this")),
    Code.CASE_CHANGED: (409, Phrase("The case has changed meanwhile")),
    Code.CASE_STATE: (409, Phrase("The case is in another state")),
    Code.CASE_FULL: (409, Phrase("No more of them are kept")),
    Code.NOT_ACKNOWLEDGED: (409, Phrase("No partner has acknowledged the case yet")),
    Code.NOTHING_ASKED: (409, Phrase("No partner has asked for more")),
    Code.OTHER_REFERENCE: (409, Phrase("No open question has this reference")),
    Code.ALREADY_APPROVED: (409, Phrase("The case is approved already")),
    Code.PACKAGE_UNDER_WAY: (409, Phrase("A package of the case is under way")),
    Code.PACKAGE_IN_HAND: (409, Phrase("Somebody has a recalled package in hand")),
    Code.NOT_CORRECTED: (409, Phrase("Nothing corrects a recalled package")),
    Code.ALREADY_NOTED: (409, Phrase("That was noted before")),
    Code.NOTHING_ARRIVED: (409, Phrase("Nothing of the package can have arrived")),
    Code.NOT_IN_HAND: (409, Phrase("That person has no such package in hand")),
    Code.TAKEN_OFTEN: (409, Phrase("The package was taken out too often")),
    Code.DISPATCH_RECALLED: (409, Phrase("The package was recalled")),
    Code.SENDING_OFF: (409, Phrase("All sending is switched off")),
    Code.NOT_SIGNED: (409, Phrase("The package cannot be signed any more")),
    Code.NOTHING_TO_CONFIRM: (409, Phrase("There is nothing to confirm")),
    Code.NO_LETTER: (409, Phrase("No letter moves this deadline")),
    Code.NO_PHONE: (409, Phrase("The partner has no phone number")),
    Code.EPOCH_RUNS: (409, Phrase("The key epoch before has not ended")),
    Code.OTHER_KEYS: (409, Phrase("The proposal names keys that are not here")),
    Code.INVITATIONS_FULL: (409, Phrase("Too many invitations are out")),
    Code.ALREADY_JOINING: (409, Phrase("The node wants to join already")),
    Code.NO_PART: (409, Phrase("The node takes no part in it")),
    Code.FOUNDING_STALE: (409, Phrase("The proposal is not of this week")),
    Code.FOUNDING_OVER: (409, Phrase("The founding is over")),
    Code.NOT_SUPPORTED: (409, Phrase("The node cannot do that yet")),
    Code.ENOUGH_ADMINISTRATORS: (409, Phrase("Two people can add accounts")),
    Code.ALREADY_SET_UP: (409, Phrase("The account is set up already")),
    Code.NO_PROVIDER: (409, Phrase("The node has no provider of identities")),
    Code.NO_DESK: (409, Phrase("The node has no desk")),
    Code.LAST_FACTOR: (409, Phrase("It is the last second factor")),
    Code.NOTHING_CHANGED: (409, Phrase("The node decides by these texts already")),
    Code.NOT_ROTATABLE: (409, Phrase("This credential does not rotate")),
    Code.CREDENTIAL_EXPIRED: (409, Phrase("The credential has expired")),
    Code.TOO_MANY_SIGNALS: (409, Phrase("Too many signals name the account")),
    Code.PART_OF_LIST: (409, Phrase("The draft belongs to a list")),
    Code.NOT_EXAMINED: (409, Phrase("The list was not examined")),
    Code.IMPORT_CLOSED: (409, Phrase("The import takes no more rows")),
    Code.OTHER_IMPORT: (409, Phrase("Somebody else has begun the import")),
    Code.NEVER_PUBLISHED: (409, Phrase("An own ban is published to nobody")),
    Code.CONDITIONS_MISSING: (
        409,
        Phrase("The partner receives nothing without what it needs"),
    ),
    Code.THREAT_UNCLEAR: (409, Phrase("Whether there is a threat is not decided")),
    Code.APPROVAL_WAITS: (409, Phrase("An approval of the case waits already")),
    Code.NO_FEDERATION: (409, Phrase("This node belongs to no federation")),
    Code.DAY_NOT_OVER: (409, Phrase("That day is not counted to its end")),
    Code.NO_GRANT: (409, Phrase("Nothing like this is granted at the moment")),
    Code.HAS_CHARTER: (409, Phrase("This node belongs to a federation")),
    Code.CHARTER_VOTED: (
        409,
        Phrase("This node has voted on a version of the charter"),
    ),
    Code.AMENDMENT_FAILED: (409, Phrase("The charter cannot be changed like that")),
    Code.WRONG_GENERATION: (409, Phrase("The keys are of another generation")),
    Code.NOT_PENDING: (409, Phrase("It waits for no second person")),
    Code.CASE_CLOSED: (409, Phrase("The case that it was about is closed")),
    Code.STALE_DRAFT: (409, Phrase("The keys have changed since the draft")),
    Code.EPOCH_ENDED: (409, Phrase("The key epoch has ended")),
    Code.TOO_FEW_HOLDERS: (409, Phrase("Too few members hold shares of the key")),
    Code.EPOCH_OVER: (409, Phrase("The key epoch is over")),
    Code.UNKNOWN_EPOCH: (409, Phrase("The key epoch is not known here yet")),
    Code.ERASURE_OPEN: (409, Phrase("The person's request for erasure is open")),
    Code.CONTESTED: (409, Phrase("The own ban behind the draft is contested")),
    Code.TEXTS_UNSIGNED: (409, Phrase("A text for the person is not signed off")),
    Code.DRAFT_UNREADABLE: (409, Phrase("The draft cannot be opened any more")),
    Code.ALREADY_REVOKED: (409, Phrase("The signal is revoked already")),
    Code.ALREADY_EXPIRED: (409, Phrase("The signal has expired already")),
    Code.ALREADY_ERASED: (409, Phrase("The signal is erased already")),
    Code.IN_FLIGHT: (409, Phrase("The same request is under way")),
    Code.SENT_ALREADY: (409, Phrase("This form was sent before, and carried out")),
    Code.UNCLEAR: (
        409,
        Phrase(
            "This form was sent before, and the node ended while it acted. Look what "
            "came of it, then load the form anew"
        ),
    ),
    Code.STALE_STATEMENT: (409, Phrase("The statement is too old or was seen before")),
    Code.FOUNDING_FAILED: (409, Phrase("The founding ceremony cannot go on")),
    Code.FOUNDING_WAITS: (409, Phrase("The founding waits for this node's operator")),
    Code.FOUNDING_REFUSED: (
        409,
        Phrase("This node's operator has refused the founding"),
    ),
    Code.FOUNDING_SPENT: (
        409,
        Phrase("Wrong groups were typed too often for the founding"),
    ),
    Code.FOUNDING_FULL: (409, Phrase("Too many foundings wait at this node")),
    Code.SHARE_MADE: (409, Phrase("This node has made its share for that founding")),
    Code.WRONG_GROUPS: (
        422,
        Phrase("What was typed is not in the fingerprint of the card"),
    ),
    Code.CEREMONY_FAILED: (409, Phrase("The ceremony cannot go on")),
    Code.NAME_TAKEN: (409, Phrase("The name is taken")),
    Code.ACT_EXPIRED: (409, Phrase("The act has expired")),
    Code.ACT_CHANGED: (
        409,
        Phrase("The act is another one, or what it stood on has changed meanwhile"),
    ),
    Code.MIXED_LIST: (409, Phrase("The list says too many different things")),
    Code.SEEN_LONG_AGO: (409, Phrase("It was examined too long ago")),
    Code.LIST_MISSING: (409, Phrase("So many files take a list")),
    Code.HELD: (409, Phrase("Somebody holds this account")),
    Code.PSEUDONYM_FINAL: (409, Phrase("Nobody can reveal this pseudonym")),
    Code.NOT_APPROVED: (409, Phrase("No second person has approved it")),
    Code.NO_SECOND_PERSON: (409, Phrase("Nobody else here could be the second person")),
    Code.OTHER_OFFICER: (409, Phrase("The record names another officer")),
    Code.ALREADY_ASKED: (409, Phrase("A second person is asked already")),
    Code.NO_SECOND_TERM: (409, Phrase("A signal about a person has no second term")),
    Code.NOT_ASSESSED: (409, Phrase("The breach is not assessed yet")),
    Code.NOT_RELEASABLE: (409, Phrase("The case lacks something before it may go")),
    Code.NOT_RENDERABLE: (409, Phrase("The case cannot be written in this form")),
    Code.PARTNER_CHANGED: (409, Phrase("The partner has changed meanwhile")),
    Code.PRODUCTION_CONTACT: (409, Phrase("A test never goes to a production contact")),
    Code.NO_PARTNER_KEY: (409, Phrase("The partner has no key")),
    Code.NOTHING_SENT: (409, Phrase("Nothing of the case was sent")),
    Code.PARTNER_UNVERIFIED: (409, Phrase("Nobody else has verified the partner")),
    Code.PARTNER_EXPIRED: (409, Phrase("The partner's verification has expired")),
    Code.TEST_CONTACT: (409, Phrase("A real case never goes to a contact for tests")),
    Code.NOT_COMPARABLE: (409, Phrase("The partner cannot be verified like that")),
    Code.OTHER_PARTNER_KEY: (409, Phrase("The fingerprint is that of another key")),
    Code.UNANSWERED: (
        409,
        Phrase("A question is open that a case answers before it closes"),
    ),
    Code.EVIDENCE_DIFFERS: (
        409,
        Phrase("The evidence does not go with what is attached"),
    ),
    Code.MEMBERS_NOT_TOLD: (
        409,
        Phrase("The other members were not told of the breach"),
    ),
    Code.ALREADY_CLOSED: (409, Phrase("The breach is closed already")),
    Code.ROUND_OPEN: (409, Phrase("A review round is open")),
    Code.ROUND_SIGNED: (409, Phrase("The review round is signed already")),
    Code.ROUND_UNMARKED: (409, Phrase("Entries of the review round wait for a mark")),
    Code.OWN_ENTRY: (409, Phrase("Nobody reviews an own act")),
    Code.TASK_CHANGED: (409, Phrase("The task has changed meanwhile")),
    Code.TASK_UNSEEN: (409, Phrase("Look at the task first")),
    Code.LOOK_AGAIN: (409, Phrase("Look again, and say it once more")),
    Code.TASK_FULL: (409, Phrase("The task has too many steps")),
    Code.ALREADY_ANSWERED: (409, Phrase("The inquiry is answered")),
    Code.FLOOD_RULED: (409, Phrase("The flood was ruled on so")),
    Code.SIGNAL_RESTS: (409, Phrase("The signal rests here")),
    Code.TRIAL_ENDED: (409, Phrase("The trial has ended")),
    Code.NO_RECEIPT: (409, Phrase("It takes no receipt")),
    Code.TEXT_CHANGED: (409, Phrase("The text has other words by now")),
    Code.ALREADY_TOLD: (409, Phrase("The notice has gone out")),
    Code.ALREADY_WITHHELD: (409, Phrase("The notice was held back before")),
    Code.REPLY_NOT_APPROVED: (
        409,
        Phrase("No counselling centre has approved the reply"),
    ),
    Code.ALREADY_RULED: (409, Phrase("The dispute or appeal has its ruling")),
    Code.NOT_THE_ORIGIN: (409, Phrase("Only the signal's origin rules")),
    Code.NO_ROOM: (409, Phrase("There is no room for more of a member's disputes")),
    Code.NOT_RULED: (409, Phrase("The dispute has no ruling yet")),
    Code.ALREADY_APPEALED: (409, Phrase("This node has appealed already")),
    Code.NOBODY_HEARS: (409, Phrase("Nobody hears this appeal")),
    Code.APPEALS_UNKNOWN: (409, Phrase("A member could not read such a charter")),
    Code.NOT_HEARING: (409, Phrase("Another member hears this appeal")),
    Code.RULINGS_SPENT: (409, Phrase("No more rulings on appeals count today")),
    Code.STILL_WAITING: (409, Phrase("Not all was looked up for it yet")),
    Code.NOT_DECIDED: (409, Phrase("The identity check waits for another officer")),
    Code.NOT_ANSWERED: (409, Phrase("The request has no answer yet")),
    Code.STILL_LISTED: (409, Phrase("What the person asked about is still listed")),
    Code.NOTHING_TO_ERASE: (409, Phrase("There is nothing here to erase")),
    Code.REQUEST_OPEN: (409, Phrase("The request is open")),
    Code.REQUEST_ANSWERED: (409, Phrase("The request is answered")),
    Code.REQUEST_CLOSED: (409, Phrase("The request is closed")),
    Code.PROOF_USED: (409, Phrase("The code has opened a request already")),
    Code.TOO_LATE: (409, Phrase("It is too late for that")),
    Code.WIPED: (409, Phrase("What it rests on is erased")),
    Code.PRUNED: (410, Phrase("Only the hash of this entry is left")),
    Code.BODY_TOO_LARGE: (413, Phrase("The body is too large")),
    Code.UNSUPPORTED_MEDIA_TYPE: (415, Phrase("The content type is not supported")),
    Code.UNSUPPORTED_ENCODING: (415, Phrase("The content encoding is not supported")),
    Code.EXPECTATION_FAILED: (417, Phrase("The expectation cannot be met")),
    Code.BAD_REQUEST: (422, Phrase("The request does not fit")),
    Code.INVALID_BODY: (422, Phrase("The body does not fit its type")),
    Code.INVALID_QUERY: (422, Phrase("The query does not fit its type")),
    Code.BAD_NAME: (422, Phrase("The name does not fit")),
    Code.BAD_POLICY: (422, Phrase("What node.toml names does not fit")),
    Code.BAD_OFFICER: (422, Phrase("The data protection officer does not fit")),
    Code.BAD_DIGEST: (422, Phrase("The digest does not fit its kind")),
    Code.BAD_DATE: (422, Phrase("There is no such day")),
    Code.REMOVED_ON_MISSING: (422, Phrase("The day of removal is missing")),
    Code.REMOVED_ON_FUTURE: (422, Phrase("The day of removal lies in the future")),
    Code.NOT_FOR_MEDIA: (422, Phrase("That does not go with a file")),
    Code.NOT_ON_A_LIST: (422, Phrase("That does not go on a list")),
    Code.UNSTATED: (422, Phrase("The person could not be told how it came about")),
    Code.NOT_YOURS: (422, Phrase("A member speaks for itself only")),
    Code.BAD_LIMIT: (422, Phrase("The limit does not fit")),
    Code.BAD_BOUND: (422, Phrase("The bound does not fit")),
    Code.BAD_POSITION: (422, Phrase("The feed does not reach that far")),
    Code.NO_FORK: (422, Phrase("This proves no fork of another member's log")),
    Code.BAD_NODES: (422, Phrase("The members named do not fit")),
    Code.BAD_INVITATION: (422, Phrase("The invitation does not fit")),
    Code.BAD_GROUP: (422, Phrase("The group named does not fit")),
    Code.NOT_ATTESTED: (422, Phrase("How the identifier was verified is not attested")),
    Code.NOT_ATTESTABLE: (422, Phrase("No account shows whose this identifier is")),
    Code.OTHER_NAMESPACE: (
        422,
        Phrase("Another provider's accounts are not attested here"),
    ),
    Code.BAD_VERIFICATION: (422, Phrase("This verification does not show whose it is")),
    Code.STALE_LOGIN: (422, Phrase("The person has to log in again")),
    Code.NOT_CHECKED: (
        422,
        Phrase("An officer says when they have seen who the person is"),
    ),
    Code.NOT_A_PERSON: (422, Phrase("That is nobody's identifier")),
    Code.ORIGIN_NEEDED: (422, Phrase("The signal's origin must be named")),
    Code.SURFACE_MISSING: (422, Phrase("Nobody says where it is met")),
    Code.BAD_COLUMN: (422, Phrase("The column does not fit")),
    Code.NO_DIGESTS: (422, Phrase("There is no digest")),
    Code.TOO_MANY_DIGESTS: (422, Phrase("There are too many digests")),
    Code.TOO_MANY_ACCOUNTS: (422, Phrase("Too many accounts are named")),
    Code.SUBJECT_REF_MISSING: (422, Phrase("The account is not named")),
    Code.OTHER_SERVICE: (422, Phrase("The account is another service's")),
    Code.SERVICE_MISSING: (422, Phrase("Nobody says of which service the account is")),
    Code.MALFORMED_DOCUMENT: (422, Phrase("A signed document does not fit its type")),
    Code.IDEMPOTENCY_MISMATCH: (
        422,
        Phrase("The Idempotency-Key names another request"),
    ),
    Code.BAD_PASSWORD: (422, Phrase("The password does not fit")),
    Code.BAD_TRAINING: (422, Phrase("The training does not fit")),
    Code.BAD_ROLE: (422, Phrase("The role does not fit")),
    Code.BAD_HOLD: (422, Phrase("That is nothing to hold")),
    Code.BAD_PARTNER_KEY: (422, Phrase("That is no public key of a partner")),
    Code.AUTOMATIC_REPLY: (422, Phrase("A machine has written this by itself")),
    Code.BAD_REPLY: (422, Phrase("The reply cannot be told from others")),
    Code.BAD_SIGNATURE: (422, Phrase("The signature is not that of the partner")),
    Code.REFERENCE_MISSING: (422, Phrase("Nobody says under which reference")),
    Code.WAY_MISSING: (422, Phrase("Nobody says by which way")),
    Code.BAD_REASON: (422, Phrase("The reason refers to nothing")),
    Code.BAD_PSEUDONYM: (422, Phrase("That is no pseudonym")),
    Code.PURPOSE_MISSING: (422, Phrase("Nobody says what for")),
    Code.REASON_MISSING: (422, Phrase("A search for one person's acts needs a reason")),
    Code.BAD_SPAN: (422, Phrase("The span does not fit")),
    Code.BAD_TEXT: (422, Phrase("A text holds control characters")),
    Code.BAD_HEARING: (422, Phrase("The step of the hearing does not fit")),
    Code.BAD_ANSWER: (422, Phrase("The replies do not fit the questions")),
    Code.NOT_MAILED: (422, Phrase("No code is mailed to such an address")),
    Code.NOT_PHONED: (422, Phrase("No code is sent to such a number")),
    Code.ONE_IDENTIFIER: (
        422,
        Phrase("Either an email or a phone is named, not both or none"),
    ),
    Code.NOT_FOR_OUTCOME: (422, Phrase("A field does not fit the outcome")),
    Code.BAD_EVENT: (422, Phrase("There is no such class of events")),
    Code.MEDIA_REFUSED: (422, Phrase("A field holds media bytes")),
    Code.BAD_SILENCE: (422, Phrase("The reason does not cover who was not told")),
    Code.LATE_REASON_MISSING: (422, Phrase("A late notification says why")),
    Code.PACK_TOO_LARGE: (422, Phrase("The pack becomes too large")),
    Code.NO_DISPUTE: (422, Phrase("None of them is a dispute of a member")),
    Code.BAD_PURPOSES: (422, Phrase("The purposes do not fit")),
    Code.CHOOSE_ROLE: (422, Phrase("A role must be chosen")),
    Code.OWN_ROLE: (422, Phrase("Nobody decides on a role of their own")),
    Code.MISDIRECTED: (421, Phrase("The request names another host")),
    Code.OTHER_ARRANGEMENT: (426, Phrase("The members hold another arrangement")),
    Code.OTHER_POLICY: (426, Phrase("The members decide by a policy that is not here")),
    Code.OTHER_PROTOCOL: (426, Phrase("The nodes speak no common protocol version")),
    Code.TOO_MANY_TRIES: (429, Phrase("Too many tries have failed")),
    Code.HEADERS_TOO_LARGE: (431, Phrase("Request line or headers are too large")),
    Code.INTERNAL: (500, Phrase("The node failed")),
    Code.LOG_DAMAGED: (500, Phrase("A log of the node is damaged")),
    Code.PEER_FAILED: (502, Phrase("A member did not answer as it should")),
    Code.UNAVAILABLE: (503, Phrase("Not now")),
    Code.NO_MAIL: (503, Phrase("The node sends no mail")),
    Code.MAIL_UNAVAILABLE: (503, Phrase("No mail can be sent now")),
    Code.NO_HOOK: (503, Phrase("The node sends no codes to numbers")),
    Code.PHONE_UNAVAILABLE: (503, Phrase("No code can be sent to a number now")),
    Code.DEFERRED: (
        503,
        Phrase("Too few members answered in time, or the node changed"),
    ),
    Code.BUSY: (503, Phrase("Too many requests are under way")),
    Code.AUDIT_UNAVAILABLE: (
        503,
        Phrase(
            "No audit event can be written: the database is away, or its disk is full"
        ),
    ),
    Code.QUORUM: (503, Phrase("Too few members answered")),
    Code.TIMED_OUT: (503, Phrase("The node took too long")),
}
