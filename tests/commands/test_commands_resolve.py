"""`llmops-git resolve`: what deploy scripts read, and that it stays light."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llmops_git.commands.resolve import resolve
from llmops_git.releases.tags import TagName
from llmops_git.releases.values import EnvironmentState, Registry, Release, Running
from llmops_git.releases.versions import Version
from llmops_git.repo.fetch import Tampered
from tests.commands.release_project import Folder, release_project

HEAVY = ("git", "httpx", "jinja2", "jsonschema", "ruamel", "_ruamel_yaml", "asyncio", "xllamacpp", "rfc8785")


def test_every_way_of_asking(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release")
        for arguments, version in (
            ([], "1.0.1"), (["--latest"], "1.0.1"), (["--version", "1.0.0"], "1.0.0"), (["--version", "v1.0.0"], "1.0.0"),
            (["--environment", "staging"], "1.0.0"),
        ):  # fmt: skip
            document = alice.json("resolve", "router", *arguments)
            assert (document["version"], document["release"]) == (version, f"llmops/router/v{version}")
            assert document["tag_object"] == alice.git("rev-parse", document["release"])
            assert document["commit"] == alice.git("rev-parse", f"{document['release']}^{{commit}}")
        assert (document["environment"], document["action"], document["model"]) == (
            "staging",
            "promote",
            "test/test-model-2026-01-01",
        )


def test_a_shell_reads_the_env_format(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "--promote")
        text = alice.ok("resolve", "router", "--environment", "staging", "--format", "env")
        script = f'{text}\nprintf "%s %s" "$LLMOPS_VERSION" "$LLMOPS_TAG_OBJECT"'
        done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
        assert done.stdout == f"1.0.0 {alice.git('rev-parse', 'llmops/router/v1.0.0')}"


def test_text_is_one_fact_a_line(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        lines = alice.ok("resolve", "router").splitlines()
        assert lines[:2] == ["config      router", "release     llmops/router/v1.0.0"]
        assert [line.split("  ")[0] for line in lines] == [
            "config",
            "release",
            "tag object",
            "commit",
            "digest",
            "model",
            "version",
        ]


def test_a_fresh_clone_without_tags_asks_the_remote(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release", "--promote")
        runner = place.clone("runner", "--depth=1")
        code, _, err = runner.run("resolve", "router", "--environment", "staging")
        assert (code, "--fetch" in err) == (2, True)
        assert runner.json("resolve", "router", "--environment", "staging", "--fetch")["version"] == "1.0.0"


def test_a_folder_without_commits_can_follow_an_environment(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release", "--promote")
        subprocess.run(["git", "init", "-q", str(tmp_path / "follower")], check=True)
        follower = Folder(tmp_path / "follower")
        follower.git("remote", "add", "origin", place.bare.path.as_uri())
        assert follower.json("resolve", "router", "--environment", "staging", "--fetch")["version"] == "1.0.0"


def test_what_is_not_there_has_a_hint(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        for arguments in (["nothing"], ["router", "--environment", "production"], ["router", "--version", "3.0.0"]):
            code, out, err = alice.run("resolve", *arguments)
            assert (code, out, "hint:" in err) == (2, "", True)
        assert alice.run("resolve", "router", "--latest", "--version", "1.0.0")[0] == 2


def test_a_tag_that_is_not_the_one_deployed_is_refused() -> None:
    release = Release(tag=TagName("router", Version(1, 0, 0)), tag_object="a" * 40, commit="c", header="", time=0, contents="")
    running = Running(
        config="router", release=release.name, tag_object="b" * 40, commit="c", digest="d", bundle="e", action="promote"
    )
    state = EnvironmentState(name="production", tip="t", running={"router": running})
    registry = Registry(releases={"router": (release,)}, environments={"production": state})
    with pytest.raises(Tampered, match=r"tag `llmops/router/v1\.0\.0` was moved"):
        resolve(registry, "router", environment="production", version=None)


@pytest.mark.parametrize("arguments", [["resolve", "router"], ["resolve", "router", "--environment", "staging"]])
def test_nothing_heavy_is_imported(tmp_path: Path, arguments: list[str]) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "--promote")
        code = (
            "import json, sys\n"
            "from llmops_git.cli import run\n"
            f"code = run({arguments!r})\n"
            "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=alice.path, capture_output=True, text=True, check=True)
        code_, modules = json.loads(done.stderr)
        assert (code_, [name for name in HEAVY if name in modules]) == (0, [])
