# SPDX-License-Identifier: Apache-2.0
"""A real OpenID Connect provider (Canaille) on loopback, in this process.

`python provider.py PORT PASSWORD [REDIRECT…]` says that it is ready, and serves until
its standard input ends; each line that comes in there turns the signing keys: the new
one signs, the old one is gone. It knows some people by name.
"""

import datetime as dt
import os
import sys
import threading
from typing import Any

from joserfc.jwk import RSAKey

CLIENT = "fedsafe-node"
REDIRECT = "http://127.0.0.1:9/callback"


def new_key() -> dict[str, Any]:
    return dict(RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True))


def _has(found: Any, name: str, value: Any) -> bool:  # noqa: ANN401
    kept = getattr(found, name)
    return kept == value or (isinstance(kept, list) and value in kept)


def make(port: int, password: str, redirects: list[str]) -> Any:  # noqa: ANN401 - a Flask application
    # Imported here: the tests import this file for its names alone.
    from canaille import create_app  # noqa: PLC0415
    from canaille.app import models  # noqa: PLC0415
    from canaille.backends import Backend  # noqa: PLC0415
    from canaille.backends.memory.backend import MemoryBackend  # noqa: PLC0415
    from canaille.oidc import provider as oidc  # noqa: PLC0415

    # An hour by itself; the clocks of tests go ahead of the real one.
    oidc.OpenIDCode.DEFAULT_EXPIRES_IN = 20 * 60 * 60
    any_of = MemoryBackend.do_query

    def all_of(backend: Any, model: Any, *args: Any, **wanted: Any) -> list[Any]:  # noqa: ANN401
        """Query as databases do: its store in memory takes any condition for all."""
        return [
            found
            for found in any_of(backend, model, *args, **wanted)
            if all(_has(found, name, value) for name, value in wanted.items())
        ]

    MemoryBackend.do_query = all_of
    app = create_app(
        {
            "SECRET_KEY": os.urandom(16).hex(),
            "SERVER_NAME": f"127.0.0.1:{port}",
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"DATABASE": "memory", "CAPTCHA_ENABLED": False},
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [new_key()]},
        }
    )
    with app.app_context():
        backend = Backend.instance
        for name in ("anna", "ben", "ruth", "yara"):
            user = models.User(
                user_name=name,
                formatted_name=name.title(),
                family_name=name.title(),
                emails=[f"{name}@example.de"],
                password=password,
            )
            backend.save(user)
        client = models.Client(
            client_id=CLIENT,
            client_name="FedSafe",
            client_uri="http://127.0.0.1",
            client_id_issued_at=dt.datetime.now(dt.UTC),  # noqa: TID251
            redirect_uris=[REDIRECT, *redirects],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid"],
            token_endpoint_auth_method="none",
        )
        backend.save(client)
        client.audience = [client]
        backend.save(client)
    return app


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    port, password = int(sys.argv[1]), sys.argv[2]
    from werkzeug.serving import make_server  # noqa: PLC0415

    app = make(port, password, sys.argv[3:])
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say("ready")
    for _ in sys.stdin:
        app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = [new_key()]
        say("turned")
    server.shutdown()


if __name__ == "__main__":
    main()
