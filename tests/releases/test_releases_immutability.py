"""Every attack on what must not change, against a real repository: which levels of `verify` notice it, and which cannot.

The attacker can push anything by force and delete anything, but has no signing key. `fresh` is a clone made after the attack,
`old` one from before it that only looks, `fetched` that clone after the user's own `git fetch --force` took the forgery over.
The table in docs/commands/verify.md says the same.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.commands.project import open_project
from llmops_git.configs.values import Config
from llmops_git.releases.bundle import bundle_document, format_bundle
from llmops_git.releases.evidence import evidence_path, format_evidence, parse_evidence
from llmops_git.releases.registry import read_registry
from llmops_git.releases.statement import format_statement, statement_of, statement_path
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.write import Writer
from tests.commands.release_project import Folder, release_project
from tests.releases.signing_keys import allowed, sign_with_ssh, ssh_key

NEWEST = "llmops/router/v1.0.2"
MIDDLE = "llmops/router/v1.0.1"
STAGING = "refs/heads/llmops/env/staging"


class Victim:
    """A remote whose three releases are signed and ran in staging one after the other, a clone that knows all this (`old`),
    and the attacker's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = Folder(folder / "remote.git")
        self.old = Folder(folder / "alice")
        self.attacker = self.clone("mallory")
        self.attacker.git("config", "user.name", "Mallory")

    def clone(self, name: str) -> Folder:
        subprocess.run(["git", "clone", "-q", self.bare.path.as_uri(), str(self.folder / name)], check=True)
        return Folder(self.folder / name)

    @property
    def git(self) -> Git:
        return open_git(self.attacker.path)

    def force(self, oid: str, ref: str) -> None:
        self.attacker.git("push", "-q", "--force", "origin", f"{oid}:{ref}")

    def evil_commit(self) -> str:
        """A commit with another prompt, on a branch that nobody looks at."""
        file = self.attacker.path / "prompts" / "router.yaml"
        file.write_text(re.sub(r"skill \d+", "skill 13", file.read_text()))
        self.attacker.git("commit", "-qam", "evil")
        commit = self.attacker.git("rev-parse", "HEAD")
        self.force(commit, "refs/heads/evil")
        return commit

    def forged(self, name: str) -> str:
        """A tag object for `name` on an evil commit that says what a release says: true digests, fitting evidence, which it
        puts on the evidence branch as anybody may."""
        commit = self.evil_commit()
        config = load(self.attacker, commit)
        release = read_registry(self.git, remote="origin").find(name)
        assert release is not None
        note = release.note
        assert note is not None
        assert note.evidence is not None
        assert note.statement is not None
        writer = Writer(self.git)
        tip = self.attacker.git("rev-parse", "origin/llmops/evidence")
        record = parse_evidence(self.attacker.git("show", f"{tip}:{note.evidence.name}").encode())
        assert record is not None
        old = {"Config-Digest": note.config_digest, "Closure-Digest": note.closure_digest, "Evidence": str(note.evidence)}
        changed = json.loads(format_evidence(record)) | {"config_digest": config.digest}
        forged = parse_evidence(json.dumps(changed).encode())
        assert forged is not None
        data = format_evidence(forged)
        path = evidence_path(forged, data)
        statement = format_statement(statement_of(forged, path, data))
        blobs = {path: writer.blob(data), statement_path(path): writer.blob(statement)}
        grown = writer.commit(writer.tree(tip, blobs), tip, "evidence\n")
        self.attacker.git("push", "-q", "origin", f"{grown}:refs/heads/llmops/evidence")
        new = {"Config-Digest": config.digest, "Closure-Digest": config.closure_digest, "Evidence": f"{path} {blobs[path]}"}
        text = release.contents.partition("-----BEGIN SSH")[0]
        for key, value in old.items():
            text = text.replace(f"{key}: {value}", f"{key}: {new[key]}")
        there = f"{statement_path(path)} {blobs[statement_path(path)]}"
        return writer.tag(name, commit, text.replace(f"Statement: {note.statement}", f"Statement: {there}"))

    def deployment(self, tag_object: str, parent: str | None) -> str:
        """An unsigned deployment of a tag object under the newest release's name, as the tool would write it."""
        commit = self.attacker.git("rev-parse", f"{tag_object}^{{commit}}")
        config = load(self.attacker, commit)
        writer = Writer(self.git)
        self.attacker.git("update-ref", f"refs/tags/{NEWEST}", tag_object)
        release = read_registry(self.git, remote="origin").find(NEWEST)
        assert release is not None
        bundle = writer.blob(format_bundle(bundle_document(release, config)))
        record = (
            f"[running]\n\trelease = {NEWEST}\n\ttag-object = {tag_object}\n\tcommit = {commit}\n"
            f"\tdigest = {config.digest}\n\tbundle = {bundle}\n\taction = promote\n"
        )
        tree = writer.tree(parent, {"router.json": bundle, "router.conf": writer.blob(record.encode())})
        message = self.attacker.git("log", "-1", "--format=%B", "origin/llmops/env/staging")
        return writer.commit(tree, parent, message + "\n")


def load(folder: Folder, commit: str) -> Config:
    project = open_project(str(folder.path))
    return project.load(project.tree(commit), "router")


def naive(victim: Victim) -> None:
    """`git tag -f` on another commit."""
    commit = victim.evil_commit()
    victim.attacker.git("tag", "-f", "-a", "-m", "moved", MIDDLE, commit)
    victim.force(f"refs/tags/{MIDDLE}", f"refs/tags/{MIDDLE}")


def move_old(victim: Victim) -> None:
    victim.force(victim.forged(MIDDLE), f"refs/tags/{MIDDLE}")


def move_newest(victim: Victim) -> None:
    victim.force(victim.forged(NEWEST), f"refs/tags/{NEWEST}")


def move_newest_deployment(victim: Victim) -> None:
    """What runs is taken back to the release before by a rewritten branch, without a rollback that anybody could see."""
    victim.force("origin/llmops/env/staging~1", STAGING)


def forge_newest_deployment(victim: Victim) -> None:
    """The newest deployment is replaced by another one of the same release, with another message."""
    tip = victim.attacker.git("rev-parse", "origin/llmops/env/staging")
    forged = Writer(victim.git).commit(f"{tip}^{{tree}}", f"{tip}~1", "promote router v1.0.2 to staging\n\nActor: nobody\n")
    victim.force(forged, STAGING)


def delete_middle(victim: Victim) -> None:
    victim.attacker.git("push", "-q", "origin", f":refs/tags/{MIDDLE}")


def replay(victim: Victim) -> None:
    """The good signed object of the first release, under the next number."""
    victim.force("refs/tags/llmops/router/v1.0.0", "refs/tags/llmops/router/v1.0.3")


def rewrite_ledger(victim: Victim) -> None:
    """The newest release is moved, and the deployment that would give it away is written again to fit."""
    forged = victim.forged(NEWEST)
    before = victim.attacker.git("rev-parse", "origin/llmops/env/staging~1")
    deployment = victim.deployment(forged, before)
    victim.force(forged, f"refs/tags/{NEWEST}")
    victim.force(deployment, STAGING)


def new_release(victim: Victim) -> None:
    """A release that nobody made, chained and evidenced as it should be: nothing was moved, so no clone can know better."""
    forged = victim.git.run("cat-file", "tag", victim.forged(NEWEST)).decode()
    newest = victim.attacker.git("rev-parse", f"refs/tags/{NEWEST}")
    text = re.sub(r"Previous: .*", f"Previous: {NEWEST} {newest}", forged.replace(NEWEST, "llmops/router/v1.0.3", 1))
    done = subprocess.run(
        ["git", "mktag"], cwd=victim.attacker.path, input=text.encode(), capture_output=True, check=True
    ).stdout.decode()
    victim.force(done.strip(), "refs/tags/llmops/router/v1.0.3")


Attack = Callable[[Victim], None]
# attack; what fails in a fresh clone, in an old clone that looks, in an old clone that took the forgery over
MATRIX: list[tuple[Attack, str, str, str]] = [
    (naive, "tags chain digests deployments signatures", "remote", "tags chain digests deployments history signatures"),
    (move_old, "chain deployments signatures", "remote", "chain deployments history signatures"),
    (move_newest, "deployments signatures", "remote", "deployments history signatures"),
    (rewrite_ledger, "signatures", "remote", "history signatures"),
    (move_newest_deployment, "", "remote", "history"),
    (forge_newest_deployment, "signatures", "remote", "history signatures"),
    (delete_middle, "chain deployments", "remote", "remote"),
    (replay, "tags chain signatures", "", "tags chain signatures"),
    (new_release, "signatures", "", "signatures"),
]
_TEMPLATE: list[Path] = []


@pytest.fixture
def victim(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Victim:
    """A fresh copy of the same signed repository for each attack; it is released and deployed once, by the tool itself."""
    if not _TEMPLATE:
        folder = tmp_path_factory.mktemp("victim")
        key = ssh_key(folder / "keys")
        with release_project(folder, level=40) as (_, alice):
            sign_with_ssh(alice.path, key)
            (alice.path / "allowed_signers").write_text(allowed(key))
            policy = alice.path / "llmops.yaml"
            policy.write_text(policy.read_text() + "signing: {require: true, allowed_signers: allowed_signers}\n")
            alice.commit()
            for level in (60, 80, 100):
                alice.change(router=level)
                alice.ok("release", "--promote")
            assert alice.run("verify")[0] == 0
        _TEMPLATE.append(folder)
    copy = tmp_path / "copy"
    shutil.copytree(_TEMPLATE[0], copy)
    Folder(copy / "alice").git("remote", "set-url", "origin", (copy / "remote.git").as_uri())
    return Victim(copy)


def failing(folder: Folder) -> set[str]:
    """The levels that fail; whatever else is wrong, the exit code must say so."""
    code, out, _ = folder.run("verify", "--format", "json")
    failed = {level["level"] for level in json.loads(out)["levels"] if level["state"] == "failed"}
    assert (code == 1) == bool(failed)
    return failed


@pytest.mark.parametrize(("attack", "fresh", "old", "fetched"), MATRIX, ids=[row[0].__name__ for row in MATRIX])
def test_an_attack_is_noticed_at_these_levels_and_at_no_others(
    victim: Victim, attack: Attack, fresh: str, old: str, fetched: str
) -> None:
    attack(victim)
    assert set(fresh.split()) == failing(victim.clone("fresh"))
    assert set(old.split()) == failing(victim.old)
    victim.old.git("fetch", "-q", "--tags", "--force", "origin", "+refs/heads/llmops/*:refs/remotes/origin/llmops/*")
    assert set(fetched.split()) == failing(victim.old)


def test_to_git_itself_a_replayed_tag_has_a_good_signature(victim: Victim) -> None:
    replay(victim)
    fresh = victim.clone("fresh")
    command = ["git", "-c", f"gpg.ssh.allowedSignersFile={fresh.path / 'allowed_signers'}", "verify-tag"]
    done = subprocess.run([*command, "llmops/router/v1.0.3"], cwd=fresh.path, capture_output=True, check=False)
    assert 0 == done.returncode


@pytest.mark.parametrize("attack", [move_old, move_newest, rewrite_ledger], ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("command", ["resolve", "export"])
def test_a_moved_release_is_neither_resolved_nor_exported(victim: Victim, attack: Attack, command: str) -> None:
    attack(victim)
    moved = MIDDLE if attack is move_old else NEWEST
    fresh = victim.clone("fresh")
    victim.old.git("fetch", "-q", "--tags", "--force", "origin", "+refs/heads/llmops/*:refs/remotes/origin/llmops/*")
    for clone in (fresh, victim.old):
        code, out, err = clone.run(command, "router", "--version", moved.rpartition("/v")[2])
        assert (1, "") == (code, out)
        assert moved in err


def test_what_the_attacker_released_is_not_promoted(victim: Victim) -> None:
    new_release(victim)
    fresh = victim.clone("fresh")
    code, _, err = fresh.run("promote", "router", "1.0.3", "--to", "staging", "--no-sign")
    assert (2, True) == (code, "requires signatures" in err)
    sign_with_ssh(fresh.path, victim.folder / "keys" / "key")
    code, _, err = fresh.run("promote", "router", "1.0.3", "--to", "staging")
    assert (1, True) == (code, "llmops/router/v1.0.3 is not signed" in err)


def test_the_page_of_verify_has_the_same_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands" / "verify.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.partition("| attack |")[2].splitlines()[2:]]
    table = rows[: next(place for place, row in enumerate(rows) if not row)]
    assert len(MATRIX) == len(table)
    for (_, fresh, old, _), row in zip(MATRIX, table, strict=True):
        columns = (("tags", "digests"), ("chain",), ("deployments",), ("signatures",))
        expected = [bool(set(levels) & set(fresh.split())) for levels in columns] + ["remote" in old.split()]
        assert expected == [cell.startswith("**fails**") for cell in row[1:6]], row[0]
