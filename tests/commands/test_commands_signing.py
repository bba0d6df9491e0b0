"""Signed releases as users meet them: who signs, whose signatures count, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops_git.repo.git import open_git
from llmops_git.repo.publish import Update, publish
from llmops_git.repo.write import Writer
from tests.commands.release_project import Folder, Place, release_project
from tests.releases.release_helpers import no_wait
from tests.releases.signing_keys import allowed, sign_with_ssh, ssh_key

REQUIRED = "{require: true, allowed_signers: .github/allowed_signers}"
NAMED = "{allowed_signers: .github/allowed_signers}"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return ssh_key(tmp_path / "keys")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Place, Folder]]:
    with release_project(tmp_path) as made:
        yield made


def name_signers(clone: Folder, signing: str, *keys: Path, push: bool = True) -> None:
    """Say in the policy whose signatures count."""
    policy = clone.path / "llmops.yaml"
    before = policy.read_text().partition("signing:")[0]
    policy.write_text(f"{before}signing: {signing}\n")
    (clone.path / ".github").mkdir(exist_ok=True)
    (clone.path / ".github" / "allowed_signers").write_text(allowed(*keys))
    clone.commit("signers", push=push)


def signatures(clone: Folder, *options: str) -> tuple[str, list[str]]:
    _, out, _ = clone.run("verify", *options, "--format", "json")
    (level,) = (level for level in json.loads(out)["levels"] if level["level"] == "signatures")
    return level["state"], level["findings"]


def refused(clone: Folder, *arguments: str, code: int = 1) -> str:
    """Run, expect a refusal that printed nothing, and give back why."""
    found, out, err = clone.run(*arguments)
    assert (code, "") == (found, out), f"{arguments}: {found} {out} {err}"
    return err


def test_a_required_signature_is_made_without_being_asked_for(project: tuple[Place, Folder], key: Path) -> None:
    place, alice = project
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.ok("release", "--promote")
    alice.ok("promote", "router", "--to", "production")
    assert ("held", []) == signatures(alice)
    assert ("held", []) == signatures(place.clone("fresh"))
    assert 5 == alice.json("verify")["levels"][-1]["checked"]  # tag, evidence, two deployments, envelope
    for arguments in (("resolve", "router"), ("resolve", "router", "--environment", "production"), ("export", "router")):
        alice.ok(*arguments)


def test_what_cannot_be_signed_costs_nothing_and_publishes_nothing(
    project: tuple[Place, Folder], key: Path, tmp_path: Path
) -> None:
    place, alice = project
    name_signers(alice, REQUIRED, key)
    alice.git("config", "gpg.format", "ssh")
    cases = {
        "does not know which SSH key signs": [],
        "is not in `.github/allowed_signers` of `main`": ["user.signingKey", str(ssh_key(tmp_path / "keys", "other"))],
    }
    for said, setting in cases.items():
        if setting:
            alice.git("config", *setting)
        code, _, err = alice.run("release")
        assert (2, True) == (code, said in err), err
    assert "requires signatures" in alice.run("release", "--no-sign")[2]
    assert [] == place.server.asked
    assert "" == place.bare.git("for-each-ref", "refs/tags", "refs/heads/llmops")


def test_without_a_policy_git_settings_and_options_decide(project: tuple[Place, Folder], key: Path) -> None:
    _, alice = project
    sign_with_ssh(alice.path, key)
    alice.ok("release", "--promote", "--sign")
    alice.git("config", "tag.gpgSign", "true")
    alice.change(router=80)
    alice.ok("release", "--promote")
    alice.change(router=100)
    alice.ok("release", "--promote", "--no-sign")
    signed = ["SSH SIGNATURE" in alice.git("cat-file", "tag", f"llmops/router/v1.0.{number}") for number in range(3)]
    commits = alice.git("log", "--reverse", "--format=%H", "origin/llmops/env/staging").split()
    assert [True, True, False] == signed
    assert [True, False, False] == ["gpgsig " in alice.git("cat-file", "commit", commit) for commit in commits]
    assert ("not checked", []) == signatures(alice)


def test_unsigned_is_incomplete_where_signers_are_named_and_refused_where_they_are_required(
    project: tuple[Place, Folder], key: Path
) -> None:
    _, alice = project
    alice.ok("release", "--promote")
    name_signers(alice, NAMED, key)
    state, findings = signatures(alice)
    assert ("incomplete", "llmops/router/v1.0.0 is not signed") == (state, findings[0])
    assert [True, True] == [f"`llmops/{branch}`" in " ".join(findings) for branch in ("env/staging", "evidence")]
    alice.ok("resolve", "router")
    name_signers(alice, REQUIRED, key)
    assert "failed" == signatures(alice)[0]
    sign_with_ssh(alice.path, key)
    for arguments in (
        ("resolve", "router"), ("resolve", "router", "--environment", "staging"), ("export", "router"),
        ("export", "router", "--environment", "staging"), ("promote", "router", "--to", "production"),
    ):  # fmt: skip
        assert "llmops/router/v1.0.0 is not signed" in refused(alice, *arguments)


def test_the_first_signature_vouches_for_what_was_there_and_for_nothing_after_it(
    project: tuple[Place, Folder], key: Path
) -> None:
    place, alice = project
    for level in (60, 80):
        alice.change(router=level) if level > 60 else None
        alice.ok("release", "--promote")
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.change(router=100)
    alice.ok("release", "--promote")
    assert ("held", []) == signatures(alice)
    alice.ok("rollback", "router", "--in", "staging", "--to", "1.0.0")  # unsigned, but named by what is signed
    mallory = place.clone("mallory")
    text = mallory.git("cat-file", "tag", "llmops/router/v1.0.2").partition("-----BEGIN")[0]
    newest = mallory.git("rev-parse", "llmops/router/v1.0.2")
    lines = [f"Previous: llmops/router/v1.0.2 {newest}" if line.startswith("Previous: ") else line for line in text.split("\n")]
    (mallory.path / "tag").write_text("\n".join(lines).replace("v1.0.2\n", "v1.0.3\n", 1))
    oid = mallory.git("hash-object", "-w", "-t", "tag", "tag")
    mallory.git("push", "-q", "origin", f"{oid}:refs/tags/llmops/router/v1.0.3")
    assert ("failed", ["llmops/router/v1.0.3 is not signed"]) == signatures(alice, "--fetch")


def test_a_checkout_cannot_appoint_its_own_signers(project: tuple[Place, Folder], key: Path, tmp_path: Path) -> None:
    """Neither a branch, nor the tagged commit, nor files that are not committed, nor another name for the default branch."""
    place, alice = project
    name_signers(alice, REQUIRED, key)
    mallory = place.clone("mallory")
    stranger = ssh_key(tmp_path / "keys", "stranger")
    sign_with_ssh(mallory.path, stranger)
    mallory.git("switch", "-q", "-c", "theirs")
    name_signers(mallory, REQUIRED, stranger, push=False)
    policy = mallory.path / "llmops.yaml"
    policy.write_text(policy.read_text() + "default_branch: theirs\n")
    mallory.commit("mine", push=False)
    mallory.git("push", "-q", "origin", "theirs")
    code, _, err = mallory.run("release")
    assert (2, True) == (code, "is not in `.github/allowed_signers` of `main`" in err), err
    commit = mallory.git("rev-parse", "HEAD")
    mallory.git("tag", "-s", "-m", "release router v1.0.0", "llmops/router/v1.0.0", commit)
    mallory.git("push", "-q", "origin", "llmops/router/v1.0.0")
    said = "llmops/router/v1.0.0 is not signed by a key in `.github/allowed_signers` of `main`"
    for clone in (mallory, alice):
        assert ("failed", [said]) == signatures(clone, "--fetch")
        assert said in refused(clone, "resolve", "router")
    assert ("failed", [said]) == signatures(mallory, "--no-remote")  # what this clone knows of the remote's main


def test_who_may_sign_is_what_the_remote_says_now(project: tuple[Place, Folder], key: Path, tmp_path: Path) -> None:
    place, alice = project
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.ok("release")
    bob = place.clone("bob")
    name_signers(alice, REQUIRED, ssh_key(tmp_path / "keys", "next"))  # the old key was stolen, and taken out
    assert "held" == signatures(bob, "--no-remote")[0]
    assert "failed" == signatures(bob)[0]
    assert "is not signed by a key" in refused(bob, "promote", "router", "--to", "staging")
    bob.ok("resolve", "router")
    assert "is not signed by a key" in refused(bob, "resolve", "router", "--fetch")


def test_another_default_branch_is_the_one_that_the_remotes_own_names(project: tuple[Place, Folder], key: Path) -> None:
    place, alice = project
    policy = alice.path / "llmops.yaml"
    policy.write_text(policy.read_text() + "default_branch: trunk\n")
    name_signers(alice, REQUIRED, key)
    alice.git("switch", "-q", "-c", "trunk")
    name_signers(alice, NAMED, key, push=False)
    alice.git("push", "-q", "-u", "origin", "trunk")
    alice.ok("release", "--no-sign")  # trunk does not require it
    state, findings = signatures(alice)
    assert ("incomplete", "llmops/router/v1.0.0 is not signed") == (state, findings[0])
    place.bare.git("update-ref", "-d", "refs/heads/trunk")
    fresh = place.clone("fresh")
    said = "llmops.yaml of `main` says `default_branch: trunk`, which is not there"
    assert ("failed", [said]) == signatures(fresh)
    assert said in refused(fresh, "resolve", "router", "--fetch", code=2)


def test_signers_that_are_named_and_not_there_fail(project: tuple[Place, Folder], key: Path) -> None:
    _, alice = project
    alice.ok("release")
    name_signers(alice, "{require: true, allowed_signers: nowhere}", key)
    assert ("failed", ["`main` has no file nowhere, which says whose signatures count"]) == signatures(alice)
    assert "no file nowhere" in refused(alice, "resolve", "router", code=2)
    name_signers(alice, "{require: true, allowed_signers: .github/allowed_signers}")  # there, and empty
    assert "failed" == signatures(alice)[0]
    assert "is not signed" in refused(alice, "resolve", "router")


@pytest.mark.parametrize(
    ("signing", "said"),
    [
        ("{require: true}", "nobody may sign"),
        ("{allowed_signers: ../../x}", "the path leaves the repository"),
        ("{allowed_signers: /etc/x}", "write a relative path"),
        ("{require: maybe}", "require"),
        ("{requires: true}", "unknown key `requires`"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_its_place(project: tuple[Place, Folder], signing: str, said: str) -> None:
    _, alice = project
    policy = alice.path / "llmops.yaml"
    policy.write_text(policy.read_text() + f"signing: {signing}\n")
    code, out, err = alice.run("check")
    assert (2, True, True) == (code, said in out + err, f"llmops.yaml:{len(policy.read_text().splitlines())}:" in out + err)


def test_a_touched_envelope_is_found(project: tuple[Place, Folder], key: Path) -> None:
    _, alice = project
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.ok("release")
    git = open_git(alice.path)
    tip = alice.git("rev-parse", "origin/llmops/evidence")
    (path,) = (line for line in alice.git("ls-tree", "-r", "--name-only", tip).split() if line.endswith(".dsse.json"))
    envelope = json.loads(alice.git("show", f"{tip}:{path}"))
    envelope["signatures"][0]["sig"] = envelope["payload"]
    writer = Writer(git)
    commit = writer.commit(writer.tree(tip, {path: writer.blob(json.dumps(envelope).encode())}), tip, "x\n")
    publish(git, "origin", [Update("refs/heads/llmops/evidence", commit, tip)], wait=no_wait)
    found = signatures(alice)
    assert "failed" == found[0]
    assert ["of its statement is not signed" in finding or "llmops/evidence" in finding for finding in found[1]] == [True, True]


def test_a_deployment_cannot_be_replayed_in_another_environment(project: tuple[Place, Folder], key: Path) -> None:
    place, alice = project
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.ok("release", "--promote")
    alice.git("push", "-q", "origin", "origin/llmops/env/staging:refs/heads/llmops/env/production")
    fresh = place.clone("fresh")
    state, (finding,) = signatures(fresh)
    assert ("failed", True) == (state, finding.startswith("branch `llmops/env/production`: commit "))
    assert finding.endswith(" was signed for another branch")


@pytest.mark.parametrize(("squash", "expected"), [(False, "held"), (True, "failed")])
def test_a_merged_promotion_keeps_its_signature_and_a_squashed_one_does_not(
    project: tuple[Place, Folder], key: Path, squash: bool, expected: str
) -> None:
    place, alice = project
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.ok("release", "--promote")
    alice.change(router=100)
    alice.ok("release", "--promote")
    ref = "refs/heads/llmops/env/staging"
    made = alice.git("rev-parse", "origin/llmops/env/staging")
    parents = ["-p", f"{made}~1"] if squash else ["-p", f"{made}~1", "-p", made]
    merge = place.bare.git("commit-tree", f"{made}^{{tree}}", *parents, "-m", "Merge pull request #7")
    place.bare.git("update-ref", ref, merge)
    assert expected == signatures(place.clone("fresh"))[0]


def test_a_merge_does_not_bring_an_old_signed_deployment_back(project: tuple[Place, Folder], key: Path) -> None:
    place, alice = project
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.ok("release", "--promote")
    alice.change(router=100)
    alice.ok("release", "--promote")
    tip = alice.git("rev-parse", "origin/llmops/env/staging")
    merge = place.bare.git("commit-tree", f"{tip}~1^{{tree}}", "-p", tip, "-p", f"{tip}~1", "-m", "Merge")
    place.bare.git("update-ref", "refs/heads/llmops/env/staging", merge)
    state, (finding,) = signatures(place.clone("fresh"))
    assert ("failed", f"branch `llmops/env/staging`: commit {merge[:12]} is not signed") == (state, finding)


def test_a_depth_1_clone_signs_and_verifies(project: tuple[Place, Folder], key: Path) -> None:
    place, alice = project
    name_signers(alice, REQUIRED, key)
    sign_with_ssh(alice.path, key)
    alice.ok("release", "--promote")
    alice.change(router=100)
    runner = place.clone("runner", "--depth=1")
    sign_with_ssh(runner.path, key)
    runner.ok("release", "--promote")
    assert "true" == runner.git("rev-parse", "--is-shallow-repository")
    assert 0 == runner.run("verify")[0]
    assert 0 == alice.run("verify", "--fetch")[0]
    alice.git("commit", "-q", "--allow-empty", "-m", "on a branch")
    alice.git("push", "-q", "origin", "HEAD:other")
    other = place.clone("other", "--depth=1", "--branch=other", "--single-branch")
    other.ok("status", "--fetch")
    assert ("held", []) == signatures(other)  # main was not in this clone, and was fetched to read its signers
    assert "refs/remotes/origin/main" not in other.git("for-each-ref")


def test_an_empty_repository_with_a_remote_asks_who_may_sign(project: tuple[Place, Folder], key: Path, tmp_path: Path) -> None:
    place, alice = project
    alice.ok("release", "--promote")
    name_signers(alice, REQUIRED, key)
    (tmp_path / "deploy").mkdir()
    deploy = Folder(tmp_path / "deploy")
    deploy.git("init", "-q")
    deploy.git("remote", "add", "origin", place.bare.path.as_uri())
    assert "is not signed" in refused(deploy, "resolve", "router", "--environment", "staging", "--fetch")


def test_without_a_remote_the_local_default_branch_names_who_may_sign(project: tuple[Place, Folder], key: Path) -> None:
    _, alice = project
    alice.git("remote", "remove", "origin")
    name_signers(alice, REQUIRED, key, push=False)
    sign_with_ssh(alice.path, key)
    alice.ok("release")
    alice.ok("promote", "router", "--to", "staging")
    assert ("held", []) == signatures(alice)
