"""The deploy script, run by dash with nothing on PATH but git and a handful of POSIX utilities."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.releases.bundle import parse_bundle
from llmops_git.repo.git import Git
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import make_config, make_release, put, run_git

Clone = Callable[..., Git]
SCRIPT = Path(__file__).parents[2] / "examples" / "deploy" / "deploy.sh"
UTILITIES = ("git", "mkdir", "mv", "rm")
SHELL = shutil.which("dash") or shutil.which("sh") or "sh"


@pytest.fixture
def run_script(bare: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the script: `run_script("production", "router")` writes into `target`."""
    path = tmp_path / "path"
    path.mkdir()
    for name in UTILITIES:
        program = shutil.which(name)
        assert program is not None
        (path / name).symlink_to(program)

    def run(environment: str = "production", config: str = "router", *, url: str = "") -> subprocess.CompletedProcess[str]:
        command = [SHELL, str(SCRIPT), url or bare.as_uri(), environment, config, str(tmp_path / "target")]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": str(path)}, check=False)

    return run


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def files(target: Path) -> list[str]:
    return sorted(path.name for path in target.iterdir()) if target.exists() else []


def test_the_bundle_that_runs_arrives_whole(clone: Clone, run_script: Run, target: Path) -> None:
    git = clone("alice")
    config = make_config()
    release = make_release(git, "origin", config, "1.0.0")
    put(git, "origin", "production", config, release)
    done = run_script()
    assert (done.returncode, done.stdout) == (0, "deployed: llmops/router/v1.0.0 runs in production\n")
    bundle = parse_bundle((target / "router.json").read_bytes())
    assert bundle is not None
    assert (bundle["tag_object"], bundle["digest"]) == (release.tag_object, config.digest)
    assert files(target) == [".llmops-git", "router.conf", "router.json"]


def test_a_second_run_changes_nothing(clone: Clone, run_script: Run, target: Path) -> None:
    git = clone("alice")
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0"))
    run_script()
    before = (target / "router.json").stat().st_ino
    done = run_script()
    assert (done.returncode, done.stdout) == (0, "unchanged: llmops/router/v1.0.0 runs in production\n")
    assert (target / "router.json").stat().st_ino == before


def test_promotions_and_rollbacks_are_followed(clone: Clone, run_script: Run, target: Path) -> None:
    git = clone("alice")
    old, new = make_config(text="Old."), make_config(text="New.")
    first, second = make_release(git, "origin", old, "1.0.0"), make_release(git, "origin", new, "1.0.1")
    put(git, "origin", "production", old, first)
    run_script()
    put(git, "origin", "production", new, second)
    assert run_script().stdout == "deployed: llmops/router/v1.0.1 runs in production\n"
    assert b"New." in (target / "router.json").read_bytes()
    put(git, "origin", "production", old, first, action="rollback")
    assert run_script().stdout == "deployed: llmops/router/v1.0.0 runs in production\n"
    assert b"Old." in (target / "router.json").read_bytes()


def test_a_moved_tag_is_refused_and_the_folder_stays(clone: Clone, run_script: Run, target: Path, bare: Path) -> None:
    git = clone("alice")
    old, new = make_config(text="Old."), make_config(text="New.")
    put(git, "origin", "production", old, make_release(git, "origin", old, "1.0.0"))
    run_script()
    second = make_release(git, "origin", new, "1.0.1")
    put(git, "origin", "production", new, second)
    evil = Writer(git).tag("llmops/router/v1.0.1", git.resolve("HEAD"), "evil\n")
    run_git(git.folder, "push", "-q", "--force", "origin", f"{evil}:refs/tags/llmops/router/v1.0.1")
    done = run_script()
    assert done.returncode == 1
    assert "refused: the tag llmops/router/v1.0.1 was moved" in done.stderr
    assert b"Old." in (target / "router.json").read_bytes()


def test_a_tag_moved_after_it_was_deployed_is_noticed(clone: Clone, run_script: Run, bare: Path) -> None:
    git = clone("alice")
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0"))
    run_script()
    run_git(bare, "update-ref", "refs/tags/llmops/router/v1.0.0", run_git(bare, "rev-parse", "main"))
    assert run_script().returncode == 1


def test_a_bundle_edited_by_hand_is_refused(clone: Clone, run_script: Run, target: Path) -> None:
    git = clone("alice")
    config = make_config()
    done = put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0"))
    writer = Writer(git)
    edited = writer.commit(writer.tree(done.commit, {"router.json": writer.blob(b"{}")}), done.commit, "by hand\n")
    run_git(git.folder, "push", "-q", "origin", f"{edited}:refs/heads/llmops/env/production")
    result = run_script()
    assert result.returncode == 1
    assert "is not the bundle that was deployed" in result.stderr
    assert files(target) == [".llmops-git"]


@pytest.mark.parametrize(
    "record",
    [
        "[running]\n\trelease = --upload-pack=evil\n",
        "[running]\n\trelease = llmops/other/v1.0.0\n\ttag-object = aa\n",
        "[running]\n\trelease = llmops/router/v1.0.0/../../x\n",
        '[running]\n\trelease = "llmops/router/v1.0.0\\nx"\n',
        "[running]\n\trelease = llmops/router/v1.0.0\n\ttag-object = $(touch evil)\n",
    ],
)
def test_a_hostile_record_is_refused(clone: Clone, run_script: Run, target: Path, record: str) -> None:
    git = clone("alice")
    writer = Writer(git)
    tree = writer.tree(None, {"router.conf": writer.blob(record.encode()), "router.json": writer.blob(b"{}")})
    run_git(git.folder, "push", "-q", "origin", f"{writer.commit(tree, None, 'evil')}:refs/heads/llmops/env/production")
    assert run_script().returncode == 1
    assert files(target) == [".llmops-git"]


def test_what_does_not_run_is_said(clone: Clone, run_script: Run) -> None:
    git = clone("alice")
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0"))
    done = run_script(config="dates")
    assert (done.returncode, done.stderr) == (3, "deploy.sh: dates does not run in production\n")


def test_a_repository_that_cannot_be_read_is_told_from_a_refusal(run_script: Run, tmp_path: Path) -> None:
    assert run_script(url=(tmp_path / "nowhere").as_uri()).returncode == 3


@pytest.mark.parametrize(
    ("environment", "config"), [("../x", "router"), ("production", "a/b"), ("-x", "router"), ("production", "")]
)
def test_names_are_checked_before_anything_else(run_script: Run, environment: str, config: str, target: Path) -> None:
    assert run_script(environment, config).returncode == 2
    assert not target.exists()
