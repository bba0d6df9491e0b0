"""Issues, pull requests and comments of a hub, and what becomes of them."""

from __future__ import annotations

from fakehub import pulls
from fakehub.places import BOT, Places
from fakehub.records import Comment, Issue, Label, Repository


class Conversations(Places):
    """Repositories are given by name; "" is the first one."""

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
        return [comment for comment in list(self.repository(repository).comments.values()) if comment.number == number]

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

    def merge(
        self, number: int, method: str = "merge", *, repository: str = "", login: str = "", title: str | None = None
    ) -> str:
        """Merge a pull request; the id of the commit. Raises ValueError with GitHub's message when it may not be merged."""
        with self.lock:
            return pulls.merge(self, self.repository(repository), number, method, login, title)

    def queue(self, number: int, *, repository: str = "") -> str:
        """Put a pull request into the merge queue: a branch with the merged result, whose id is returned."""
        with self.lock:
            return pulls.queue(self, self.repository(repository), number)

    def finish_queue(self, number: int, *, repository: str = "") -> str:
        """The merge queue's checks passed: the base branch becomes what was queued."""
        with self.lock:
            return pulls.finish_queue(self, self.repository(repository), number)

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
