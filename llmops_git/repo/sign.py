"""Signs what is released, with the key and the program that git itself would use.

Commits are signed by `git commit-tree -S`. Tags are made by `git mktag`, which cannot sign, so their signature is made here
as git makes it (gpg.format, gpg.<format>.program, user.signingKey, gpg.ssh.defaultKeyCommand; git-config) and appended.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llmops_git.errors import LlmopsError
from llmops_git.repo.refs import last_lines

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

Kind = Literal["tag", "commit"]
_PROGRAMS = {"openpgp": "gpg", "x509": "gpgsm", "ssh": "ssh-keygen"}
SSH_NAMESPACE = "git"
HOW_TO = "git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What is signed. `accept(kind, object id)` is asked about each signed object before anything is published."""

    tags: bool = False
    commits: bool = False
    accept: Callable[[Kind, str], None] | None = None


UNSIGNED = Signing()


def signing_asked(git: Git, sign: bool | None) -> Signing:
    """What to sign: `--sign` everything, `--no-sign` nothing, None what git is configured to sign by itself."""
    if sign is not None:
        return Signing(tags=sign, commits=sign)
    tags = _flag(git, "tag.gpgSign") or _flag(git, "tag.forceSignAnnotated")
    return Signing(tags=tags, commits=_flag(git, "commit.gpgSign"))


def sign(git: Git, payload: bytes, *, committer: str) -> bytes:
    """The armored signature of `payload` by the configured key. `committer` (`Name <email>`) chooses an OpenPGP key where
    none is configured. Raises LlmopsError when there is no key or it cannot sign."""
    form = _setting(git, "gpg.format") or "openpgp"
    if form not in _PROGRAMS:
        raise LlmopsError(f"git's setting gpg.format is `{form}`", hint=f"one of: {', '.join(_PROGRAMS)}")
    program = _program(git, form)
    key = _setting(git, "user.signingKey")
    if form == "ssh":
        return _without_cr(_sign_ssh(git, program, key or _default_key(git), payload))
    return _without_cr(_sign_gpg(git, program, key or committer, payload))


def _without_cr(signature: bytes) -> bytes:
    return signature.replace(b"\r", b"")


def _program(git: Git, form: str) -> str:
    program = _setting(git, f"gpg.{form}.program", "--type=path")
    if not program and form == "openpgp":
        program = _setting(git, "gpg.program", "--type=path")
    return program or _PROGRAMS[form]


def _sign_gpg(git: Git, program: str, key: str, payload: bytes) -> bytes:
    done = _run(git, [program, "--status-fd=2", "-bsau", key], payload)
    if done.returncode or not any(
        line.startswith("[GNUPG:] SIG_CREATED ") for line in done.stderr.decode("utf-8", "replace").splitlines()
    ):
        raise _cannot_sign(done)
    return done.stdout


def _sign_ssh(git: Git, program: str, key: str, payload: bytes) -> bytes:
    """As git: a literal public key is looked for in the agent, anything else is a file."""
    with tempfile.TemporaryDirectory(prefix="llmops-git-") as name:
        folder = Path(name)
        (folder / "payload").write_bytes(payload)
        literal = key.removeprefix("key::") if key.startswith(("key::", "ssh-")) else ""
        if literal:
            (folder / "key").write_text(literal + "\n")
            key_file = [str(folder / "key"), "-U"]
        else:
            key_file = [_setting(git, "user.signingKey", "--type=path") or key]
        done = _run(git, [program, "-Y", "sign", "-n", SSH_NAMESPACE, "-f", *key_file, str(folder / "payload")])
        signature = folder / "payload.sig"
        if done.returncode or not signature.is_file():
            raise _cannot_sign(done)
        return signature.read_bytes()


def _default_key(git: Git) -> str:
    """The key that gpg.ssh.defaultKeyCommand prints first. Raises LlmopsError when there is no such command or key."""
    command = _setting(git, "gpg.ssh.defaultKeyCommand")
    if not command:
        raise LlmopsError("git does not know which SSH key signs", hint=HOW_TO)
    done = _run(git, shlex.split(command))
    first = done.stdout.decode(errors="replace").split("\n", 1)[0].strip()
    if done.returncode or not first.startswith(("key::", "ssh-")):
        raise LlmopsError(f"gpg.ssh.defaultKeyCommand (`{command}`) printed no key", hint=HOW_TO)
    return first


def _run(git: Git, command: Sequence[str], payload: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603  # the program is the user's own setting of git
            command, input=payload, capture_output=True, env=git.environment, cwd=git.folder, check=False
        )
    except OSError as error:
        raise LlmopsError(
            f"`{command[0]}`, which signs for git, cannot be run: {error.strerror or error}", hint=HOW_TO
        ) from None


def _cannot_sign(done: subprocess.CompletedProcess[bytes]) -> LlmopsError:
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if not line.startswith("[GNUPG:]")]
    return cannot_sign("\n".join(said))


def cannot_sign(said: str) -> LlmopsError:
    """The error for a signature that could not be made."""
    return LlmopsError(f"nothing was published: it could not be signed: {last_lines(said)}", hint=HOW_TO)


def _flag(git: Git, name: str) -> bool:
    return git.try_run("config", "--type=bool", "--get", name).out.strip() == b"true"


def _setting(git: Git, name: str, *options: str) -> str:
    return git.try_run("config", *options, "--get", name).out.decode(errors="replace").strip()
