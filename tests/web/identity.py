"""A small OpenID Connect provider: real HTTP, signed tokens, one person at a time. It checks what a real one would."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

CLIENT, SECRET = "rapidstart", "the-client-secret-of-the-tests"


@dataclass
class Identity:
    """What it knows of the person who signs in, and how it lies, if it is told to."""

    claims: dict[str, Any] = field(default_factory=lambda: {"preferred_username": "zoe", "roles": ["operator"]})
    lie: dict[str, Any] = field(default_factory=dict)
    """claims of the token that are otherwise than they should be"""
    forge: str = ""
    """`key`: signed by somebody else; `none`, `secret`: signed so that everybody could"""
    url: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "1", "use": "sig", "alg": "ES256"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (claims | self.claims | self.lie).items() if value is not None}
        if self.forge == "none":
            head, body = ({"alg": "none"}, claims)
            return (
                ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body)) + "."
            )
        if self.forge == "secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        key = ECKey.generate_key("P-256", {"kid": "1"}) if self.forge == "key" else self.key
        return jwt.encode({"alg": "ES256", "kid": "1"}, claims, key)


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@contextmanager
def provider(identity: Identity) -> Iterator[str]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            if path == "/.well-known/openid-configuration":
                named = {f"{name}_endpoint": f"{identity.url}/{name}" for name in ("authorization", "token")}
                self._answer({"issuer": identity.url, "jwks_uri": f"{identity.url}/keys", **named})
            elif path == "/keys":
                self._answer(KeySet([identity.key]).as_dict(private=False))
            elif query.get("client_id") == CLIENT and query.get("code_challenge_method") == "S256":
                code = secrets.token_urlsafe()
                identity.codes[code] = query
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")
                self.end_headers()
            else:
                self._answer({}, status=400)

        def do_POST(self) -> None:
            form = {k: v[0] for k, v in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
            asked = identity.codes.pop(form["code"], {})
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
            login = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if self.headers["Authorization"] != login or asked.get("code_challenge") != challenge:
                self._answer({"error": "invalid_grant"}, status=400)
                return
            self._answer({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": identity.token(asked)})

        def _answer(self, body: object, *, status: int = 200) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        identity.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield identity.url
        server.shutdown()
        thread.join()
