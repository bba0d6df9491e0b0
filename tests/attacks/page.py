"""A comment as GitHub's own renderer shows it: its elements, and the text outside of code, where mentions act."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

# what our own comments are made of
ALLOWED = frozenset(
    "h3 h4 p strong em code pre ul li table thead tbody tr th td details summary blockquote sub br hr".split()  # noqa: SIM905
)
CODE = frozenset({"code", "pre"})


@dataclass
class Page(HTMLParser):
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    outside: str = ""
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.depth += tag in CODE

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in CODE

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.outside += f"{data}\n"


def page_of(markdown: str) -> Page:
    """The page that GitHub's renderer makes, before it takes out what it does not allow."""
    page = Page()
    page.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))
    page.close()
    return page
