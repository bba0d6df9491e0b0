"""`llmops-git status`: text and JSON."""

from __future__ import annotations

from pathlib import Path

from llmops_git.commands.status import status_document, status_lines
from llmops_git.configs.policy import Environment, Policy
from llmops_git.releases.tags import TagName
from llmops_git.releases.values import EnvironmentState, Registry, Release, Running
from llmops_git.releases.versions import Version
from tests.commands.release_project import Folder, release_project

RELEASE = Release(
    tag=TagName("router", Version(1, 10, 0)),
    tag_object="a" * 40,
    commit="c" * 40,
    header="llmops/router/v1.10.0",
    time=1767323045,
    contents="release router v1.10.0\n\nConfig-Digest: sha256:1\nModel: a/b\nBump: minor\nVerdict: improved\x1b[31m\n",
)
RUNNING = Running(
    config="router", release="llmops/router/v1.9.0", tag_object="b" * 40, commit="c" * 40, digest="sha256:2", bundle="d" * 40,
    action="rollback",
)  # fmt: skip
REGISTRY = Registry(
    releases={"router": (RELEASE,)},
    environments={"production": EnvironmentState(name="production", tip="e" * 40, running={"router": RUNNING})},
    strays=("llmops/router/v2.0.0",),
)
POLICY = Policy(
    environments={"staging": Environment(name="staging"), "production": Environment(name="production", after="staging")}
)


def test_one_row_for_each_config_and_one_column_for_each_environment() -> None:
    assert status_lines(status_document(REGISTRY, POLICY)) == [
        "config  newest   released          verdict           staging  production",
        "router  v1.10.0  2026-01-02 03:04  improved\\x1b[31m  -        v1.9.0 (held)",
        "problem: tag llmops/router/v2.0.0 is not an annotated tag",
    ]


def test_environments_that_only_have_a_branch_are_shown_as_well() -> None:
    document = status_document(REGISTRY, Policy())
    assert [item["environment"] for item in document["environments"]] == ["production"]


def test_only_the_configs_named_are_shown() -> None:
    assert status_document(REGISTRY, POLICY, ("dates",))["configs"] == []


def test_a_repository_without_releases_says_so(repository: Path) -> None:
    folder = Folder(repository)
    (repository / "README.md").write_text("hello\n")
    folder.commit(push=False)
    assert folder.ok("status") == "nothing is released yet\n"


def test_what_others_did_is_known_after_a_fetch(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        bob = place.clone("bob")
        alice.ok("release", "--promote")
        assert bob.json("status")["configs"] == []
        found = bob.json("status", "--fetch")["configs"][0]
        assert (found["newest"]["release"], list(found["running"])) == ("llmops/router/v1.0.0", ["staging"])
        place.bare.path.rename(place.bare.path.with_name("gone.git"))
        assert bob.json("status")["configs"][0] == found
        assert bob.run("status", "--fetch")[0] == 3
