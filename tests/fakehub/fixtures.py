"""The fixture `hub`: a running hub with the repository octo-org/prompts; at the end of the test nobody may have broken the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fakehub.hub import Hub


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    from fakehub.hub import running

    with running(tmp_path_factory.mktemp("hub")) as started:
        started.create_repository("octo-org/prompts")
        yield started
        assert started.violations == []
