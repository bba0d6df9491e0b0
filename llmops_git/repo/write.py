"""Makes objects with plumbing: blobs, trees, commits, tags. Nothing here moves a ref or touches the work tree."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.runner import Runner
from llmops_git.repo.sign import UNSIGNED, cannot_sign, sign

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from llmops_git.repo.git import Git
    from llmops_git.repo.sign import Kind, Signing

_UTF8 = ("-c", "i18n.commitEncoding=UTF-8")


class Writer:
    """Makes objects in one repository. All ids are hex; texts are written as UTF-8, byte for byte as given.

    `signing` says which tags and commits are signed, and who must accept the signatures.
    """

    def __init__(self, git: Git, signing: Signing = UNSIGNED) -> None:
        self._git = git
        self.signing = signing
        self.runner = Runner(git)

    def blob(self, data: bytes) -> str:
        """The id of a blob with this content, without any filter."""
        return self.runner.run("hash-object", "-w", "--stdin", "--no-filters", stdin=data).decode().strip()

    def tree(self, base: str | None, blobs: Mapping[str, str], *, executable: Collection[str] = ()) -> str:
        """The tree of commit `base` (None: an empty one) with these paths set to these blobs; all else is kept.

        Works in an index of its own, so the user's index and work tree are not looked at.
        """
        modes = {path: "100755" if path in executable else "100644" for path in blobs}
        lines = "".join(f"{modes[path]} {oid}\t{path}\0" for path, oid in sorted(blobs.items()))
        with tempfile.TemporaryDirectory(prefix="llmops-git-") as folder:
            own = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            if base is not None:
                self.runner.run("read-tree", base, environment=own)
            self.runner.run("update-index", "--add", "-z", "--index-info", stdin=lines.encode(), environment=own)
            # blobs that a partial clone has not fetched are on the remote: not missing
            return self.runner.run("write-tree", "--missing-ok", environment=own).decode().strip()

    def commit(self, tree: str, parent: str | None, message: str, *, also: str | None = None, when: int | None = None) -> str:
        """The id of a commit by the current identity. Raises LlmopsError when git does not know who commits.

        `also` is a second parent; `when` is the time in seconds since 1970, now unless given.
        """
        self.identity()
        parents = [word for oid in (parent, also) if oid for word in ("-p", oid)]
        options = ["-S"] if self.signing.commits else []
        date = f"{when} +0000"
        result = self.runner.try_run(
            "commit-tree", *options, tree, *parents, "-F", "-", stdin=message.encode(), options=_UTF8,
            environment={"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if when is not None else None,
        )  # fmt: skip
        if result.code and self.signing.commits:
            raise cannot_sign(result.err)
        if result.code:
            raise NotMeasured(f"git commit-tree failed: {result.err.strip()}")
        return self._accepted("commit", result.out.decode().strip(), signed=self.signing.commits)

    def tag(self, name: str, commit: str, message: str) -> str:
        """The id of an annotated tag object on a commit, with the message kept verbatim.

        `git tag` would drop lines that start with `#` and fold blank lines; `git mktag` checks and keeps them. A signature
        is of all that comes before it, as git signs tags (gitformat-signature).
        """
        content = f"object {commit}\ntype commit\ntag {name}\ntagger {self.identity()}\n\n{message}".encode()
        if self.signing.tags:
            content += self.signature(content)
        oid = self.runner.run("mktag", stdin=content).decode().strip()
        return self._accepted("tag", oid, signed=self.signing.tags)

    def signature(self, payload: bytes) -> bytes:
        """The armored signature of `payload` by whoever runs this. Raises LlmopsError when it cannot be made."""
        return sign(self._git, payload, committer=self.identity().rpartition(">")[0] + ">")

    def _accepted(self, kind: Kind, oid: str, *, signed: bool) -> str:
        if signed and self.signing.accept is not None:
            self.signing.accept(kind, oid)
        return oid

    def identity(self) -> str:
        """`Name <email> seconds zone` of whoever runs this. Raises LlmopsError when git does not know."""
        result = self.runner.try_run("var", "GIT_COMMITTER_IDENT")
        if result.code:
            hint = 'git config user.name "Release Bot" && git config user.email release-bot@example.com'
            raise LlmopsError("git does not know who you are: a release or deployment needs an author", hint=hint)
        return result.out.decode(errors="replace").strip()
