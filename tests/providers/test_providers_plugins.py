"""Providers of installed packages: found by entry point, named by the policy, never out of a checkout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Request
from llmops_git.providers.table import open_provider

CODE = """
from llmops_git.providers.base import Reply

class Echo:
    concurrency = 2
    def __init__(self, settings, *, environ):
        self.word = settings.options.get("word", "") + environ.get("ECHO", "")
    def fingerprint(self):
        return "echo 1"
    def generate(self, request, *, worker):
        return Reply(text=f"{self.word} {request.messages[0]['content']}")
    def close(self):
        pass

def broken(settings, *, environ):
    raise RuntimeError("no licence")

def other(settings, *, environ):
    return object()
"""
ENTRIES = "[llmops_git.providers]\necho = {module}:Echo\nbroken = {module}:broken\nother = {module}:other\n"
SETTINGS = ProviderSettings(name="p", api="plugin", plugin="echo", options={"word": "hello"})


def _install(folder: Path, module: str) -> None:
    """What an installer leaves behind: the module, and the record of its package."""
    record = folder / f"{module}-1.0.dist-info"
    record.mkdir(parents=True)
    (folder / f"{module}.py").write_text(CODE)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(ENTRIES.format(module=module))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages besides the real one."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr("site.getusersitepackages", lambda: str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("echo_")]:
        del sys.modules[name]


def test_an_installed_package_answers_for_the_provider_that_the_policy_names(site: Path) -> None:
    _install(site, "echo_installed")
    provider = open_provider(SETTINGS, environ={"ECHO": "!"})
    assert (2, "echo 1") == (provider.concurrency, provider.fingerprint())
    request = Request(provider="p", model="m", messages=({"role": "user", "content": "you"},))
    assert "hello! you" == provider.generate(request, worker=0).text


def test_a_package_that_is_not_installed_is_named(site: Path) -> None:
    with pytest.raises(LlmopsError, match="no installed package has a provider `echo`") as caught:
        open_provider(SETTINGS, environ={})
    assert "llmops_git.providers" in caught.value.hint


def test_two_packages_with_one_name_are_refused(site: Path) -> None:
    for module in ("echo_one", "echo_two"):
        _install(site, module)
    with pytest.raises(LlmopsError, match="several packages have a provider `echo`: echo_one"):
        open_provider(SETTINGS, environ={})


def test_a_checkout_brings_no_provider(site: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a record of its own in the folder that Python was started in, nor by a module that hides the installed one."""
    monkeypatch.chdir(repository)
    monkeypatch.syspath_prepend(str(repository))
    _install(repository, "echo_brought")
    with pytest.raises(LlmopsError, match="no installed package has a provider"):
        open_provider(SETTINGS, environ={})
    _install(site, "echo_hidden")
    (repository / "echo_hidden.py").write_text("raise SystemExit('ran')")
    with pytest.raises(LlmopsError, match="would come from the repository"):
        open_provider(SETTINGS, environ={})


@pytest.mark.parametrize(
    ("plugin", "message"), [("broken", "echo_bad 1.0 failed: RuntimeError: no licence"), ("other", "has no fingerprint")]
)
def test_what_is_no_provider_is_refused(site: Path, plugin: str, message: str) -> None:
    _install(site, "echo_bad")
    settings = ProviderSettings(name="p", api="plugin", plugin=plugin)
    with pytest.raises(LlmopsError, match=message):
        open_provider(settings, environ={})
