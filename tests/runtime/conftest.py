"""Routers of a test end with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def closed_routers() -> Iterator[None]:
    yield
    from llmops_git.runtime import router

    for each in list(router._ROUTERS):
        each.close()
    router._ROUTERS.clear()
