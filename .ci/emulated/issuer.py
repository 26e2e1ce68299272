"""An OpenID Connect issuer on this machine: a key, where it is found, and tokens signed with it."""

import base64
import http.server
import json
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """Serves discovery and keys until the process ends."""

    def __init__(self, audience):
        self.audience, self.key = audience, new_key()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(issuer.document(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def document(self, path):
        if not path.endswith("/keys"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        numbers = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": number(numbers.n), "e": number(numbers.e)}
        return {"keys": [key]}

    def token(self, roles=("admin", "viewer"), key=None, **claims):
        """A token; another `key` than the issuer's own forges it."""
        now = int(time.time())
        payload = {
            "iss": self.url, "aud": self.audience, "sub": "somebody", "tid": "contoso", "roles": list(roles),
            "iat": now, "nbf": now, "exp": now + 3600, **claims,
        }
        parts = [{"alg": "RS256", "typ": "JWT", "kid": "1"}, payload]
        text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        signature = (key or self.key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{encoded(signature)}"
