"""What GitHub's own renderer makes of a comment, taken apart for assertions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options
from report_samples import comparison, config, flip, report, scorer

from llmops_git.configs.values import Change, FieldChange
from llmops_git.errors import Problem
from llmops_git.reports.markdown import render_comment
from llmops_git.reports.values import Report

ALLOWED = {
    "h3", "h4", "p", "strong", "code", "pre", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
    "blockquote", "sub",
}  # fmt: skip
MARKER = re.compile(r"<!--\s*llmops-git", re.IGNORECASE)
COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)
ACTING = (
    re.compile(r"(?:^|[^\w/])@\w"),  # a mention
    re.compile(r"#\d"),  # an issue
    re.compile(r"(?i)\bGH-\d"),
    re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,40}\b"),  # a commit
    re.compile(r"(?i)\bwww\.|://"),  # a link
    re.compile(r":[a-z_+]+:"),  # an emoji
    re.compile(r"\$[^\s$](?:[^$]*[^\s$])?\$"),  # a formula
)


@dataclass
class Page(HTMLParser):
    """Tags in order, and the text inside and outside of code."""

    tags: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    outside: str = ""
    inside: list[str] = field(default_factory=list)
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "code":
            self.depth += 1
            if self.depth == 1:
                self.inside.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append("/" + tag)
        if tag == "code":
            self.depth -= 1

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.inside[-1] += data
        else:
            self.outside += f"{data}\n"  # GitHub looks at one text node at a time


def page_of(markdown: str) -> Page:
    """The page that GitHub's renderer makes of `markdown`."""
    page = Page()
    page.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))
    page.close()
    return page


def assert_harmless(markdown: str) -> Page:
    """No tag but ours, no link, image, mention or reference, one marker, no workflow command."""
    page = page_of(markdown)
    assert {tag.removeprefix("/") for tag in page.tags} <= ALLOWED
    assert {name for name, _ in page.attributes} <= {"align", "lang", "class"}
    assert [pattern.findall(page.outside) for pattern in ACTING] == [[] for _ in ACTING]
    assert len(MARKER.findall(markdown)) == 1
    assert COMMAND.search(markdown) is None
    for control in "\x1b\x07\x00\u202e\u200b":
        assert control not in markdown
    return page


def comment_with(text: str) -> str:
    """The comment of `hostile_report`, hostile in key and run as well."""
    return render_comment(hostile_report(text), key=text, run=text)


def hostile_report(text: str) -> Report:
    """A report in which `text` stands in every place that someone else can write."""
    hostile = comparison(
        config=text,
        base_name=text,
        scorers=(scorer(text, notes=(text,)), scorer()),
        flipped=(
            flip(text, scorer=text, inputs={text: text}, expected=text, base_output=text, head_output=f"{text}\n{text}"),
            flip(text, expected=[text], base_output="", head_output=text, better=True),
        ),
        hard_failures=(text, f"{text}: must pass, failed {text} in 1 of 1 runs"),
        unmeasured=(text,),
        errors={text: 2},
        verdict="regressed",
        gate_passes=False,
    )
    change = Change(
        config=text,
        status="renamed",
        renamed_from=text,
        aspects=("prompt", text),
        bump="patch",
        because=((text, text), (text,)),
        fields=(FieldChange(path=text, before=text, after=f"{text} {text}"), FieldChange(path=text, before=None, after=[text])),
        problems=(Problem(path=text, message=text, hint=text, line=1),),
    )
    one = config(hostile, change=change, notes=(text,))
    how = {"models": [text], "engines": [text], "tool": text, "started_at": text, text: text}
    problems = (Problem(path=text, message=text, hint=text, line=1),)
    return report(one, config(comparison()), how=how, head=text, base=text, problems=problems)
