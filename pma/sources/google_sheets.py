"""Hand-kept sheets that live in Google Sheets or in a Drive folder: fetched into a folder of CSV files.

Sheets API v4 (spreadsheets.values.get) and Drive API v3 (files.list, alt=media), over HTTP with an access token. Needs
the extra `google`. A service account that should read a folder is invited to it like a person, by its e-mail address.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pma.sources.settings import DriveSettings
from pma.tables import TableError

logger = logging.getLogger(__name__)

SPREADSHEET = "application/vnd.google-apps.spreadsheet"
CSV = "text/csv"
SCOPES = (
    "https://www.googleapis.com/auth/spreadsheets.readonly",
    "https://www.googleapis.com/auth/drive.readonly",
)
RETRIED = (429, 500, 502, 503, 504)
TRIES = 5
# What to do about an answer that says no.
FIXES = {
    400: "check the id and the range, such as 'TV'!A:Z",
    401: "get a new access token",
    403: "share it with the account that the token is of, and enable the Sheets and Drive API for its project",
    404: "check the id: it is the long part of the address, and share it with the account that the token is of",
    429: "ask less often, or for a larger quota",
}


@dataclass(frozen=True)
class GoogleClient:
    """The two interfaces, with the token of an account that may read the sheets."""

    token: str
    sheets_url: str = "https://sheets.googleapis.com"
    drive_url: str = "https://www.googleapis.com"
    timeout: float = 60.0
    wait: float = 1.0

    def __repr__(self) -> str:
        """Without the token: it would stand in a log."""
        return f"GoogleClient({self.sheets_url}, {self.drive_url})"

    def values(self, spreadsheet: str, cells: str) -> list[list[str]]:
        """Return the lines of a range of a spreadsheet, as text; cells that the answer leaves out at the end are empty.

        Raises TableError, naming the sheet and the fix.
        """
        path = f"/v4/spreadsheets/{quote(spreadsheet, safe='')}/values/{quote(cells, safe='')}"
        asked = {
            "majorDimension": "ROWS",
            "valueRenderOption": "UNFORMATTED_VALUE",
            "dateTimeRenderOption": "FORMATTED_STRING",
        }
        answer = self._get(f"{self.sheets_url}{path}", asked, f"sheet {spreadsheet}, range {cells}").json()
        lines = answer.get("values", [])
        width = max((len(line) for line in lines), default=0)
        return [[_as_text(cell) for cell in line] + [""] * (width - len(line)) for line in lines]

    def files(self, folder: str) -> Iterator[dict[str, str]]:
        """Yield id, name and mimeType of the spreadsheets and CSV files in a Drive folder, page by page, by name.

        Raises TableError, naming the folder and the fix.
        """
        asked = {
            "q": f"'{folder}' in parents and trashed = false and (mimeType = '{SPREADSHEET}' or mimeType = '{CSV}')",
            "fields": "nextPageToken, files(id, name, mimeType)",
            "orderBy": "name",
            "pageSize": "100",
            "supportsAllDrives": "true",
            "includeItemsFromAllDrives": "true",
        }
        while True:
            answer = self._get(f"{self.drive_url}/drive/v3/files", asked, f"Drive folder {folder}").json()
            yield from answer.get("files", [])
            if not answer.get("nextPageToken"):
                return
            asked = {**asked, "pageToken": answer["nextPageToken"]}

    def content(self, file: str) -> str:
        """Return the text of a file in Drive. Raises TableError, naming the file and the fix."""
        asked = {"alt": "media", "supportsAllDrives": "true"}
        found = self._get(f"{self.drive_url}/drive/v3/files/{quote(file, safe='')}", asked, f"Drive file {file}")
        return found.content.decode("utf-8-sig")

    def _get(self, url: str, asked: Mapping[str, str], what: str) -> Any:
        """Ask, and ask again after a longer and longer pause where the answer is "too many" or "not now"."""
        import requests

        said = "no answer"
        for tried in range(1, TRIES + 1):
            try:
                answer = requests.get(
                    url, params=dict(asked), headers={"Authorization": f"Bearer {self.token}"}, timeout=self.timeout
                )
            except requests.RequestException as error:
                said, status = type(error).__name__, 0
            else:
                status = answer.status_code
                if status == 200:
                    return answer
                said = _message(answer)
                if status not in RETRIED and not (status == 403 and "rate" in said.lower()):
                    break
            if tried < TRIES:
                time.sleep(self.wait * 2 ** (tried - 1))
        fix = FIXES.get(status, "try again later")
        raise TableError(f"il.ad_spend: {what} cannot be read: {status or 'no connection'} {said}. Fix: {fix}")


def fetch_drive(settings: DriveSettings, sheets: str) -> list[Path]:
    """Fetch the Drive folder of the settings into `drive` in the folder of sheets, for `read_sheets`; see fetch_folder.

    What people keep in the folder of sheets itself stays. Raises TableError, naming the setting, where the extra is not
    installed, the key is none, or the folder of sheets is not one that files are written to.
    """
    if "://" in sheets:
        raise TableError(
            f"il.ad_spend: sheets of Google Drive cannot be written to {sheets}. "
            "Fix: give feeds.sheets as a path, such as one under /Volumes, or feeds.drive: null"
        )
    client = GoogleClient(service_account_token(settings.key_file), settings.sheets_url, settings.drive_url)
    return fetch_folder(client, settings.folder, Path(sheets) / "drive", settings.cells)


def fetch_sheet(client: GoogleClient, spreadsheet: str, cells: str, folder: str | Path, name: str) -> Path:
    """Write a range of a spreadsheet to `<folder>/<name>.csv`, for `read_sheets`. Returns the file.

    Raises TableError where it cannot be read or is empty; a file of an earlier time then stays as it was.
    """
    lines = client.values(spreadsheet, cells)
    if not lines:
        raise TableError(
            f"il.ad_spend: sheet {spreadsheet}, range {cells} is empty. Fix: name the range that holds the header"
        )
    return _write(Path(folder), name, _as_csv(lines))


def fetch_folder(client: GoogleClient, drive_folder: str, folder: str | Path, cells: str = "A:ZZ") -> list[Path]:
    """Write every spreadsheet (the range of its first sheet) and CSV file of a Drive folder into a local one.

    Returns the files; CSV files of the local folder that Drive has no longer, or by another name, are removed: their
    money would count twice. Raises TableError where one cannot be read, or two have one name; then nothing changes.
    """
    found = list(client.files(drive_folder))
    if not found:
        raise TableError(
            f"il.ad_spend: Drive folder {drive_folder} has no spreadsheet. Fix: check its id, and share it with the "
            "account that the token is of"
        )
    texts: dict[str, str] = {}
    for file in found:
        name = _file_name(file["name"])
        if name in texts:
            raise TableError(
                f"il.ad_spend: Drive folder {drive_folder} has two files named {name}. Fix: rename one of them"
            )
        is_sheet = file["mimeType"] == SPREADSHEET
        texts[name] = _as_csv(client.values(file["id"], cells)) if is_sheet else client.content(file["id"])
    logger.info("Drive folder %s: %d files", drive_folder, len(texts))
    written = [_write(Path(folder), name, text) for name, text in texts.items()]
    for stale in set(Path(folder).glob("*.csv")) - set(written):
        logger.info("%s: no longer in Drive folder %s, removed", stale, drive_folder)
        stale.unlink()
    return written


def service_account_token(key_file: str | Path) -> str:
    """Return an access token of a service account's key file, good for an hour. Needs the extra `google`.

    Raises TableError, with the fix, where the extra is not installed, the file is no key, or Google does not take it.
    """
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
        from google.oauth2 import service_account
    except ImportError as lacking:
        raise TableError(
            f"il.ad_spend: feeds.drive cannot be read without the extra `google` ({lacking}). "
            "Fix: pip install 'pma[google]', or feeds.drive: null"
        ) from None
    try:
        credentials = service_account.Credentials.from_service_account_file(str(key_file), scopes=list(SCOPES))
        credentials.refresh(Request())
    except (OSError, ValueError, GoogleAuthError) as error:
        # The text of an error may show what is in the file.
        raise TableError(
            f"il.ad_spend: no access to Google with the key in feeds.drive.key_file ({type(error).__name__}). "
            "Fix: name the JSON key file of a service account that is not deleted or disabled"
        ) from None
    return str(credentials.token)


def _message(answer: Any) -> str:
    """Return the words of Google's error, which are in a JSON object."""
    try:
        error = answer.json()["error"]
        return f"{error.get('status', '')} {error.get('message', '')}".strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(answer.reason)


def _as_text(cell: object) -> str:
    """A number of a sheet as it is typed: 12, not 12.0; a yes or no in small letters."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _as_csv(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name.removesuffix(".csv"))


def _write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    return path
