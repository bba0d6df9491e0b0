"""Snapshots of the reports slice: one plain file per rendering in `snapshots/`.

`pytest tests/reports --snapshot-update` writes them anew; `git diff` then shows what changed for readers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def snapshot_file(request: pytest.FixtureRequest):
    """A function (file name, text) that gives the text to expect: what the file holds, or the text itself on an update."""

    def expected(name: str, text: str) -> str:
        file = SNAPSHOTS / name
        if request.config.getoption("--snapshot-update", default=False):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        return file.read_text(encoding="utf-8")

    return expected
