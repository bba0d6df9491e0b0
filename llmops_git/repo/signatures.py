"""Checks signatures with `git verify-tag` and `git verify-commit`, and believes their exit codes only.

The keys come from the caller, never from this machine: OpenPGP signatures are checked in an empty keyring into which only the
caller's keys were imported, so a key that somebody once imported here proves nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.git import Git
from llmops_git.repo.refs import last_lines
from llmops_git.repo.sign import SSH_NAMESPACE, Kind

if TYPE_CHECKING:
    from llmops_git.repo.git import Result

_MOST = 200  # ids in one command line
_SSH = b"-----BEGIN SSH SIGNATURE-----"


class Verifier:
    """A context in which signatures are checked against these keys. `allowed_signers` is a file of ssh-keygen (ALLOWED
    SIGNERS), `gpg_keys` armored OpenPGP public keys; either may be empty. Raises NotMeasured when a program is missing."""

    def __init__(self, git: Git, *, allowed_signers: bytes, gpg_keys: bytes) -> None:
        self._git = git
        self._allowed_signers = allowed_signers
        self._gpg_keys = gpg_keys
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="llmops-git-")
        try:
            self.signers.write_bytes(self._allowed_signers)
            self.keyring.mkdir(mode=0o700)
            self._require("ssh-keygen", self._allowed_signers)
            self._require("gpg", self._gpg_keys)
            if self._gpg_keys:
                self._import()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def folder(self) -> Path:
        assert self._folder is not None  # noqa: S101  # only used inside the context
        return Path(self._folder.name)

    @property
    def signers(self) -> Path:
        return self.folder / "allowed_signers"

    @property
    def keyring(self) -> Path:
        return self.folder / "gnupg"

    def good(self, kind: Kind, oids: Sequence[str]) -> frozenset[str]:
        """Those of the tag objects (or commits) that carry a good signature by one of the keys."""
        found: set[str] = set()
        for start in range(0, len(oids), _MOST):
            found |= self._good(kind, oids[start : start + _MOST])
        return frozenset(found)

    def _good(self, kind: Kind, oids: Sequence[str]) -> set[str]:
        """All at once where all are good; else halves, so that one bad signature costs a few processes and not all."""
        if not oids:
            return set()
        if self._verify(kind, oids).code == 0:
            return set(oids)
        if len(oids) == 1:
            return set()
        middle = len(oids) // 2
        return self._good(kind, oids[:middle]) | self._good(kind, oids[middle:])

    def _verify(self, kind: Kind, oids: Sequence[str]) -> Result:
        # an X.509 signature would be checked against this machine's certificates: it never counts
        options = [f"gpg.ssh.allowedSignersFile={self.signers}", "gpg.minTrustLevel=undefined", "gpg.x509.program=false"]
        settings = [part for option in options for part in ("-c", option)]
        return Git(self._git.location, self._environment()).try_run(*settings, f"verify-{kind}", *oids)

    def good_bytes(self, payload: bytes, signature: bytes) -> bool:
        """Whether `signature` (armored, detached) is a good one of `payload` by one of the keys: for all but git's objects."""
        file = self.folder / "signature"
        file.write_bytes(signature)
        if not signature.startswith(_SSH):
            return self._run("gpg", "--batch", "--no-autostart", "--verify", str(file), "-", payload=payload).returncode == 0
        place = ("-f", str(self.signers), "-s", str(file))
        names = self._run("ssh-keygen", "-Y", "find-principals", *place)
        principals = names.stdout.decode(errors="replace").splitlines() if names.returncode == 0 else []
        return any(
            self._run("ssh-keygen", "-Y", "verify", "-n", SSH_NAMESPACE, "-I", name, *place, payload=payload).returncode == 0
            for name in principals
        )

    def _require(self, program: str, keys: bytes) -> None:
        """To git a missing program is a bad signature; to us it is none that was checked."""
        if keys and shutil.which(program, path=self._git.environment.get("PATH")) is None:
            raise NotMeasured(f"`{program}` is not installed: signatures cannot be checked")

    def _import(self) -> None:
        file = self.folder / "keys.asc"
        file.write_bytes(self._gpg_keys)
        done = self._run("gpg", "--batch", "--quiet", "--no-autostart", "--import", str(file))
        if done.returncode:
            raise LlmopsError(f"the file of `gpg_keys` cannot be imported: {last_lines(done.stderr.decode(errors='replace'))}")

    def _environment(self) -> dict[str, str]:
        return {**self._git.environment, "GNUPGHOME": str(self.keyring)}

    def _run(self, *command: str, payload: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        self._require(command[0], b"any")
        return subprocess.run(  # noqa: S603
            command, input=payload, capture_output=True, env=self._environment(), cwd=self.folder, check=False
        )
