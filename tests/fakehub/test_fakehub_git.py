"""The hub's git side with the real git client: who may read and push, and the rulesets."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from fakehub.githook import matches
from fakehub.hub import FORK, Hub


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-c", "credential.helper=", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(folder: Path, *arguments: str) -> str:
    done = git(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def never_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("GIT_ASKPASS", "true")


@pytest.fixture
def clone(hub: Hub, tmp_path: Path) -> Path:
    hub.commit({"prompts/a.yaml": "name: a\n"})
    folder = tmp_path / "clone"
    run(tmp_path, "clone", "-q", hub.clone_url(token=hub.token()), str(folder))
    return folder


def commit(folder: Path, text: str) -> str:
    (folder / "file.txt").write_text(text)
    run(folder, "add", ".")
    run(folder, "commit", "-q", "-m", text)
    return run(folder, "rev-parse", "HEAD")


def test_a_push_with_a_token_arrives(hub: Hub, clone: Path) -> None:
    oid = commit(clone, "one")
    run(clone, "push", "-q", "origin", "main")
    assert hub.store(hub.repository()).branch("main") == oid
    assert {entry.login for entry in hub.calls("git") if entry.path.endswith("git-receive-pack")} == {"github-actions[bot]"}


def test_a_header_from_the_configuration_authenticates_too(hub: Hub, clone: Path) -> None:
    run(clone, "remote", "set-url", "origin", hub.clone_url())
    header = b64encode(f"x-access-token:{hub.token()}".encode()).decode()
    oid = commit(clone, "one")
    run(clone, "-c", f"http.{hub.server_url}/.extraheader=AUTHORIZATION: basic {header}", "push", "-q", "origin", "main")
    assert hub.store(hub.repository()).branch("main") == oid


def test_a_public_repository_is_read_without_a_token_and_not_pushed_to(hub: Hub, clone: Path, tmp_path: Path) -> None:
    run(tmp_path, "clone", "-q", hub.clone_url(), "other")
    oid = commit(tmp_path / "other", "one")
    refused = git(tmp_path / "other", "push", "origin", "main")
    assert refused.returncode == 128
    assert hub.store(hub.repository()).branch("main") != oid


@pytest.mark.parametrize(
    ("login", "permissions", "said"),
    [
        ("github-actions[bot]", FORK, "Permission to octo-org/prompts.git denied to github-actions[bot]."),
        ("mallory", None, "Permission to octo-org/prompts.git denied to mallory."),
    ],
)
def test_a_token_that_may_not_write_is_told_so(hub: Hub, clone: Path, login, permissions, said) -> None:
    run(clone, "remote", "set-url", "origin", hub.clone_url(token=hub.token(login, permissions)))
    commit(clone, "one")
    refused = git(clone, "push", "origin", "main")
    assert (refused.returncode, said in refused.stderr) == (128, True)


def test_a_private_repository_is_not_there_for_strangers(hub: Hub, tmp_path: Path) -> None:
    hub.create_repository("octo-org/secret", private=True)
    hub.commit({"a": "1"}, repository="octo-org/secret")
    for token in ("", "ghs_wrong", hub.token("mallory"), hub.token(repositories=["octo-org/prompts"])):
        assert git(tmp_path, "ls-remote", hub.clone_url("octo-org/secret", token)).returncode == 128
    assert run(tmp_path, "ls-remote", hub.clone_url("octo-org/secret", hub.token("octo-org"))) != ""


def test_a_release_tag_is_made_once_and_never_moved_or_deleted(hub: Hub, clone: Path) -> None:
    run(clone, "tag", "-a", "llmops/a/v1.0.0", "-m", "one")
    run(clone, "push", "-q", "origin", "llmops/a/v1.0.0")
    before = hub.store(hub.repository()).refs("refs/tags/")
    run(clone, "tag", "-f", "-a", "llmops/a/v1.0.0", "-m", "two")
    moved = git(clone, "push", "--force", "origin", "llmops/a/v1.0.0")
    deleted = git(clone, "push", "origin", ":refs/tags/llmops/a/v1.0.0")
    assert (moved.returncode, "GH013" in moved.stderr, "Cannot update this protected ref" in moved.stderr) == (1, True, True)
    assert (deleted.returncode, "Cannot delete this protected ref" in deleted.stderr) == (1, True)
    assert hub.store(hub.repository()).refs("refs/tags/") == before


def test_one_forbidden_ref_declines_the_whole_push(hub: Hub, clone: Path) -> None:
    run(clone, "tag", "llmops/a/v1.0.0")
    run(clone, "push", "-q", "origin", "llmops/a/v1.0.0")
    before = hub.store(hub.repository()).branch("main")
    commit(clone, "one")
    refused = git(clone, "push", "--force", "origin", "main", "HEAD:refs/tags/llmops/a/v1.0.0")
    assert refused.returncode == 1
    assert hub.store(hub.repository()).branch("main") == before


def test_an_environment_branch_goes_forward_only(hub: Hub, clone: Path) -> None:
    commit(clone, "one")
    run(clone, "push", "-q", "origin", "HEAD:refs/heads/llmops/env/production")
    commit(clone, "two")
    run(clone, "push", "-q", "origin", "HEAD:refs/heads/llmops/env/production")
    refused = git(clone, "push", "--force", "origin", "HEAD~1:refs/heads/llmops/env/production")
    assert (refused.returncode, "Cannot force-push" in refused.stderr) == (1, True)


def test_a_ruleset_may_restrict_who_creates_tags(hub: Hub, clone: Path) -> None:
    ruleset = {
        "name": "only actions release",
        "target": "tag",
        "enforcement": "active",
        "bypass_actors": [{"actor_id": 15368, "actor_type": "Integration", "bypass_mode": "always"}],
        "conditions": {"ref_name": {"include": ["refs/tags/llmops/**/*"], "exclude": []}},
        "rules": [{"type": "creation"}],
    }
    hub.add_ruleset("octo-org/prompts", ruleset)
    hub.repository().roles["bob"] = "write"
    run(clone, "tag", "llmops/a/v1.0.0")
    of_bob = git(clone, "push", hub.clone_url(token=hub.token("bob")), "llmops/a/v1.0.0")
    of_actions = git(clone, "push", "origin", "llmops/a/v1.0.0")
    assert (of_bob.returncode, "creations being restricted" in of_bob.stderr) == (1, True)
    assert of_actions.returncode == 0


def test_an_atomic_push_with_a_lease_is_taken_or_refused_as_a_whole(hub: Hub, clone: Path) -> None:
    oid = commit(clone, "one")
    refs = ["HEAD:refs/heads/main", "HEAD:refs/tags/llmops/a/v1.0.0"]
    lost = git(clone, "push", "--atomic", f"--force-with-lease=refs/heads/main:{oid}", "origin", *refs)
    assert (lost.returncode, hub.store(hub.repository()).refs("refs/tags/")) == (1, [])
    run(clone, "push", "-q", "--atomic", "origin", *refs)
    assert hub.store(hub.repository()).refs("refs/tags/") == [("refs/tags/llmops/a/v1.0.0", oid, "commit")]


def test_a_lost_reply_leaves_the_push_done(hub: Hub, clone: Path) -> None:
    hub.fail("POST", "git-receive-pack", drop="after")
    oid = commit(clone, "one")
    assert git(clone, "push", "origin", "main").returncode != 0
    assert hub.store(hub.repository()).branch("main") == oid
    assert hub.faults.left == []


def test_shallow_and_partial_clones_and_single_commits(hub: Hub, clone: Path, tmp_path: Path) -> None:
    for number in range(3):
        oid = hub.commit({"a": str(number)})
    run(tmp_path, "clone", "-q", "--depth=1", "--filter=blob:none", hub.clone_url(), "shallow")
    assert run(tmp_path / "shallow", "rev-list", "--count", "HEAD") == "1"
    run(tmp_path, "init", "-q", "single")
    run(tmp_path / "single", "fetch", "-q", "--depth=1", hub.clone_url(), oid)
    assert run(tmp_path / "single", "rev-parse", "FETCH_HEAD") == oid


def test_nobody_pushes_to_the_refs_of_pull_requests(hub: Hub, clone: Path) -> None:
    refused = git(clone, "push", "origin", "HEAD:refs/pull/1/head")
    assert (refused.returncode, "hidden ref" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("pattern", "ref", "hit"),
    [
        ("refs/tags/llmops/**/*", "refs/tags/llmops/a/v1.0.0", True),
        ("refs/tags/llmops/**/*", "refs/tags/llmops/v1", True),
        ("refs/tags/llmops/**/*", "refs/tags/llmopsy/a/v1", False),
        ("refs/tags/llmops/**", "refs/tags/llmops/a/v1.0.0", False),  # `**` at the end is `*`, which stops at a slash
        ("refs/tags/llmops/*", "refs/tags/llmops/a/v1.0.0", False),
        ("refs/tags/v?", "refs/tags/v1", True),
        ("~ALL", "refs/tags/x", True),
        ("~DEFAULT_BRANCH", "refs/heads/main", True),
        ("~DEFAULT_BRANCH", "refs/heads/other", False),
    ],
)
def test_patterns_mean_what_they_mean_on_github(pattern: str, ref: str, hit: bool) -> None:
    assert matches(pattern, ref, "refs/tags/", "main") == hit
