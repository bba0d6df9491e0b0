"""A stateful GitHub on the loopback for tests: `with running(folder) as hub:`. State is plain Python, repositories are real.

The API is at `hub.api_url` (…/api/v3, as on GitHub Enterprise Server), git at `hub.server_url/OWNER/NAME.git`.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fakehub import control, payloads, pulls, server
from fakehub.contract import contract
from fakehub.faults import Drop, Fault, Faults
from fakehub.githttp import Answer
from fakehub.gitstore import File, GitStore
from fakehub.records import Artifact, Comment, Issue, Label, Repository, Request, Role, Run, Token, User
from fakehub.storage import Storage, packed

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


class Hub:
    """What a test sees. `violations` is every breach of GitHub's API description, by a client or by the hub itself."""

    def __init__(self, folder: Path, *, enterprise: bool = False) -> None:
        self.folder = folder
        self.enterprise = enterprise
        self.contract = contract("github-enterprise" if enterprise else "github")
        self.lock = threading.RLock()
        self.server_url = self.api_url = ""
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[str, Repository] = {}  # by full name in lower case
        self.log: list[Request] = []
        self.violations: list[str] = []
        self.faults = Faults()
        self.storage = Storage(self)
        self.rate, self.used = 1000, 0
        self.controlled = False  # whether /_hub/ may be used by other processes
        self._ids = itertools.count(1001)
        self._seconds = itertools.count()
        self.add_user(BOT, "Bot")

    # people and repositories

    def add_user(self, login: str, kind: str = "User") -> User:
        return self.users.setdefault(login, User(id=self.next_id(), login=login, type=kind))

    def user(self, login: str) -> User:
        return self.users[login]

    def token(
        self,
        login: str = BOT,
        permissions: Mapping[str, str] | None = None,
        *,
        repositories: Iterator[str] | list[str] | None = None,
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
        rulesets: Iterator[dict[str, Any]] | tuple[dict[str, Any], ...] = RULESETS,
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
        oid = store.commit(branch, files, message, start)
        self.follow_branches(repo)
        return oid

    def add_ruleset(self, name: str, ruleset: Mapping[str, Any]) -> dict[str, Any]:
        """Rules that pushes and merges must keep, in the form of POST /repos/{owner}/{repo}/rulesets."""
        known = {**ruleset, "id": self.next_id()}
        self.repository(name).rulesets.append(known)
        return known

    # conversations

    def open_pull_request(
        self,
        repository: str = "",
        *,
        head: str,
        head_repository: str = "",
        base: str = "",
        title: str = "Change a prompt",
        body: str = "",
        author: str = "",
        draft: bool = False,
    ) -> Issue:
        """A pull request from a branch of the repository or of a fork of it."""
        repo = self.repository(repository)
        issue = self.add_issue(repo.full_name, title, body, author=author or repo.owner)
        pulls.attach(
            self,
            repo,
            issue,
            head,
            self.repository(head_repository or repo.full_name),
            base or repo.default_branch,
            draft=draft,
        )
        return issue

    def add_issue(
        self, repository: str = "", title: str = "Issue", body: str = "", *, author: str = "", labels: tuple[str, ...] = ()
    ) -> Issue:
        repo = self.repository(repository)
        self.add_user(author or repo.owner)
        for name in labels:
            repo.labels.setdefault(name.lower(), Label(id=self.next_id(), name=name))
        now, number = self.now(), len(repo.issues) + 1
        issue = Issue(
            id=self.next_id(),
            number=number,
            title=title,
            body=body,
            author=author or repo.owner,
            created=now,
            updated=now,
            labels=[*labels],
        )
        repo.issues[number] = issue
        return issue

    def add_comment(self, repository: str, number: int, body: str, *, author: str = BOT) -> Comment:
        repo = self.repository(repository)
        self.add_user(author)
        now = self.now()
        comment = Comment(id=self.next_id(), number=number, author=author, body=body, created=now, updated=now)
        repo.comments[comment.id] = comment
        return comment

    def comments(self, number: int, repository: str = "") -> list[Comment]:
        return [comment for comment in self.repository(repository).comments.values() if comment.number == number]

    def status(self, oid: str, context: str, repository: str = "") -> str:
        """The newest state of a commit's status, "" when there is none."""
        return next(
            (
                known.state
                for known in reversed(self.repository(repository).statuses)
                if (known.oid, known.context) == (oid, context)
            ),
            "",
        )

    # pull requests and branches

    def merge(
        self, number: int, method: str = "merge", *, repository: str = "", login: str = "", title: str | None = None
    ) -> str:
        """Merge a pull request; the id of the commit. Raises ValueError with GitHub's message when it may not be merged."""
        return pulls.merge(self, self.repository(repository), number, method, login, title)

    def queue(self, number: int, *, repository: str = "") -> str:
        """Put a pull request into the merge queue: a branch with the merged result, whose id is returned."""
        return pulls.queue(self, self.repository(repository), number)

    def finish_queue(self, number: int, *, repository: str = "") -> str:
        """The merge queue's checks passed: the base branch becomes what was queued."""
        return pulls.finish_queue(self, self.repository(repository), number)

    def follow_branches(self, repo: Repository) -> None:
        """Let every open pull request follow its branches after a push to this repository."""
        pulls.follow(self, repo)

    # runs and artifacts

    def add_run(
        self,
        repository: str = "",
        *,
        event: str = "pull_request",
        head_oid: str,
        head_branch: str,
        head_repository: str = "",
        conclusion: str | None = "success",
        attempt: int = 1,
        name: str = "llmops evaluate",
        path: str = ".github/workflows/llmops-evaluate.yml",
        actor: str = "",
    ) -> Run:
        """A workflow run, completed unless its conclusion is None."""
        repo = self.repository(repository)
        self.add_user(actor or repo.owner)
        run = Run(
            id=self.next_id(),
            attempt=attempt,
            name=name,
            path=path,
            event=event,
            head_oid=head_oid,
            head_branch=head_branch,
            head_repository=head_repository or repo.full_name,
            conclusion=conclusion,
            actor=actor or repo.owner,
            created=self.now(),
        )
        repo.runs[run.id] = run
        return run

    def add_artifact(
        self,
        run_id: int,
        name: str,
        files: Mapping[str, bytes | str] | None = None,
        *,
        raw_zip: bytes | None = None,
        repository: str = "",
    ) -> Artifact:
        """An artifact of a run: files, or the bytes of an archive as they are."""
        content = raw_zip if raw_zip is not None else packed(files or {})
        artifact = Artifact(id=self.next_id(), run=run_id, name=name, content=content, created=self.now())
        self.repository(repository).artifacts[artifact.id] = artifact
        return artifact

    def event_payload(self, kind: str, repository: str = "", **facts: Any) -> dict[str, Any]:
        """What GitHub would send; see `payloads.build` for the kinds and their facts."""
        with self.lock:
            return payloads.build(self, self.repository(repository), kind, **facts)

    def job_environ(
        self, folder: Path, event: str, payload: Mapping[str, Any], *, run: Run | None = None, repository: str = ""
    ) -> dict[str, str]:
        """The environment of a job: payload, outputs and summary are files in `folder`, where the step is to be run."""
        return payloads.job_environ(self, self.repository(repository), folder, event, payload, run)

    # misfortunes

    def fail(
        self,
        method: str,
        path: str,
        times: int = 1,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        drop: Drop | None = None,
        after: bool = False,
    ) -> Fault:
        """Order a misfortune for the next requests that match; see `faults.Fault`, `faults.secondary_limit`, `faults.primary_limit`."""
        if status is None and drop is None:
            raise ValueError("say what goes wrong: a status or a drop")
        return self._order(method, path, times, status=status, headers=headers or {}, body=body, drop=drop, after=after)

    def twice(self, method: str, path: str, times: int = 1) -> Fault:
        """The next matching requests are carried out twice, as when they are delivered twice."""
        return self._order(method, path, times, twice=True)

    def meanwhile(self, method: str, path: str, act: Callable[[], object], times: int = 1) -> Fault:
        """Something that somebody else does just before the next matching request is carried out."""
        return self._order(method, path, times, meanwhile=act)

    def hold(self, method: str, path: str, until: threading.Event, times: int = 1) -> Fault:
        """The next matching requests wait (30 seconds at most)."""
        return self._order(method, path, times, hold=until)

    def _order(self, method: str, path: str, times: int, **facts: Any) -> Fault:
        fault = Fault(method=method.upper(), path=re.compile(path), times=times, **facts)
        self.faults.orders.append(fault)
        return fault

    # looking back

    def calls(self, operation: str) -> list[Request]:
        """The requests to one operation (`issues/create-comment`), or all that git made (`git`)."""
        return [entry for entry in self.log if entry.operation == operation]

    def writes(self) -> list[Request]:
        """The API requests that change something."""
        return [entry for entry in self.log if entry.method != "GET" and entry.path.startswith(server.API)]

    # small things

    def next_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        """The hub's clock: a second later each time it is asked."""
        return (_START + timedelta(seconds=next(self._seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def mergeable(self, repo: Repository, issue: Issue) -> bool:
        return bool(self.store(repo).oid(f"refs/pull/{issue.number}/merge"))

    def is_behind(self, repo: Repository, head: Repository, branch: str, base: str) -> bool:
        """Whether a branch has nothing that the base lacks."""
        store = self.store(repo)
        oid = self.store(head).branch(branch)
        store.fetch(self.store(head), oid)
        return store.is_ancestor(oid, store.branch(base))

    def refresh(self, repo: Repository, issue: Issue) -> None:
        pulls.refresh(self, repo, issue)

    def control(self, method: str, path: str, body: bytes) -> Answer | None:
        return control.serve(self, method, path, body) if self.controlled else None


@contextmanager
def running(folder: Path, *, enterprise: bool = False, controlled: bool = False) -> Iterator[Hub]:
    """A hub that listens until the end of the block."""
    hub = Hub(folder, enterprise=enterprise)
    hub.controlled = controlled
    main, hub.server_url, thread = server.listen(lambda *request: server.route(hub, *request))
    hub.api_url = f"{hub.server_url}{server.API}"
    second, hub.storage.url, other = server.listen(
        lambda _method, target, headers, _body: hub.storage.serve(target.partition("?")[0], target.partition("?")[2], headers)
    )
    try:
        yield hub
    finally:
        for listening, running_thread in ((main, thread), (second, other)):
            listening.shutdown()
            listening.server_close()
            running_thread.join()
