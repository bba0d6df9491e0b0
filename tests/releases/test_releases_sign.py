"""Signatures as git makes and checks them: SSH and OpenPGP, tags and commits, and text that only looks like one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.releases.messages import format_message, parse_message, parse_trailers, signature_start
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.refs import read_refs
from llmops_git.repo.sign import Signing, signing_asked
from llmops_git.repo.signatures import Verifier
from llmops_git.repo.write import Writer
from tests.releases.release_helpers import run_git
from tests.releases.signing_keys import allowed, gpg_key, sign_with_ssh, ssh_key, stop_agent

BOTH = Signing(tags=True, commits=True)
MESSAGE = "release router v1.0.0\n\n# not a comment\n\nConfig-Digest: sha256:1\nPrevious: none\n"
NAME = "llmops/router/v1.0.0"


@pytest.fixture
def git(clone: Callable[..., Git]) -> Git:
    return clone("alice")


@pytest.fixture
def key(git: Git, tmp_path: Path) -> Path:
    """An SSH key that signs in the clone."""
    key = ssh_key(tmp_path / "keys")
    sign_with_ssh(git.folder, key)
    return key


@pytest.fixture
def keyring(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A keyring with one OpenPGP key, and its public part."""
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    armored = gpg_key(home)
    monkeypatch.setenv("GNUPGHOME", str(home))
    yield home, armored
    stop_agent(home)


def tagged(git: Git, message: str = MESSAGE, name: str = NAME) -> str:
    """A signed tag of this name; its id."""
    oid = Writer(git, BOTH).tag(name, git.resolve("HEAD"), message)
    run_git(git.folder, "update-ref", f"refs/tags/{name}", oid)
    return oid


def good(git: Git, oid: str, *, signers: str = "", gpg_keys: str = "", kind: str = "tag") -> bool:
    with Verifier(git, allowed_signers=signers.encode(), gpg_keys=gpg_keys.encode()) as verifier:
        return verifier.good(kind, [oid]) == {oid}  # type: ignore[arg-type]


def test_git_itself_takes_the_signature_of_a_tag_and_of_a_commit(git: Git, key: Path, tmp_path: Path) -> None:
    (tmp_path / "signers").write_text(allowed(key))
    tag = tagged(git)
    commit = Writer(git, BOTH).commit(run_git(git.folder, "rev-parse", "HEAD^{tree}"), None, "x\n")
    for kind, oid in (("tag", tag), ("commit", commit)):
        run_git(git.folder, "-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'signers'}", f"verify-{kind}", oid)
        assert good(git, oid, signers=allowed(key), kind=kind)


def test_a_signed_message_is_read_as_it_was_written(git: Git, key: Path) -> None:
    tagged(git)
    (ref,) = read_refs(git, "refs/tags/llmops/")
    assert parse_message(MESSAGE) == parse_message(ref.contents)
    assert {"Config-Digest": "sha256:1", "Previous": "none"} == parse_trailers(ref.contents)
    assert ref.contents[: signature_start(ref.contents)] == MESSAGE


@pytest.mark.parametrize(
    "imitation", ["-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----", "-----BEGIN PGP MESSAGE-----"]
)
@pytest.mark.parametrize("signed", [True, False])
def test_text_that_imitates_a_signature_cuts_nothing_off(git: Git, key: Path, imitation: str, signed: bool) -> None:
    message = format_message("subject", f"before\n\n{imitation}\n\nafter", [("Config-Digest", "sha256:1")])
    oid = Writer(git, BOTH if signed else Signing()).tag(NAME, git.resolve("HEAD"), message)
    run_git(git.folder, "update-ref", f"refs/tags/{NAME}", oid)
    (ref,) = read_refs(git, "refs/tags/llmops/")
    found = parse_message(ref.contents)
    assert {"Config-Digest": "sha256:1"} == found.trailers
    assert found.summary.startswith("before\n")
    assert found.summary.endswith("\nafter")
    assert signed is good(git, oid, signers=allowed(key))


def test_what_is_written_behind_a_good_signature_is_never_read(git: Git, key: Path) -> None:
    """git and ssh-keygen ignore text after the signature, so it could be anybody's."""
    content = git.run("cat-file", "tag", tagged(git)).decode() + "\n\nConfig-Digest: sha256:evil\nPrevious: evil\n"
    oid = run_git(git.folder, "mktag", stdin=content)
    assert good(git, oid, signers=allowed(key))
    assert "sha256:1" == parse_trailers(content.partition("\n\n")[2])["Config-Digest"]


def test_a_commit_message_may_hold_what_looks_like_a_signature() -> None:
    text = "promote\n\n-----BEGIN SSH SIGNATURE-----\n\nAction: promote\n"
    assert {"Action": "promote"} == parse_message(text, tag=False).trailers
    assert {} == parse_message(text).trailers


def test_a_public_key_in_the_settings_is_looked_for_in_the_agent(git: Git, tmp_path: Path) -> None:
    key = ssh_key(tmp_path / "keys")
    socket = tmp_path / "a"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        git.environment["SSH_AUTH_SOCK"] = str(socket)
        while not socket.exists():
            assert agent.poll() is None
        subprocess.run(["ssh-add", "-q", str(key)], env=git.environment, check=True)
        sign_with_ssh(git.folder, key.with_name("key.pub").read_text().strip())
        assert good(git, tagged(git), signers=allowed(key))
        run_git(git.folder, "config", "--unset", "user.signingKey")
        run_git(git.folder, "config", "gpg.ssh.defaultKeyCommand", "ssh-add -L")
        assert good(git, tagged(git), signers=allowed(key))
    finally:
        agent.terminate()
        agent.wait()


def test_a_key_in_the_home_folder_is_found(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git.environment["HOME"] = str(tmp_path)
    key = ssh_key(tmp_path / "keys")
    sign_with_ssh(git.folder, "~/keys/key")
    assert good(git, tagged(git), signers=allowed(key))


def test_an_openpgp_key_signs_and_only_keys_that_are_given_count(
    clone: Callable[..., Git], keyring: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    git = clone("alice")
    run_git(git.folder, "config", "user.signingKey", "signer@example.com")
    tag = tagged(git)
    commit = Writer(git, BOTH).commit(run_git(git.folder, "rev-parse", "HEAD^{tree}"), None, "x\n")
    run_git(git.folder, "verify-tag", tag)  # to this machine's keyring it is good …
    assert not good(git, tag)  # … which proves nothing
    assert good(git, tag, gpg_keys=keyring[1])
    assert good(git, commit, gpg_keys=keyring[1], kind="commit")
    other = tmp_path_factory.mktemp("o")
    try:
        assert not good(git, tag, gpg_keys=gpg_key(other, "Other <other@example.com>"))
    finally:
        stop_agent(other)


def test_without_a_key_setting_the_committers_openpgp_key_signs(
    clone: Callable[..., Git], keyring: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Signer")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "signer@example.com")
    git = clone("alice")
    assert good(git, tagged(git), gpg_keys=keyring[1])


def test_signatures_that_do_not_count(git: Git, key: Path, tmp_path: Path) -> None:
    stranger = ssh_key(tmp_path / "keys", "stranger")
    oid = tagged(git)
    content = git.run("cat-file", "tag", oid).decode()
    tampered = run_git(git.folder, "mktag", stdin=content.replace("sha256:1", "sha256:2"))
    unsigned = Writer(git).tag(NAME, git.resolve("HEAD"), MESSAGE)
    cases = {
        "the right key": (oid, allowed(key), True),
        "another key": (oid, allowed(stranger), False),
        "no key": (oid, "", False),
        "a key for something else": (oid, allowed(key, options='namespaces="file"'), False),
        "a key that had run out": (oid, allowed(key, options='valid-before="20250101",namespaces="git"'), False),
        "a key that runs out later": (oid, allowed(key, options='valid-before="20270101",namespaces="git"'), True),
        "changed content": (tampered, allowed(key), False),
        "no signature": (unsigned, allowed(key), False),
    }
    assert {name: good(git, case, signers=signers) for name, (case, signers, _) in cases.items()} == {
        name: expected for name, (_, _, expected) in cases.items()
    }


def test_one_bad_signature_among_many_is_found(git: Git, key: Path) -> None:
    oids = [tagged(git, name=f"llmops/router/v1.0.{number}") for number in range(9)]
    bad = Writer(git).tag("llmops/router/v1.0.9", git.resolve("HEAD"), MESSAGE)
    with Verifier(git, allowed_signers=allowed(key).encode(), gpg_keys=b"") as verifier:
        assert set(oids) == verifier.good("tag", [*oids[:4], bad, *oids[4:]])


def test_what_is_not_a_git_object_is_signed_and_checked_too(git: Git, key: Path, keyring: tuple[Path, str]) -> None:
    signature = Writer(git, BOTH).signature(b"payload")
    run_git(git.folder, "config", "gpg.format", "openpgp")
    run_git(git.folder, "config", "user.signingKey", "signer@example.com")
    git = open_git(git.folder)
    pgp = Writer(git, BOTH).signature(b"payload")
    with Verifier(git, allowed_signers=allowed(key).encode(), gpg_keys=keyring[1].encode()) as verifier:
        found = [verifier.good_bytes(payload, sig) for payload in (b"payload", b"other") for sig in (signature, pgp)]
    assert [True, True, False, False] == found


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (False, False)),
        ({"tag.gpgSign": "true"}, (True, False)),
        ({"tag.forceSignAnnotated": "yes"}, (True, False)),
        ({"commit.gpgSign": "on"}, (False, True)),
        ({"tag.gpgSign": "false", "commit.gpgSign": "1"}, (False, True)),
    ],
)
def test_git_settings_say_what_is_signed_and_options_win(
    git: Git, settings: dict[str, str], expected: tuple[bool, bool]
) -> None:
    for name, value in settings.items():
        run_git(git.folder, "config", name, value)
    found = signing_asked(git, None)
    assert expected == (found.tags, found.commits)
    assert BOTH == signing_asked(git, sign=True)
    assert Signing() == signing_asked(git, sign=False)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gpg.format": "ssh"}, "does not know which SSH key signs"),
        ({"gpg.format": "ssh", "user.signingKey": "/nowhere/key"}, "could not be signed"),
        ({"gpg.format": "ssh", "gpg.ssh.defaultKeyCommand": "true"}, "printed no key"),
        (
            {"gpg.format": "ssh", "user.signingKey": "/k", "gpg.ssh.program": "/nowhere/program"},
            "`/nowhere/program`, which signs",
        ),
        ({"gpg.format": "runes"}, "gpg.format is `runes`"),
        ({"gpg.program": "false"}, "could not be signed"),
        ({"gpg.openpgp.program": "true"}, "could not be signed"),  # ends well, and signs nothing
    ],
)
def test_a_key_that_cannot_sign_is_said_and_makes_nothing(git: Git, settings: dict[str, str], said: str) -> None:
    for name, value in settings.items():
        run_git(git.folder, "config", name, value)
    with pytest.raises(LlmopsError, match=re.escape(said)):
        Writer(git, BOTH).tag(NAME, git.resolve("HEAD"), MESSAGE)
    with pytest.raises(LlmopsError):
        Writer(git, BOTH).commit(run_git(git.folder, "rev-parse", "HEAD^{tree}"), None, "x\n")


def test_a_missing_program_is_not_a_bad_signature(git: Git, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    git.environment["PATH"] = str(tmp_path / "empty")
    with pytest.raises(NotMeasured, match="`ssh-keygen` is not installed"), Verifier(git, allowed_signers=b"x", gpg_keys=b""):
        pass


def test_keys_that_are_none_are_said(git: Git) -> None:
    with pytest.raises(LlmopsError, match="cannot be imported"), Verifier(git, allowed_signers=b"", gpg_keys=b"nonsense"):
        pass


def test_a_sha256_repository_signs_as_well(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--object-format=sha256", "-b", "main", str(tmp_path / "r")], check=True)
    run_git(tmp_path / "r", "commit", "-q", "--allow-empty", "-m", "x")
    git = open_git(tmp_path / "r")
    key = ssh_key(tmp_path / "keys")
    sign_with_ssh(git.folder, key)
    assert good(git, tagged(git), signers=allowed(key))
