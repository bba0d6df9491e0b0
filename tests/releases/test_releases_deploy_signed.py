"""The deploy script on a host that has its own list of signers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.releases.registry import read_registry
from llmops_git.repo.git import Git
from llmops_git.repo.sign import Signing
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import make_config, make_release, put, run_git
from tests.releases.signing_keys import allowed, sign_with_ssh, ssh_key
from tests.releases.test_releases_deploy_script import SCRIPT, SHELL, UTILITIES

BOTH = Signing(tags=True, commits=True)
REF = "refs/heads/llmops/env/production"


@pytest.fixture
def git(clone: Callable[..., Git], tmp_path: Path) -> Git:
    """A clone that signs, with the host's list of signers beside it."""
    git = clone("alice")
    key = ssh_key(tmp_path / "keys")
    (tmp_path / "signers").write_text(allowed(key))
    sign_with_ssh(git.folder, key)
    return git


def run_script(tmp_path: Path, bare: Path, signers: str = "signers") -> tuple[int, str]:
    """Run it with nothing but git, its utilities and ssh-keygen; exit code and what it said."""
    path = tmp_path / "path"
    path.mkdir(exist_ok=True)
    for name in (*UTILITIES, "ssh-keygen"):
        done = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True)
        (path / name).unlink(missing_ok=True)
        (path / name).symlink_to(done.stdout.strip())
    environment = {**os.environ, "PATH": str(path), "LLMOPS_ALLOWED_SIGNERS": str(tmp_path / signers)}
    command = [SHELL, str(SCRIPT), bare.as_uri(), "production", "router", str(tmp_path / "target")]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_what_is_signed_arrives(git: Git, bare: Path, tmp_path: Path) -> None:
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0", signing=BOTH), signing=BOTH)
    assert (0, "deployed: llmops/router/v1.0.0 runs in production\n") == run_script(tmp_path, bare)


@pytest.mark.parametrize(
    ("tag", "deployment", "said"),
    [
        (Signing(), BOTH, "llmops/router/v1.0.0 is not signed"),
        (BOTH, Signing(), "the newest deployment to production is not signed"),
    ],
)
def test_what_is_not_signed_is_refused(
    git: Git, bare: Path, tmp_path: Path, tag: Signing, deployment: Signing, said: str
) -> None:
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0", signing=tag), signing=deployment)
    code, text = run_script(tmp_path, bare)
    assert (1, True) == (code, said in text), text
    assert not (tmp_path / "target" / "router.json").exists()


def test_a_strangers_key_does_not_count(git: Git, bare: Path, tmp_path: Path) -> None:
    sign_with_ssh(git.folder, ssh_key(tmp_path / "keys", "stranger"))
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0", signing=BOTH), signing=BOTH)
    assert 1 == run_script(tmp_path, bare)[0]


def test_a_replayed_tag_is_refused(git: Git, bare: Path, tmp_path: Path) -> None:
    """The signed object of one release under the name of another, in a record that agrees with it."""
    config = make_config()
    release = make_release(git, "origin", config, "1.0.0", signing=BOTH)
    put(git, "origin", "production", config, release, signing=BOTH)
    run_git(git.folder, "push", "-q", "origin", f"{release.tag_object}:refs/tags/llmops/router/v1.0.1")
    tip = read_registry(git, remote="origin").environments["production"].tip
    record = run_git(git.folder, "show", f"{tip}:router.conf").replace("v1.0.0", "v1.0.1")
    writer = Writer(git, BOTH)
    commit = writer.commit(writer.tree(tip, {"router.conf": writer.blob(record.encode())}), tip, "x\n")
    run_git(git.folder, "push", "-q", "origin", f"{commit}:{REF}")
    code, text = run_script(tmp_path, bare)
    assert (1, True) == (code, "holds the object of another release" in text), text


def test_a_list_that_is_not_there_is_wrong_usage(git: Git, bare: Path, tmp_path: Path) -> None:
    config = make_config()
    put(git, "origin", "production", config, make_release(git, "origin", config, "1.0.0", signing=BOTH), signing=BOTH)
    assert 2 == run_script(tmp_path, bare, "nowhere")[0]
