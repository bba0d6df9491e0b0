"""The second origin: where artifacts are downloaded from, with a signed address and without a token."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakehub.githttp import Answer

if TYPE_CHECKING:
    from fakehub.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One request that reached the storage. `authorization` must be None: the token is for the API alone."""

    path: str
    authorization: str | None
    status: int


class Storage:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.url = ""  # set when its server listens
        self.downloads: list[Download] = []

    def address(self, repository: str, artifact: int) -> str:
        return f"{self.url}/artifacts/{repository}/{artifact}?sig=signed"

    def serve(self, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        found = self._find(path) if query == "sig=signed" else None
        authorization = headers.get("authorization")
        status = 403 if found is None else 400 if authorization else 200
        self.downloads.append(Download(path=path, authorization=authorization, status=status))
        if authorization is not None:
            self.hub.violations.append(f"storage: {path}: an Authorization header was sent to another origin")
        if found is None or authorization:
            return Answer(status, {"content-type": "application/xml"}, b"<Error/>")
        return Answer(200, {"content-type": "application/zip"}, found)

    def _find(self, path: str) -> bytes | None:
        _, _, rest = path.partition("/artifacts/")
        name, _, number = rest.rpartition("/")
        repository = self.hub.repositories.get(name.lower())
        artifact = repository.artifacts.get(int(number)) if repository and number.isdigit() else None
        return artifact.content if artifact else None


def packed(files: Mapping[str, bytes | str]) -> bytes:
    """A zip as upload-artifact makes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
