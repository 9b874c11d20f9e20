# SPDX-License-Identifier: Apache-2.0
"""What the codes of answers mean, by the field that they stand in."""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.ground.catalogue import SOURCE, Phrase

PHENOMENA: Final[dict[str, Phrase]] = {
    "grooming": Phrase("Grooming"),
    "exhibitionism": Phrase("Exhibitionism"),
    "sexualised_language": Phrase("Sexualised language"),
    "abuse_depiction": Phrase("Depiction of abuse"),
    "sextortion": Phrase("Sextortion"),
    "sexting_exposure": Phrase("Exposure after sexting"),
    "unwanted_confrontation": Phrase("Unwanted confrontation"),
    "violent_fantasy_chat": Phrase("Chat about violence against children"),
    "sex_doll_order": Phrase("Order of child-like sex dolls"),
    "avatar_acts": Phrase("Sexual acts with avatars steered by children"),
}
GRADES: Final[dict[str, Phrase]] = {
    "confirmed_media": Phrase("confirmed by media"),
    "confirmed_conduct": Phrase("confirmed conduct"),
    "single_report": Phrase("single report"),
}
PROVENANCES: Final[dict[str, Phrase]] = {
    "own_finding": Phrase("own finding"),
    "relayed": Phrase("relayed"),
    "imported_list": Phrase.within("texts", "imported list"),
}
FINDINGS: Final[dict[str, Phrase]] = {
    "adult": Phrase("an adult"),
    "aimed_at_minor": Phrase("aimed at a minor"),
    "repeated": Phrase("repeated"),
    "targeted": Phrase("targeted"),
}
SURFACES: Final[dict[str, Phrase]] = {
    "public_content": Phrase("public content"),
    "hosted_private": Phrase("privately hosted content"),
    "ni_ics_private": Phrase("private messages"),
    "registration": Phrase("registration"),
    "shop": Phrase("shop"),
}
KINDS: Final[dict[str, Phrase]] = {
    "email": Phrase("e-mail address"),
    "phone": Phrase("phone number"),
    "username": Phrase("username"),
    "device": Phrase("device id"),
    "payment": Phrase("payment means"),
    "ip": Phrase("IP address"),
    "url": Phrase("URL"),
    "sha256": Phrase("file (SHA-256)"),
    "sha1": Phrase("file (SHA-1)"),
    "md5": Phrase("file (MD5)"),
    "blake3": Phrase("file (BLAKE3)"),
    "pdq": Phrase("picture (PDQ)"),
}
BASES: Final[dict[str, Phrase]] = {
    "gdpr_5_2": Phrase("Art. 5 (2) GDPR, accountability"),
    "gdpr_6_1_c": Phrase("Art. 6 (1) (c) GDPR, legal obligation"),
    "gdpr_6_1_f": Phrase("Art. 6 (1) (f) GDPR, legitimate interests"),
    "gdpr_12": Phrase("Art. 12 GDPR, rights of the person"),
    "gdpr_32": Phrase("Art. 32 GDPR, security"),
}
"""The legal basis of what an event tells of."""
RULES: Final[dict[str, Phrase]] = {
    "default": Phrase("no rule allows it"),
    "P1": Phrase("P1, legal gate"),
    "P2": Phrase("P2, no accusation"),
    "P3": Phrase("P3, surface"),
    "P4": Phrase("P4, minors"),
    "P5": Phrase("P5, grade of evidence"),
    "P6": Phrase("P6, four eyes"),
    "P7": Phrase("P7, phenomenon"),
    "P8": Phrase("P8, purpose"),
    "P9": Phrase("P9, retention"),
    "P10": Phrase("P10, disputes"),
    "P11": Phrase("P11, erasure"),
    "P12": Phrase("P12, register of recipients"),
    "P13": Phrase("P13, people decide"),
    "P14": Phrase("P14, who a signal is for"),
    "P15": Phrase("P15, jurisdiction"),
    "P16": Phrase("P16, transparency"),
    "P17": Phrase("P17, never a signal"),
    "P18": Phrase("P18, budget"),
    "P19": Phrase("P19, training"),
    "P20": Phrase("P20, corroboration"),
    "P21": Phrase("P21, match flood"),
    "P22": Phrase("P22, trial"),
}
"""The rules of the data-protection plan, by which something was decided."""
ORIENTATIONS: Final[dict[str, Phrase]] = {
    "original": Phrase("not turned"),
    "rotated_90": Phrase("turned by 90° clockwise"),
    "rotated_180": Phrase("upside down"),
    "rotated_270": Phrase("turned by 90° counterclockwise"),
    "mirrored_top_bottom": Phrase("mirrored, top and bottom exchanged"),
    "mirrored_left_right": Phrase("mirrored, left and right exchanged"),
    "mirrored_rotated_270": Phrase("mirrored, then turned by 90° counterclockwise"),
    "mirrored_rotated_90": Phrase("mirrored, then turned by 90° clockwise"),
}
"""How a picture lies beside the listed one."""

SIGNAL_WORDS: Final[dict[str, dict[str, Phrase]]] = {
    "plane": {"actor": Phrase("actor"), "media": Phrase.within("texts", "media")},
    "provenance": PROVENANCES,
    "scope": {"self": Phrase("self"), "federation": Phrase("federation")},
    "state": {
        "own": Phrase("own"),
        "draft": Phrase("draft"),
        "published": Phrase("published"),
        "withdrawn": Phrase("withdrawn"),
        "revoked": Phrase("revoked"),
        "disputed": Phrase.within("texts", "disputed"),
        "expired": Phrase("expired"),
        "erased": Phrase("erased"),
    },
}
"""What the codes of a signal mean, by field."""

REASONS: Final[dict[str, Phrase]] = {
    "mistake": Phrase("a mistake"),
    "appeal_granted": Phrase("an appeal was granted"),
    "finding_withdrawn": Phrase("the finding was withdrawn"),
    "request_of_the_person": Phrase("the person asked for it"),
    "superseded": Phrase("superseded"),
}


CODES: Final[dict[str, Phrase]] = {
    "waiting": Phrase("waiting"),
    "confirmed": Phrase("confirmed"),
    "dealt": Phrase("share made, cannot be taken back"),
    "external": Phrase("external"),
    "password": Phrase("password"),
    "oidc": Phrase("identity provider"),
    "passkey": Phrase("passkey"),
    "synced": Phrase("synced"),
    "other_address": Phrase("for another address"),
    "invited": Phrase("invited"),
    "allow": Phrase("allow"),
    "deny": Phrase("deny"),
    "up": Phrase("up"),
    "down": Phrase("down"),
    "active": Phrase("active"),
    "locked": Phrase("locked"),
    "suspended": Phrase("suspended"),
    "left": Phrase.within("labels", "left"),
    "holder": Phrase("holder"),
    "lister": Phrase("lister"),
    "media": Phrase("media"),
    "expired": Phrase("expired"),
    "revoked": Phrase("revoked"),
    "overwritten": Phrase("overwritten"),
    "deleted": Phrase("deleted, residues encrypted"),
    "key_destroyed": Phrase("key destroyed"),
    "nothing": Phrase("nothing"),
    "none": Phrase("none"),
    "officer": Phrase("officer"),
    "form": Phrase("form"),
    "granted": Phrase("granted"),
    "refused": Phrase("refused"),
    "withdrawn": Phrase.within("labels", "withdrawn"),
    "answered": Phrase("answered"),
    "open": Phrase("open"),
    "assessed": Phrase("assessed"),
    "closed": Phrase.within("labels", "closed"),
    "confidentiality": Phrase("confidentiality"),
    "integrity": Phrase("integrity"),
    "availability": Phrase("availability"),
    "attack": Phrase("attack"),
    "insider": Phrase("insider"),
    "loss": Phrase("loss"),
    "misdelivery": Phrase("misdelivery"),
    "software": Phrase("software"),
    "human_error": Phrase("human error"),
    "unknown": Phrase("unknown"),
    "tokens": Phrase("tokens"),
    "signals": Phrase("signals"),
    "offences": Phrase("offences"),
    "media_hashes": Phrase("media hashes"),
    "account_references": Phrase("account references"),
    "case_files": Phrase("case files"),
    "credentials": Phrase("credentials"),
    "keys": Phrase("keys"),
    "audit_log": Phrase("audit log"),
    "staff": Phrase("staff"),
    "banned_persons": Phrase("banned persons"),
    "users": Phrase("users"),
    "minors": Phrase("minors"),
    "wrong_suspicion": Phrase("wrong suspicion"),
    "exposure": Phrase("exposure"),
    "discrimination": Phrase("discrimination"),
    "lost_account": Phrase("lost account"),
    "identity_misuse": Phrase("misuse of identity"),
    "loss_of_control": Phrase("loss of control"),
    "missed_matches": Phrase("missed matches"),
    "credentials_revoked": Phrase("credentials revoked"),
    "accounts_locked": Phrase("accounts locked"),
    "keys_replaced": Phrase("keys replaced"),
    "signals_revoked": Phrase("signals revoked"),
    "node_stopped": Phrase("node stopped"),
    "restored": Phrase("restored"),
    "hole_closed": Phrase("hole closed"),
    "members_told": Phrase("members told"),
    "police_report": Phrase("police report"),
    "unlikely": Phrase("unlikely"),
    "risk": Phrase("risk"),
    "high": Phrase("high"),
    "authority": Phrase.within("labels", "authority"),
    "persons": Phrase.within("labels", "persons"),
    "members": Phrase("members"),
    "unlikely_risk": Phrase("risk unlikely"),
    "protected": Phrase("data protected"),
    "averted": Phrase("risk averted"),
    "public_communication": Phrase("told in public"),
    "ok": Phrase("ok"),
    "short": Phrase("short"),
    "resident": Phrase("never swapped out"),
    "swappable": Phrase("can be swapped out"),
    "readable": Phrase("readable by other processes"),
    "full": Phrase("full"),
    "warn": Phrase("warn"),
    "fail": Phrase("fail"),
    "statement_of_reasons": Phrase("statement of reasons"),
    "data_protection_notice": Phrase("information about the data"),
    "end_of_signal": Phrase("end of a signal"),
    "review_reasons": Phrase("reasons of a measure"),
    "rights_form": Phrase("form for rights"),
    "code_letter": Phrase("letter with a code"),
    "rights_answer": Phrase("answer to a request"),
    "rights_outcome": Phrase("outcome of a request"),
    "signup_check": Phrase("check at sign-up"),
    "upload_check": Phrase("check at upload"),
    "recheck": Phrase("recheck"),
    "moderation_review": Phrase("review by people"),
}
"""What short codes mean."""
OUTCOMES: Final = {
    "ok": Phrase.within("outcome", "ok"),
    "none": Phrase.within("outcome", "none"),
    "review": Phrase.within("outcome", "review"),
    "incomplete": Phrase.within("outcome", "incomplete"),
    "deferred": Phrase.within("outcome", "deferred"),
    "placed": Phrase.within("outcome", "placed"),
    "reminder": Phrase.within("outcome", "reminder"),
    "asked": Phrase.within("outcome", "asked"),
    "said_again": Phrase.within("outcome", "said_again"),
    "overtaken": Phrase.within("outcome", "overtaken"),
    "alarm": Phrase.within("outcome", "alarm"),
    "refused": Phrase.within("outcome", "refused"),
    "denied": Phrase.within("outcome", "denied"),
    "failed": Phrase.within("outcome", "failed"),
    "dismiss": Phrase.within("outcome", "dismiss"),
    "watch": Phrase.within("outcome", "watch"),
    "feature_limit": Phrase.within("outcome", "feature_limit"),
    "inquire": Phrase.within("outcome", "inquire"),
    "confirm": Phrase.within("outcome", "confirm"),
    "open": Phrase.within("outcome", "open"),
    "watched": Phrase.within("outcome", "watched"),
    "decided": Phrase.within("outcome", "decided"),
    "lapsed": Phrase.within("outcome", "lapsed"),
    "invited": Phrase.within("outcome", "invited"),
    "heard": Phrase.within("outcome", "heard"),
    "no_answer": Phrase.within("outcome", "no_answer"),
    "exception": Phrase.within("outcome", "exception"),
    "restored": Phrase.within("outcome", "restored"),
    "ended": Phrase.within("outcome", "ended"),
    "revoked": Phrase.within("outcome", "revoked"),
}
"""What came of an event: in English the code, which is what one searches for."""


def label(table: Mapping[str, Phrase], code: str, *, language: str) -> str:
    """Return what a code means, or the code, should it be newer than this table."""
    pair = table.get(code)
    return code if pair is None else pair.said(language)


def of_both(told: Mapping[str, str], language: str) -> str:
    """Choose of what a node says in German and in English."""
    return told.get(language, told[SOURCE])
