"""The client against a local server whose answers have the shapes that Google publishes."""

import sys

import pytest

from pma.sources.google_sheets import CSV, SPREADSHEET, GoogleClient, fetch_drive, fetch_folder, fetch_sheet
from pma.sources.settings import DriveSettings
from pma.tables import TableError
from tests.sources.fake_google import FakeGoogle, error, values


@pytest.fixture
def google():
    pytest.importorskip("requests", reason="the extra `google` is not installed")
    fake = FakeGoogle()
    yield fake
    fake.close()


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


def drive(google, key_file):
    return DriveSettings(folder="folder-id", key_file=str(key_file), sheets_url=google.url, drive_url=google.url)


def test_the_drive_folder_of_the_settings_is_fetched_beside_the_sheets_that_people_keep_here(google, tmp_path):
    (tmp_path / "tv.csv").write_text("date,TV\n2026-01-05,1\n")
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "gone.csv").write_text("no longer in Drive")
    file = {"id": "aff-id", "name": "affiliate.csv", "mimeType": CSV}
    google.answers["/drive/v3/files", None] = [(200, {"files": [file]})]
    google.answers["/drive/v3/files/aff-id", None] = [(200, "date,aff_cost\n2026-01-05,1.5\n")]
    assert fetch_drive(drive(google, google.key_file(tmp_path)), str(tmp_path)) == [tmp_path / "drive/affiliate.csv"]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")) == [
        "drive/affiliate.csv",
        "tv.csv",
    ]
    assert {token for _, _, token in google.asked} == {"Bearer hush-token"}


def test_a_key_that_is_none_and_a_folder_that_is_no_path_are_refused_with_their_setting(google, tmp_path):
    (tmp_path / "key.json").write_text('{"private_key": "hush"}')
    for key_file in (tmp_path / "key.json", tmp_path / "nowhere.json"):
        with pytest.raises(TableError, match=r"the key in feeds\.drive\.key_file \(\w+\)\. Fix: name the") as refusal:
            fetch_drive(drive(google, key_file), str(tmp_path))
        assert "hush" not in str(refusal.value)
    with pytest.raises(TableError, match=r"cannot be written to s3://lake/sheets\. Fix: give feeds\.sheets as a path"):
        fetch_drive(drive(google, "key.json"), "s3://lake/sheets")


def test_without_the_extra_the_setting_says_what_to_install(google, tmp_path, monkeypatch):
    key_file = google.key_file(tmp_path)
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    with pytest.raises(
        TableError, match=r"feeds\.drive cannot be read without the extra `google` .*Fix: pip install 'pma\[google\]'"
    ):
        fetch_drive(drive(google, key_file), str(tmp_path))
