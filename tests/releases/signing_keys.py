"""Keys for the tests of signatures: made here, used by git, and nobody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def ssh_key(folder: Path, name: str = "key") -> Path:
    """A new SSH key without a passphrase; its private file. The public one is beside it, with `.pub`."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)], check=True)
    return folder / name


def allowed(*keys: Path, options: str = 'namespaces="git"') -> str:
    """An allowed-signers file with these keys."""
    return "".join(f"{key.name}@example.com {options} {key.with_name(key.name + '.pub').read_text()}" for key in keys)


def sign_with_ssh(folder: Path, key: Path | str) -> None:
    """Let git sign with this key in this clone."""
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", str(key))):
        subprocess.run(["git", "config", name, value], cwd=folder, check=True)


def gpg_key(home: Path, name: str = "Signer <signer@example.com>") -> str:
    """A new OpenPGP key in a keyring of its own; its armored public part. GNUPGHOME must be `home` for git to sign with it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {**os.environ, "GNUPGHOME": str(home)}
    making = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", name]
    subprocess.run([*making, "ed25519", "sign", "never"], env=environment, check=True, capture_output=True)
    done = subprocess.run(["gpg", "--armor", "--export"], env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def stop_agent(home: Path) -> None:
    """End the agent that gpg started for this keyring, and no other."""
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)
