"""A local server whose answers have the shapes that Google publishes."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from pma.sources.google_sheets import GoogleClient


def error(code, status, message, reason):
    body = {"code": code, "message": message, "status": status, "errors": [{"message": message, "reason": reason}]}
    return code, {"error": body}


def values(cells, lines):
    return 200, {"range": cells, "majorDimension": "ROWS", "values": lines}


class FakeGoogle:
    """Answers by path: a list is answered in turn, its last again and again. Notes what it was asked."""

    def __init__(self):
        self.answers, self.asked = {}, []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                query = {name: found[0] for name, found in parse_qs(url.query).items()}
                path = unquote(url.path)
                fake.asked.append((path, query, self.headers.get("Authorization")))
                given = fake.answers.get(
                    (path, query.get("pageToken")),
                    [error(404, "NOT_FOUND", "Requested entity was not found.", "notFound")],
                )
                status, body = given.pop(0) if len(given) > 1 else given[0]
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header(
                    "Content-Type", "text/csv" if isinstance(body, str) else "application/json; charset=UTF-8"
                )
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self):
                # Where the key of a service account is exchanged for a token.
                self.rfile.read(int(self.headers["Content-Length"]))
                content = json.dumps({"access_token": "hush-token", "expires_in": 3600}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.client = GoogleClient("hush-token", self.url, self.url, timeout=10, wait=0.001)

    def key_file(self, folder):
        """Write the key file of a service account whose tokens this server gives."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / "key.json"
        account = {"type": "service_account", "client_email": "pma@velo.example", "private_key_id": "k1"}
        path.write_text(json.dumps({**account, "private_key": pem.decode(), "token_uri": f"{self.url}/token"}))
        return path

    def close(self):
        self.server.shutdown()
        self.server.server_close()
