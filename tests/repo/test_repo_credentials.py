"""A token for git: sent to one server, held by no command line."""

from __future__ import annotations

import base64
import os
import subprocess

import pytest

from llmops_git.errors import LlmopsError
from llmops_git.repo.credentials import authenticated_environment


def headers(url: str, environment: dict[str, str], folder: str = ".") -> list[str]:
    command = ["git", "config", "--get-urlmatch", "http.extraheader", url]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout.split("\n")[:-1]


def test_git_sends_the_token_to_its_server_and_to_no_other() -> None:
    environment = authenticated_environment("https://github.example", "secret", os.environ)
    expected = "AUTHORIZATION: basic " + base64.b64encode(b"x-access-token:secret").decode()
    assert headers("https://github.example/o/r.git", environment) == [expected]
    assert headers("https://github.example.evil/o/r.git", environment) == []
    assert headers("http://github.example/o/r.git", environment) == []


def test_what_is_configured_by_variables_already_is_kept() -> None:
    before = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Bot"}
    environment = {**before, **authenticated_environment("https://github.example", "secret", before)}
    done = subprocess.run(
        ["git", "config", "user.name"], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "Bot\n"
    assert environment["GIT_CONFIG_COUNT"] == "4"


def test_without_a_token_nothing_is_configured() -> None:
    assert authenticated_environment("https://github.example", "", {}) == {}


@pytest.mark.parametrize("server", ["http://github.example", "ssh://github.example", "file:///tmp", "github.example"])
def test_a_token_is_not_sent_in_the_clear(server: str) -> None:
    with pytest.raises(LlmopsError, match="neither https nor this machine"):
        authenticated_environment(server, "secret", {})


def test_a_server_on_this_machine_may_be_without_https() -> None:
    assert authenticated_environment("http://127.0.0.1:8080", "secret", {})["GIT_CONFIG_COUNT"] == "3"
