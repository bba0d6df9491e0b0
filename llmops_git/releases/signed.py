"""Which releases and deployments are signed by those who may sign.

A signed release names the one before by object id, and a signed commit names its parents: so what was there before the first
signature is vouched for by it. What comes after the first signature must carry its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from llmops_git.errors import GateRefused, LlmopsError
from llmops_git.releases.messages import parse_message
from llmops_git.releases.trust import Trust
from llmops_git.releases.values import Registry, Release
from llmops_git.repo.objects import GitObject, ObjectReader
from llmops_git.repo.sign import Kind, Signing, signing_asked
from llmops_git.repo.signatures import Verifier

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.write import Writer

Standing = Literal["good", "vouched", "unsigned", "bad", "replayed"]
_SIGNATURE_HEADERS = ("gpgsig", "gpgsig-sha256")


@dataclass(frozen=True, slots=True)
class SignedCommit:
    """One commit of a branch. `place` is the environment that its message says it was made for, "" where it says none.

    `by` are the commits whose good signature is one of this commit: itself, and where it merely merges a deployment that was
    made on top of the branch and changes nothing about it, that deployment. Empty where there is no signature at all.
    """

    oid: str
    place: str
    by: tuple[str, ...] = ()


def release_standings(verifier: Verifier, releases: Sequence[Release]) -> dict[str, Standing]:
    """How each release of one config stands, by tag name; `releases` are all of them, in ascending order.

    A tag object under another name than its own is `replayed`: its signature is as good as ever.
    """
    own = [release for release in releases if release.signed and release.header == release.name]
    good = verifier.good("tag", [release.tag_object for release in own])
    found: dict[str, Standing] = {}
    for release in releases:
        if release.header != release.name:
            found[release.name] = "replayed"
        elif not release.signed:
            found[release.name] = "unsigned"
        else:
            found[release.name] = "good" if release.tag_object in good else "bad"
    return {**found, **_vouched(releases, found)}


def _vouched(releases: Sequence[Release], standings: Mapping[str, Standing]) -> dict[str, Standing]:
    """The unsigned releases that the first signed one names, directly or through those between."""
    first = next((place for place, release in enumerate(releases) if standings[release.name] == "good"), None)
    found: dict[str, Standing] = {}
    if first is None:
        return found
    for after, before in zip(releases[first:0:-1], releases[first - 1 :: -1], strict=False):
        note = after.note
        if note is None or note.previous != before.ref or standings[before.name] != "unsigned":
            break
        found[before.name] = "vouched"
    return found


def commit_standings(verifier: Verifier, commits: Sequence[SignedCommit], environment: str) -> dict[str, Standing]:
    """How each commit of a branch stands, by id; `commits` are those along the first parents, oldest first."""
    good = verifier.good("commit", [oid for commit in commits for oid in commit.by])
    found: dict[str, Standing] = {}
    vouching = any(good.intersection(commit.by) for commit in commits)
    for commit in commits:
        is_good = bool(good.intersection(commit.by))
        vouching = vouching and not is_good
        if commit.by and commit.place not in ("", environment):
            found[commit.oid] = "replayed"
        elif is_good:
            found[commit.oid] = "good"
        elif commit.by:
            found[commit.oid] = "bad"
        else:
            found[commit.oid] = "vouched" if vouching else "unsigned"
    return found


def branch_commits(git: Git, tip: str) -> list[SignedCommit]:
    """The commits of a branch along its first parents, oldest first, in two git processes."""
    oids = git.run("rev-list", "--first-parent", "--reverse", tip).decode().split() if tip else []
    with ObjectReader(git) as reader:
        commits = [_Raw.read(commit) for commit in reader.read(oids) if commit]
        merged = iter([_Raw.read(found) if found else None for found in reader.read([c.merged for c in commits if c.merged])])
    return [_with_merged(commit, next(merged) if commit.merged else None) for commit in commits]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """A raw commit object, as far as signatures go (gitformat-signature, gitformat-commit)."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    signed: bool
    place: str

    @property
    def merged(self) -> str:
        """The second parent of a merge of two, else ""."""
        return self.parents[1] if len(self.parents) == 2 else ""  # noqa: PLR2004

    @classmethod
    def read(cls, commit: GitObject) -> _Raw:
        head, _, body = commit.data.decode(errors="replace").partition("\n\n")
        lines = [line.partition(" ") for line in head.split("\n")]
        return cls(
            oid=commit.oid,
            tree=lines[0][2],
            parents=tuple(value for key, _, value in lines if key == "parent"),
            signed=any(key in _SIGNATURE_HEADERS for key, _, _ in lines),
            place=parse_message(body, tag=False).trailers.get("Environment", ""),
        )


def _with_merged(commit: _Raw, merged: _Raw | None) -> SignedCommit:
    own = (commit.oid,) if commit.signed else ()
    # the deployment's own signature covers its tree and the tip below it: the merge adds nothing that could be anybody's
    adds_nothing = merged is not None and merged.tree == commit.tree and commit.parents[0] in merged.parents
    if merged is None or not adds_nothing or not merged.signed:
        return SignedCommit(commit.oid, commit.place, own)
    return SignedCommit(commit.oid, merged.place, (*own, merged.oid))


def why_not(release: Release, standing: Standing, trust: Trust) -> str:
    """What is wrong with a release that does not stand; "" when it does."""
    if standing == "replayed":
        return f"{release.name} holds the tag object of {release.header}: it was replayed under another name"
    if standing == "bad":
        return f"{release.name} is not signed by a key in {trust.place}"
    return f"{release.name} is not signed" if standing == "unsigned" else ""


def require_signed(git: Git, trust: Trust, registry: Registry, release: Release) -> None:
    """Raises GateRefused when signatures are required and this release has none that counts.

    A signature that is there and does not count is refused also where none is required.
    """
    if not trust.named:
        return
    # a release that is not signed itself may be vouched for by any that came later; otherwise only its own signature matters
    about = (release,) if release.signed else registry.releases.get(release.tag.config, (release,))
    with trust.verifier(git) as verifier:
        standing = release_standings(verifier, about)[release.name]
    if standing in ("good", "vouched") or (standing == "unsigned" and not trust.required):
        return
    raise GateRefused(why_not(release, standing, trust), hint=f"llmops-git verify {release.name}")


def signing_for(git: Git, trust: Trust, sign: bool | None) -> Signing:
    """What to sign under a policy: what was asked for or configured, and everything where signatures are required.

    Where they are, each signature is checked before it is published: a release by the wrong key could never be taken back.
    Raises LlmopsError for `--no-sign` against a policy that requires them.
    """
    if not trust.required:
        return signing_asked(git, sign)
    if sign is False:
        raise LlmopsError(f"llmops.yaml of `{trust.branch}` requires signatures", hint="leave out --no-sign")

    def accept(kind: Kind, oid: str) -> None:
        with trust.verifier(git) as verifier:
            if not verifier.good(kind, [oid]):
                raise _wrong_key(trust)

    return replace(signing_asked(git, sign=True), accept=accept)


def check_key(git: Git, trust: Trust, writer: Writer) -> None:
    """Whether the key that signs here can sign, and is one of those that count where signatures are required.

    Raises LlmopsError.
    """
    payload = b"a trial of the key, which signs nothing\n"
    signature = writer.signature(payload)
    if trust.required:
        with trust.verifier(git) as verifier:
            if not verifier.good_bytes(payload, signature):
                raise _wrong_key(trust)


def _wrong_key(trust: Trust) -> LlmopsError:
    hint = f"sign with a key that is there (git config user.signingKey), or add yours to {trust.place}"
    return LlmopsError(f"nothing was published: the key that signs here is not in {trust.place}", hint=hint)
