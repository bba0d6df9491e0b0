from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.publish import Lost, Published, Refused, Update, publish
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import no_wait, run_git, shadowed

TAG = "refs/tags/llmops/router/v1.0.0"
BRANCH = "refs/heads/llmops/env/production"
Clone = Callable[..., Git]


def a_tag(git: Git, message: str = "release\n\nKey: value\n") -> str:
    return Writer(git).tag("llmops/router/v1.0.0", git.resolve("HEAD"), message)


def a_commit(git: Git, parent: str | None, text: str) -> str:
    writer = Writer(git)
    return writer.commit(writer.tree(parent, {"router.json": writer.blob(text.encode())}), parent, f"{text}\n")


def refs_of(folder: Path) -> list[str]:
    return run_git(folder, "for-each-ref", "--format=%(refname)", "refs/tags", "refs/heads/llmops").splitlines()


def test_a_tag_and_a_branch_are_published_together(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    tag, commit = a_tag(git), a_commit(git, None, "one")
    outcome = publish(git, "origin", [Update(BRANCH, commit, None), Update(TAG, tag, None)], wait=no_wait)
    assert outcome == Published()
    assert run_git(bare, "rev-parse", TAG, BRANCH).split() == [tag, commit]
    assert run_git(git.folder, "rev-parse", TAG, "refs/remotes/origin/llmops/env/production").split() == [tag, commit]


def test_the_message_is_kept_byte_for_byte(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    message = "subject\n\n# not a comment\n\n\n\ntext  \n\nKey: value\n"
    publish(git, "origin", [Update(TAG, a_tag(git, message), None)], wait=no_wait)
    assert run_git(bare, "cat-file", "tag", TAG).split("\n\n", 1)[1] + "\n" == message


def test_publishing_the_same_again_is_no_loss(clone: Clone) -> None:
    git = clone("alice")
    update = Update(TAG, a_tag(git), None)
    assert publish(git, "origin", [update], wait=no_wait) == Published()
    assert publish(git, "origin", [update], wait=no_wait) == Published()


def test_the_second_to_create_a_tag_loses_and_keeps_nothing(clone: Clone, bare: Path) -> None:
    alice, bob = clone("alice"), clone("bob")
    first = a_tag(alice)
    publish(alice, "origin", [Update(TAG, first, None)], wait=no_wait)
    commit = a_commit(bob, None, "one")
    outcome = publish(bob, "origin", [Update(BRANCH, commit, None), Update(TAG, a_tag(bob, "other\n"), None)], wait=no_wait)
    assert outcome == Lost((TAG,))
    assert refs_of(bob.folder) == []
    assert run_git(bare, "rev-parse", TAG) == first
    assert refs_of(bare) == [TAG]


def test_a_branch_that_moved_on_is_not_overwritten(clone: Clone, bare: Path) -> None:
    alice, bob = clone("alice"), clone("bob")
    root = a_commit(alice, None, "one")
    publish(alice, "origin", [Update(BRANCH, root, None)], wait=no_wait)
    run_git(bob.folder, "fetch", "-q", "origin")
    second = a_commit(alice, root, "two")
    publish(alice, "origin", [Update(BRANCH, second, root)], wait=no_wait)
    assert publish(bob, "origin", [Update(BRANCH, a_commit(bob, root, "three"), root)], wait=no_wait) == Lost((BRANCH,))
    assert run_git(bare, "rev-parse", BRANCH) == second


def test_a_plan_that_is_no_fast_forward_is_never_pushed(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    root = a_commit(git, None, "one")
    publish(git, "origin", [Update(BRANCH, root, None)], wait=no_wait)
    with pytest.raises(ValueError, match="may only be fast-forwarded"):
        publish(git, "origin", [Update(BRANCH, a_commit(git, None, "two"), root)], wait=no_wait)
    assert run_git(bare, "rev-parse", BRANCH) == root


def test_a_branch_set_back_on_the_remote_is_a_lost_race_and_not_healed(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    root = a_commit(git, None, "one")
    second = a_commit(git, root, "two")
    publish(git, "origin", [Update(BRANCH, second, None)], wait=no_wait)
    run_git(bare, "update-ref", BRANCH, root)
    assert publish(git, "origin", [Update(BRANCH, a_commit(git, second, "three"), second)], wait=no_wait) == Lost((BRANCH,))
    assert run_git(bare, "rev-parse", BRANCH) == root


def test_a_lost_reply_is_success(clone: Clone, bare: Path, shadow_git: Callable[[str], Path]) -> None:
    git = clone("alice")
    update = Update(TAG, a_tag(git), None)
    shadow_git(
        'case " $* " in *" push "*) "$GIT" "$@" >/dev/null 2>&1; echo "fatal: the remote end hung up" >&2; exit 128;; esac'
    )
    result = shadowed(git).try_run("push", "origin", "main")
    assert (result.code, result.err) == (128, "fatal: the remote end hung up\n")
    assert publish(shadowed(git), "origin", [update], wait=no_wait) == Published()
    assert run_git(git.folder, "rev-parse", TAG) == update.new == run_git(bare, "rev-parse", TAG)


def test_a_server_without_atomic_pushes_gets_the_refs_in_order(clone: Clone, bare: Path) -> None:
    run_git(bare, "config", "receive.advertiseAtomic", "false")
    git = clone("alice")
    tag, commit = a_tag(git), a_commit(git, None, "one")
    assert publish(git, "origin", [Update(BRANCH, commit, None), Update(TAG, tag, None)], wait=no_wait) == Published()
    assert refs_of(bare) == [BRANCH, TAG]


def test_without_atomic_pushes_a_lost_branch_leaves_no_tag(clone: Clone, bare: Path) -> None:
    run_git(bare, "config", "receive.advertiseAtomic", "false")
    alice, bob = clone("alice"), clone("bob")
    publish(alice, "origin", [Update(BRANCH, a_commit(alice, None, "one"), None)], wait=no_wait)
    updates = [Update(BRANCH, a_commit(bob, None, "two"), None), Update(TAG, a_tag(bob), None)]
    assert publish(bob, "origin", updates, wait=no_wait) == Lost((BRANCH,))
    assert refs_of(bare) == [BRANCH]


def test_a_hook_that_refuses_is_told_from_a_lost_race(clone: Clone, bare: Path) -> None:
    hook = bare / "hooks" / "update"
    hook.write_text("#!/bin/sh\ncase $1 in refs/tags/*) echo 'tags are for the release job' >&2; exit 1;; esac\n")
    hook.chmod(0o755)
    git = clone("alice")
    updates = [Update(BRANCH, a_commit(git, None, "one"), None), Update(TAG, a_tag(git), None)]
    with pytest.raises(Refused, match="refused the push, and nothing was published: tags are for the release job"):
        publish(git, "origin", updates, wait=no_wait)
    assert refs_of(bare) == []
    assert refs_of(git.folder) == []


def test_a_server_that_was_busy_once_is_asked_again(clone: Clone, bare: Path) -> None:
    hook = bare / "hooks" / "update"
    hook.write_text("#!/bin/sh\n[ -e asked ] && exit 0\n: > asked\nexit 1\n")
    hook.chmod(0o755)
    git = clone("alice")
    waited: list[int] = []
    assert publish(git, "origin", [Update(TAG, a_tag(git), None)], wait=waited.append) == Published()
    assert waited == [0]


def test_a_remote_that_is_not_there_is_not_measured(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    update = Update(TAG, a_tag(git), None)
    bare.rename(bare.with_name("gone.git"))
    with pytest.raises(NotMeasured, match="the remote `origin` cannot be read") as caught:
        publish(git, "origin", [update], wait=no_wait)
    assert not isinstance(caught.value, Refused)
    assert refs_of(git.folder) == []


def test_hooks_and_settings_of_the_user_do_not_add_refs(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    run_git(git.folder, "config", "push.followTags", "true")
    run_git(git.folder, "tag", "-a", "-m", "theirs", "v9")
    publish(git, "origin", [Update(TAG, a_tag(git), None)], wait=no_wait)
    assert refs_of(bare) == [TAG]


def test_without_a_remote_refs_move_in_one_transaction(repository: Path) -> None:
    git = open_git(repository)
    root = a_commit(git, None, "one")
    second = a_commit(git, root, "two")
    assert publish(git, None, [Update(BRANCH, root, None)], wait=no_wait) == Published()
    assert (
        publish(git, None, [Update(BRANCH, second, root), Update("refs/tags/llmops/x/v1.0.0", root, None)], wait=no_wait)
        == Published()
    )
    lost = publish(git, None, [Update(BRANCH, a_commit(git, root, "three"), root), Update(TAG, root, None)], wait=no_wait)
    assert lost == Lost((BRANCH,))
    assert refs_of(repository) == [BRANCH, "refs/tags/llmops/x/v1.0.0"]


def test_publishing_works_in_a_sha256_repository(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(folder)], check=True)
    git = open_git(folder)
    commit = a_commit(git, None, "one")
    assert publish(git, None, [Update(BRANCH, commit, None)], wait=no_wait) == Published()
    assert len(commit) == 64


def test_one_tag_name_is_won_by_exactly_one_of_many_processes(clone: Clone, bare: Path) -> None:
    program = (
        "import sys\n"
        "from llmops_git.repo.git import open_git\n"
        "from llmops_git.repo.publish import Published, Update, publish\n"
        "from llmops_git.repo.write import Writer\n"
        "git = open_git(sys.argv[1])\n"
        "tag = Writer(git).tag('llmops/router/v1.0.0', git.resolve('HEAD'), sys.argv[1] + '\\n')\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"outcome = publish(git, 'origin', [Update('{TAG}', tag, None)], wait=lambda n: None)\n"
        "print('won' if isinstance(outcome, Published) else 'lost')\n"
    )
    folders = [clone(f"clone{number}").folder for number in range(4)]
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for folder in folders
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    outcomes = [process.communicate()[0].strip() for process in started]
    assert sorted(outcomes) == ["lost", "lost", "lost", "won"]
    winner = folders[outcomes.index("won")]
    assert run_git(bare, "for-each-ref", "--format=%(contents:subject)", TAG) == str(winner)


def test_a_repository_without_an_identity_says_how_to_get_one(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME")
        monkeypatch.delenv(f"GIT_{role}_EMAIL")
    run_git(repository, "config", "user.useConfigOnly", "true")
    with pytest.raises(Exception, match="git does not know who you are"):
        Writer(open_git(repository)).identity()


def test_a_branch_is_not_moved_under_a_work_tree(repository: Path) -> None:
    run_git(repository, "commit", "-q", "--allow-empty", "-m", "first")
    git = open_git(repository)
    first = a_commit(git, None, "one")
    publish(git, None, [Update(BRANCH, first, None)], wait=no_wait)
    run_git(repository, "worktree", "add", "-q", str(repository.parent / "production"), "llmops/env/production")
    update = Update(BRANCH, a_commit(git, first, "two"), first)
    with pytest.raises(LlmopsError) as caught:
        publish(git, None, [update], wait=no_wait)
    place = repository.parent / "production"
    assert caught.value.message == f"branch `llmops/env/production` is checked out in {place}"
    assert run_git(repository, "rev-parse", BRANCH) == first
    run_git(repository, *caught.value.hint.replace('"', "").split()[1:])
    assert publish(git, None, [update], wait=no_wait) == Published()
