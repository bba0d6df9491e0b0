"""Makes repositories for tests: any number of commits through one `git fast-import`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Files = Mapping[str, "str | bytes | tuple[str, str] | None"]  # path -> content, (mode, content), or None to delete


def run_git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a folder; its output, stripped."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], input=stdin, capture_output=True, check=False)
    assert 0 == done.returncode, done.stderr.decode()
    return done.stdout.decode().strip()


class History:
    """A repository whose commits are made without touching its work tree."""

    def __init__(self, folder: Path, *, bare: bool = False, object_format: str = "sha1") -> None:
        self.folder = folder
        options = ["--bare"] if bare else []
        subprocess.run(
            ["git", "init", "-q", "-b", "main", f"--object-format={object_format}", *options, str(folder)],
            check=True,
            stderr=subprocess.PIPE,
        )

    def commit(self, files: Files, *, branch: str = "main", onto: str | None = None) -> str:
        """One commit that changes these files; its id."""
        return self.commits([files], branch=branch, onto=onto)[0]

    def commits(self, changes: Sequence[Files], *, branch: str = "main", onto: str | None = None) -> list[str]:
        """Commits one after the other on a branch (which starts at `onto` where it is new); their ids."""
        ref = f"refs/heads/{branch}"
        tip = onto or self.tip(ref)
        lines: list[bytes] = []
        for number, files in enumerate(changes, 1):
            lines.append(
                f"commit {ref}\nmark :{number}\ncommitter Test <test@example.com> {1767323045 + number} +0000\n".encode()
            )
            lines.append(b"data 1\nx\n")
            if number == 1 and tip:
                lines.append(f"from {tip}\n".encode())
            lines += [_change(path, content) for path, content in files.items()]
        marks = self.git_dir / "marks.tmp"
        subprocess.run(
            ["git", "-C", str(self.folder), "fast-import", "--quiet", "--force", f"--export-marks={marks}"],
            input=b"".join(lines),
            check=True,
        )
        found = dict(line.split() for line in marks.read_text().splitlines())
        marks.unlink()
        return [found[f":{number}"] for number in range(1, len(changes) + 1)]

    @property
    def git_dir(self) -> Path:
        return self.folder / ".git" if (self.folder / ".git").is_dir() else self.folder

    def tip(self, ref: str) -> str:
        """The commit of a ref; "" when there is none."""
        done = subprocess.run(
            ["git", "-C", str(self.folder), "rev-parse", "--verify", "--quiet", ref],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def check_out(self) -> None:
        """Bring the work tree and the index to the tip of main."""
        self.git("reset", "-q", "--hard", "main")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        return run_git(self.folder, *arguments, stdin=stdin)

    def write(self, path: str, content: str | bytes) -> None:
        """A file of the work tree."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def _change(path: str, content: str | bytes | tuple[str, str] | None) -> bytes:
    quoted = (
        b'"' + path.encode(errors="surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
    )
    if content is None:
        return b"D " + quoted + b"\n"
    mode = "100644"
    if isinstance(content, tuple):
        mode, content = content
    if mode == "160000":
        return f"M 160000 {content!s} ".encode() + quoted + b"\n"
    data = content.encode() if isinstance(content, str) else content
    return f"M {mode} inline ".encode() + quoted + b"\n" + f"data {len(data)}\n".encode() + data + b"\n"
