from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.releases.registry import read_registry
from llmops_git.repo.fetch import Tampered, fetch_state
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.publish import Update, publish
from llmops_git.repo.refs import last_lines, remote_in_use
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import no_wait, run_git

TAG = "refs/tags/llmops/router/v1.0.0"
BRANCH = "refs/heads/llmops/env/production"
TRACKING = "refs/remotes/origin/llmops/env/production"
Clone = Callable[..., Git]


def publish_tag(git: Git, message: str = "one\n", *, name: str = "llmops/router/v1.0.0") -> str:
    tag = Writer(git).tag(name, git.resolve("HEAD"), message)
    publish(git, "origin", [Update(f"refs/tags/{name}", tag, None)], wait=no_wait)
    return tag


def publish_commits(git: Git, *texts: str) -> list[str]:
    writer = Writer(git)
    commits: list[str] = []
    for text in texts:
        parent = commits[-1] if commits else None
        commits.append(writer.commit(writer.tree(parent, {"router.json": writer.blob(text.encode())}), parent, text))
    publish(git, "origin", [Update(BRANCH, commits[-1], None)], wait=no_wait)
    return commits


def test_tags_and_environments_of_others_arrive(clone: Clone) -> None:
    alice, bob = clone("alice"), clone("bob", "--no-tags")
    tag = publish_tag(alice)
    commits = publish_commits(alice, "one", "two")
    fetch_state(bob, "origin")
    assert run_git(bob.folder, "rev-parse", TAG, TRACKING).split() == [tag, commits[-1]]


def test_a_moved_tag_is_an_alarm_and_the_local_tag_stays(clone: Clone, bare: Path) -> None:
    alice, bob = clone("alice"), clone("bob")
    first = publish_tag(alice)
    fetch_state(bob, "origin")
    run_git(bare, "update-ref", TAG, run_git(bare, "rev-parse", "main"))
    with pytest.raises(Tampered, match=r"tag `llmops/router/v1\.0\.0` was moved"):
        fetch_state(bob, "origin")
    assert run_git(bob.folder, "rev-parse", TAG) == first


def test_a_rewritten_environment_is_an_alarm_in_a_clone_whose_own_fetch_is_by_force(clone: Clone, bare: Path) -> None:
    alice, bob = clone("alice"), clone("bob")
    commits = publish_commits(alice, "one", "two")
    fetch_state(bob, "origin")
    writer = Writer(alice)
    other = writer.commit(writer.tree(None, {"router.json": writer.blob(b"evil")}), commits[0], "evil\n")
    run_git(alice.folder, "push", "-q", "--force", "origin", f"{other}:{BRANCH}")
    with pytest.raises(Tampered, match="branch `llmops/env/production` was rewritten"):
        fetch_state(bob, "origin")
    assert run_git(bob.folder, "rev-parse", TRACKING) == commits[-1]


def test_settings_that_prune_do_not_delete_local_tags(clone: Clone) -> None:
    git = clone("alice")
    run_git(git.folder, "config", "fetch.prune", "true")
    run_git(git.folder, "config", "fetch.pruneTags", "true")
    run_git(git.folder, "tag", "-a", "-m", "mine", "llmops/router/v9.0.0")
    fetch_state(git, "origin")
    assert run_git(git.folder, "tag", "--list") == "llmops/router/v9.0.0"


def test_a_shallow_clone_gets_tags_and_whole_environments_and_stays_shallow(clone: Clone, bare: Path) -> None:
    alice = clone("alice")
    run_git(alice.folder, "commit", "-q", "--allow-empty", "-m", "second")
    run_git(alice.folder, "commit", "-q", "--allow-empty", "-m", "third")
    run_git(alice.folder, "push", "-q", "origin", "main")
    run_git(alice.folder, "checkout", "-q", "HEAD~1")
    tag = publish_tag(alice)
    publish_commits(alice, "one", "two", "three")
    bob = clone("bob", "--depth=1", "--no-single-branch")
    fetch_state(bob, "origin")
    assert run_git(bob.folder, "rev-parse", TAG) == tag
    assert run_git(bob.folder, "rev-list", "--count", TRACKING) == "3"
    assert run_git(bob.folder, "rev-list", "--count", "HEAD") == "1"
    assert run_git(bob.folder, "rev-list", "--count", TAG) == "1"
    fetch_state(bob, "origin")


def test_a_moved_tag_is_an_alarm_in_a_shallow_clone(clone: Clone, bare: Path) -> None:
    publish_tag(clone("alice"))
    bob = clone("bob", "--depth=1")
    fetch_state(bob, "origin")
    run_git(bare, "update-ref", TAG, run_git(bare, "rev-parse", "main"))
    with pytest.raises(Tampered, match="was moved"):
        fetch_state(open_git(bob.folder), "origin")


def test_a_remote_that_is_gone_is_not_measured(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    bare.rename(bare.with_name("gone.git"))
    with pytest.raises(NotMeasured, match="the remote `origin` cannot be read"):
        fetch_state(git, "origin")


def test_a_remote_of_another_name_is_not_silently_ignored(clone: Clone) -> None:
    git = clone("alice", "-o", "upstream")
    with pytest.raises(LlmopsError, match="there is no remote `origin`") as caught:
        remote_in_use(git, "origin")
    assert caught.value.hint == "set `remote: upstream` in llmops.yaml"


def test_a_repository_without_remotes_keeps_its_state_to_itself(repository: Path) -> None:
    assert remote_in_use(open_git(repository), "origin") is None


def test_passwords_in_urls_are_not_repeated() -> None:
    assert last_lines("fatal: unable to access 'https://me:secret@host/x.git/': 403\n") == (
        "fatal: unable to access 'https://***@host/x.git/': 403"
    )


@pytest.mark.parametrize("options", [(), ("--depth=1",)])
def test_branches_of_pull_requests_may_be_replaced_and_go(clone: Clone, bare: Path, options: tuple[str, ...]) -> None:
    alice, bob = clone("alice"), clone("bob", *options)
    first, _ = publish_commits(alice, "one", "two")
    proposal = "refs/heads/llmops/promote/production/router-1.0.0"
    run_git(alice.folder, "push", "-q", "origin", f"{first}:{proposal}")
    run_git(bob.folder, "fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")  # what a plain clone brings
    writer = Writer(alice)
    other = writer.commit(writer.tree(None, {}), None, "another\n")
    for change in (f"+{other}:{proposal}", f":{proposal}"):
        run_git(alice.folder, "push", "-q", "origin", change)
        fetch_state(open_git(bob.folder), "origin")
    assert run_git(bare, "for-each-ref", proposal) == ""


def test_a_branch_below_an_environment_is_none(clone: Clone, bare: Path) -> None:
    alice = clone("alice")
    (commit,) = publish_commits(alice, "one")
    run_git(alice.folder, "push", "-q", "origin", f"{commit}:refs/heads/llmops/env/staging/nested")
    fetch_state(alice, "origin")
    assert list(read_registry(alice, remote="origin").environments) == ["production"]
