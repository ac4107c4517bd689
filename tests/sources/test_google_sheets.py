"""The client against a local server whose answers have the shapes that Google publishes."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from pma.sources.google_sheets import CSV, SPREADSHEET, GoogleClient, fetch_folder, fetch_sheet
from pma.tables import TableError


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

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.client = GoogleClient("hush-token", url, url, timeout=10, wait=0.001)


@pytest.fixture
def google():
    pytest.importorskip("requests", reason="the extra `google` is not installed")
    fake = FakeGoogle()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


TV = "/v4/spreadsheets/tv-id/values/TV!A:Z"


def test_a_range_is_written_as_a_sheet_of_csv_with_short_lines_filled(google, tmp_path):
    # Google leaves out empty cells at the end of a line, and sends numbers as numbers.
    lines = [
        ["week_start", "country", "TV_ad_spend"],
        ["2026-01-05", "DE", 1200.5],
        ["2026-01-12", "DE"],
        ["2026-01-19", "A,T", 3],
    ]
    google.answers[TV, None] = [values("TV!A1:Z4", lines)]
    path = fetch_sheet(google.client, "tv-id", "TV!A:Z", tmp_path, "tv")
    assert (
        path.read_text() == 'week_start,country,TV_ad_spend\n2026-01-05,DE,1200.5\n2026-01-12,DE,\n2026-01-19,"A,T",3\n'
    )
    asked = {
        "majorDimension": "ROWS",
        "valueRenderOption": "UNFORMATTED_VALUE",
        "dateTimeRenderOption": "FORMATTED_STRING",
    }
    assert google.asked == [(TV, asked, "Bearer hush-token")]


def test_a_drive_folder_is_read_page_by_page(google, tmp_path):
    files = [
        {"id": "tv-id", "name": "TV spend 2026", "mimeType": SPREADSHEET},
        {"id": "aff-id", "name": "affiliate.csv", "mimeType": CSV},
    ]
    google.answers["/drive/v3/files", None] = [(200, {"nextPageToken": "~next", "files": files[:1]})]
    google.answers["/drive/v3/files", "~next"] = [(200, {"files": files[1:]})]
    google.answers["/v4/spreadsheets/tv-id/values/A:ZZ", None] = [values("A1:ZZ2", [["date", "TV"], ["2026-01-05", 7]])]
    google.answers["/drive/v3/files/aff-id", None] = [(200, "date,aff_cost\n2026-01-05,1.5\n")]
    found = fetch_folder(google.client, "folder-id", tmp_path)
    assert {path.name: path.read_text() for path in found} == {
        "TV_spend_2026.csv": "date,TV\n2026-01-05,7\n",
        "affiliate.csv": "date,aff_cost\n2026-01-05,1.5\n",
    }
    first, second = (query for path, query, _ in google.asked if path == "/drive/v3/files")
    assert "'folder-id' in parents and trashed = false" in first["q"]
    assert (first.get("pageToken"), second["pageToken"]) == (None, "~next")


@pytest.mark.parametrize(
    "busy",
    [
        error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Read requests'", "rateLimitExceeded"),
        error(403, "PERMISSION_DENIED", "User Rate Limit Exceeded", "userRateLimitExceeded"),
        error(503, "UNAVAILABLE", "The service is currently unavailable.", "backendError"),
    ],
    ids=["429", "403 of a quota", "503"],
)
def test_a_busy_answer_is_asked_again(google, tmp_path, busy):
    google.answers[TV, None] = [busy, busy, values("TV!A1:B2", [["date", "TV"], ["2026-01-05", 7]])]
    assert fetch_sheet(google.client, "tv-id", "TV!A:Z", tmp_path, "tv").read_text() == "date,TV\n2026-01-05,7\n"
    assert len(google.asked) == 3


def test_a_refusal_names_the_sheet_and_the_fix_and_the_earlier_file_stays(google, tmp_path):
    (tmp_path / "tv.csv").write_text("as before")
    denied = error(403, "PERMISSION_DENIED", "The caller does not have permission", "forbidden")
    busy = error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", "rateLimitExceeded")
    cases = [
        (
            [denied],
            1,
            r"sheet tv-id, range TV!A:Z cannot be read: 403 PERMISSION_DENIED The caller .*Fix: share it with",
        ),
        (
            [error(404, "NOT_FOUND", "Requested entity was not found.", "notFound")],
            1,
            r"404 NOT_FOUND .*Fix: check the id",
        ),
        ([busy], 5, r"429 RESOURCE_EXHAUSTED Quota exceeded\. Fix: ask less often"),
        ([values("TV!A:Z", [])], 1, r"sheet tv-id, range TV!A:Z is empty\. Fix: name the range"),
    ]
    for answers, times, said in cases:
        google.asked.clear()
        google.answers[TV, None] = answers
        with pytest.raises(TableError, match=rf"il\.ad_spend: .*{said}") as refusal:
            fetch_sheet(google.client, "tv-id", "TV!A:Z", tmp_path, "tv")
        assert len(google.asked) == times
        assert "hush" not in str(refusal.value)
    assert (tmp_path / "tv.csv").read_text() == "as before"


def test_a_folder_without_sheets_or_with_two_of_one_name_is_refused_and_nothing_is_written(google, tmp_path):
    google.answers["/drive/v3/files", None] = [(200, {"files": []})]
    with pytest.raises(
        TableError, match=r"Drive folder folder-id has no spreadsheet\. Fix: check its id, and share it"
    ):
        fetch_folder(google.client, "folder-id", tmp_path)
    twice = [{"id": name, "name": "TV", "mimeType": SPREADSHEET} for name in ("one", "two")]
    google.answers["/drive/v3/files", None] = [(200, {"files": twice})]
    google.answers["/v4/spreadsheets/one/values/A:ZZ", None] = [values("A1:B1", [["date", "TV"]])]
    with pytest.raises(TableError, match="two files named TV"):
        fetch_folder(google.client, "folder-id", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_connection_is_said_and_the_token_is_not_shown(google):
    lost = GoogleClient("hush-token", "http://127.0.0.1:9", "http://127.0.0.1:9", timeout=1, wait=0.001)
    with pytest.raises(TableError, match=r"sheet tv-id, range A:B cannot be read: no connection ConnectionError"):
        lost.values("tv-id", "A:B")
    assert "hush" not in repr(lost)
