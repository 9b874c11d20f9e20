# SPDX-License-Identifier: Apache-2.0
"""What of passkeys py_webauthn does: bytes of browsers in, checked facts out.

It is slow to load, with what it loads in its turn, so `passkeys` takes this module up
when somebody uses one, in a thread of its own.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import webauthn
from webauthn.helpers import (
    parse_attestation_object,
    parse_authenticator_data,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from fedsafe_node.people.passkey_bytes import (
    NotTakenError,
    challenge_in,
    from_text,
    to_text,
)

_TIMEOUT: Final = 2 * 60 * 1_000  # milliseconds that a browser waits
_VERIFIED: Final = UserVerificationRequirement.REQUIRED


def creation_options(
    challenge: bytes,
    excluded: Sequence[bytes],
    *,
    rp: tuple[str, str],
    user: tuple[str, str, str],
) -> dict[str, Any]:
    """Say what a browser makes a passkey of.

    *rp* is the domain and what to call it; *user* the id, the name and the person's.
    The passkey has to lie on the device, for log-ins name nobody.
    """
    options = webauthn.generate_registration_options(
        rp_id=rp[0],
        rp_name=rp[1],
        user_id=user[0].encode(),
        user_name=user[1],
        user_display_name=user[2],
        challenge=challenge,
        timeout=_TIMEOUT,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(each) for each in excluded],
    )
    return _plain(webauthn.options_to_json(options))


def request_options(
    challenge: bytes, known: Sequence[bytes], *, rp: str
) -> dict[str, Any]:
    """Say what a browser asks a passkey for: one of those *known*, or any."""
    options = webauthn.generate_authentication_options(
        rp_id=rp,
        challenge=challenge,
        timeout=_TIMEOUT,
        allow_credentials=[PublicKeyCredentialDescriptor(each) for each in known],
        user_verification=_VERIFIED,
    )
    return _plain(webauthn.options_to_json(options))


def registered(
    credential: str, client_data: str, attestation: str, *, rp: str, origin: str
) -> VerifiedRegistration:
    """Verify a passkey that was made.

    Raises:
        NotTakenError: it is not one of this origin, or nobody was verified.
    """
    raw, said = from_text(credential), from_text(client_data)
    made = from_text(attestation)
    response = AuthenticatorAttestationResponse(
        client_data_json=said, attestation_object=made
    )
    try:
        return webauthn.verify_registration_response(
            credential=RegistrationCredential(to_text(raw), raw, response),
            expected_challenge=challenge_in(client_data),
            expected_rp_id=rp,
            expected_origin=origin,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - whatever a library makes of hostile bytes
        raise NotTakenError(_why_made(made, rp)) from None


def asserted(  # noqa: PLR0913 - what a browser says, and what is known
    credential: str,
    client_data: str,
    authenticator: str,
    signature: str,
    *,
    rp: str,
    origin: str,
    public_key: bytes,
    count: int,
) -> int:
    """Verify what a passkey has signed; return how often it says that it has.

    Raises:
        NotTakenError: it is not of this origin or key, nobody was verified, or it has
            signed no more often than *count*.
    """
    raw, said = from_text(credential), from_text(client_data)
    data = from_text(authenticator)
    response = AuthenticatorAssertionResponse(
        client_data_json=said,
        authenticator_data=data,
        signature=from_text(signature),
    )
    try:
        return webauthn.verify_authentication_response(
            credential=AuthenticationCredential(to_text(raw), raw, response),
            expected_challenge=challenge_in(client_data),
            expected_rp_id=rp,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=count,
            require_user_verification=True,
        ).new_sign_count
    except Exception:  # noqa: BLE001 - whatever a library makes of hostile bytes
        raise NotTakenError(_why_signed(data, rp, count)) from None


def _why_made(attestation: bytes, rp: str) -> str:
    try:
        data = parse_attestation_object(attestation).auth_data
    except Exception:  # noqa: BLE001 - as above
        return "malformed"
    return _why(data, rp) or "attestation"


def _why_signed(authenticator: bytes, rp: str, count: int) -> str:
    try:
        data = parse_authenticator_data(authenticator)
    except Exception:  # noqa: BLE001 - as above
        return "malformed"
    regressed = (data.sign_count or count) and data.sign_count <= count
    return _why(data, rp) or ("counter" if regressed else "signature")


def _why(data: AuthenticatorData, rp: str) -> str | None:
    if data.rp_id_hash != sha256(rp.encode()).digest():
        return "rp"
    if not data.flags.up:
        return "presence"
    return None if data.flags.uv else "verification"


def _plain(text: str) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(text)
    return options
