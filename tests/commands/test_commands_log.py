"""`llmops-git log`: releases and deployments, for people and programs."""

from __future__ import annotations

from pathlib import Path

from llmops_git.commands.log import log_document, log_lines
from llmops_git.releases.tags import TagName
from llmops_git.releases.values import Deployment, Release, Running
from llmops_git.releases.versions import Version
from tests.commands.release_project import release_project

RELEASE = Release(
    tag=TagName("router", Version(1, 1, 0)),
    tag_object="a" * 40,
    commit="c" * 40,
    header="llmops/router/v1.1.0",
    time=1767323045,
    contents="release router v1.1.0\n\nRoutes messages.\n\nimproved\x07\n\nConfig-Digest: sha256:1\nBump: minor\nVerdict: improved\n",
)
STEP = Deployment(
    commit="f" * 40,
    time=1767323045,
    actor="Ann\x1b[2J",
    reason="queue was wrong\n\nsee the incident",
    previous="llmops/router/v1.2.0",
    running=Running(
        config="router",
        release="llmops/router/v1.1.0",
        tag_object="a" * 40,
        commit="c" * 40,
        digest="d",
        bundle="b",
        action="rollback",
    ),
)


def test_a_release_is_shown_with_its_summary_and_a_deployment_on_one_line() -> None:
    assert log_lines(log_document([RELEASE], {"production": [STEP]})) == [
        "llmops/router/v1.1.0  2026-01-02 03:04  minor  improved  cccccccccccc",
        "    Routes messages.",
        "    improved\\x07",
        "production  2026-01-02 03:04  rollback router v1.1.0 from v1.2.0  by Ann\\x1b[2J  ffffffffffff: queue was wrong  see the incident",
    ]


def test_nothing_is_said_to_be_nothing() -> None:
    assert log_lines(log_document([], {})) == ["nothing is released yet"]


def test_the_history_of_a_config_and_of_an_environment(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (_, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release", "--promote")
        alice.ok("promote", "router", "--to", "production")
        document = alice.json("log", "router")
        assert [item["release"] for item in document["releases"]] == ["llmops/router/v1.0.1", "llmops/router/v1.0.0"]
        steps = [(item["environment"], item["release"][-6:], item["previous"]) for item in document["deployments"]]
        assert steps == [
            ("production", "v1.0.1", None), ("staging", "v1.0.1", "llmops/router/v1.0.0"), ("staging", "v1.0.0", None),
        ]  # fmt: skip
        staging = alice.json("log", "--environment", "staging", "-n", "2")
        assert (staging["releases"], [item["config"] for item in staging["deployments"]]) == ([], ["router", "router"])
        assert "production  " in alice.ok("log")
        assert alice.run("log", "nothing")[0] == 2
        assert alice.run("log", "--environment", "nowhere")[0] == 2
