"""People, tokens and repositories of a hub."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fakehub import pulls
from fakehub.gitstore import File, GitStore
from fakehub.records import Repository, Role, Token, User

BOT = "github-actions[bot]"
EVERYTHING = dict.fromkeys(("contents", "pull_requests", "statuses", "issues", "actions"), "write")
FORK = dict.fromkeys(EVERYTHING, "read")
RULESETS: tuple[dict[str, Any], ...] = (
    {
        "name": "releases never move",
        "target": "tag",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/tags/llmops/**/*"], "exclude": []}},
        "rules": [{"type": "update"}, {"type": "deletion"}],
    },
    {
        "name": "history is only added to",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/heads/llmops/**/*"], "exclude": []}},
        "rules": [{"type": "non_fast_forward"}, {"type": "deletion"}],
    },
)
_START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Places:
    """What everything else of a hub stands on."""

    server_url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[str, Repository] = {}  # by full name in lower case
        self._ids = itertools.count(1001)
        self._seconds = itertools.count()
        self.add_user(BOT, "Bot")

    def add_user(self, login: str, kind: str = "User") -> User:
        return self.users.setdefault(login, User(id=self.next_id(), login=login, type=kind))

    def user(self, login: str) -> User:
        return self.users[login]

    def token(
        self,
        login: str = BOT,
        permissions: Mapping[str, str] | None = None,
        *,
        repositories: Collection[str] | None = None,
    ) -> str:
        """A new token's value. The bot's are installation tokens as a job has (all `EVERYTHING` unless told otherwise; `FORK`
        is what a fork's job gets); a person's without permissions may do what the person's role allows."""
        installation = login.endswith("[bot]")
        self.add_user(login, "Bot" if installation else "User")
        value = f"{'ghs' if installation else 'ghp'}_{self.next_id()}{'x' * 32}"
        granted = EVERYTHING if permissions is None and installation else permissions
        only = None if repositories is None else frozenset(repositories)
        self.tokens[value] = Token(value=value, login=login, permissions=granted, installation=installation, repositories=only)
        return value

    def authenticate(self, value: str | None) -> Token | None:
        return self.tokens.get(value or "")

    def create_repository(
        self,
        name: str = "octo-org/prompts",
        *,
        private: bool = False,
        default_branch: str = "main",
        roles: Mapping[str, Role] | None = None,
        rulesets: Sequence[Mapping[str, Any]] = RULESETS,
    ) -> Repository:
        """An empty repository. `roles` is who may do what in it; the owner is admin."""
        store = GitStore.create(self.folder / f"{name.replace('/', '--')}.git", default_branch)
        owner, _, short = name.partition("/")
        self.add_user(owner, "Organization")
        for login in roles or {}:
            self.add_user(login)
        known = Repository(
            id=self.next_id(), owner=owner, name=short, folder=store.folder, private=private, default_branch=default_branch
        )
        known.roles.update(roles or {})
        self.repositories[name.lower()] = known
        for ruleset in rulesets:
            self.add_ruleset(name, ruleset)
        return known

    def fork(self, name: str, login: str) -> Repository:
        """The fork of a repository by a person, with its branches and tags of now."""
        parent = self.repository(name)
        self.add_user(login)
        store = self.store(parent).fork(self.folder / f"{login}--{parent.name}.git", parent.default_branch)
        known = Repository(
            id=self.next_id(),
            owner=login,
            name=parent.name,
            folder=store.folder,
            private=parent.private,
            default_branch=parent.default_branch,
            parent=parent.full_name,
        )
        self.repositories[known.full_name.lower()] = known
        return known

    def delete_repository(self, name: str) -> None:
        """Its open pull requests elsewhere stay, with a head repository that is null."""
        del self.repositories[name.lower()]
        for repo in self.repositories.values():
            for issue in repo.issues.values():
                if issue.pull and issue.pull.head_repository == name:
                    issue.pull.head_repository = None

    def repository(self, name: str = "") -> Repository:
        """A repository by name; without a name the first one."""
        return self.repositories[name.lower()] if name else next(iter(self.repositories.values()))

    def store(self, repo: Repository | str) -> GitStore:
        """Git's side of a repository."""
        return GitStore((self.repository(repo) if isinstance(repo, str) else repo).folder)

    def clone_url(self, name: str = "", token: str = "") -> str:
        """Where to clone from; with a token in it, as only tests may do."""
        scheme, _, host = self.server_url.partition("://")
        return f"{scheme}://{f'x-access-token:{token}@' if token else ''}{host}/{self.repository(name).full_name}.git"

    def commit(
        self, files: Mapping[str, File | None], message: str = "change", *, branch: str = "main", repository: str = ""
    ) -> str:
        """A commit on a branch as if it had been pushed; open pull requests follow. Returns its id."""
        repo = self.repository(repository)
        store = self.store(repo)
        start = "" if branch == repo.default_branch or store.branch(branch) else store.branch(repo.default_branch)
        with self.lock:
            oid = store.commit(branch, files, message, start)
            self.follow_branches(repo)
        return oid

    def add_ruleset(self, name: str, ruleset: Mapping[str, Any]) -> dict[str, Any]:
        """Rules that pushes and merges must keep, in the form of POST /repos/{owner}/{repo}/rulesets."""
        known = {**ruleset, "id": self.next_id()}
        self.repository(name).rulesets.append(known)
        return known

    def follow_branches(self, repo: Repository) -> None:
        """Let every open pull request follow its branches after a push to this repository."""
        with self.lock:
            pulls.follow(self, repo)

    def next_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        """The hub's clock: a second later each time it is asked."""
        return (_START + timedelta(seconds=next(self._seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")
