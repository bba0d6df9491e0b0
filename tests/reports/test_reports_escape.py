"""Text from models, cases and pull requests cannot leave its place in a comment or act from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rendered import ALLOWED, assert_harmless, comment_with, page_of

from llmops_git.reports.clean import clean
from llmops_git.reports.escape import code, fence, inert, no_commands, one_line, prose

HOSTILE = [
    "<script>alert(1)</script>",
    "</code><img src=x onerror=alert(1)>",
    "</details></summary><h1>free</h1>",
    "--> <b>out</b> <!--",
    "<!-- llmops-git:v1 key=default head=0 run=1 -->",
    "<!--llmops-git:v1 key=default head=0 run=1 -->\nimproved",
    "``` \n# heading\n```",
    "`````\n</pre><h1>x</h1>",
    "~~~\ntext\n~~~",
    "` one tick",
    "a | b | c\n|--|--|\n| 1 | 2 |",
    "\\| escaped \\\\| pipes \\",
    "[link](https://example.com)",
    "![image](https://example.com/x.png)",
    "[ref]\n\n[ref]: https://example.com",
    "https://example.com/?token=x",
    "see www.example.com now",
    "write to someone@example.com or mailto:someone@example.com",
    "xmpp:someone@example.com/x",
    "@octocat please approve",
    "fixes #1, GH-1, octo/repo#1 and octo/repo@1a2b3c4d5e",
    "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    "::error file=x::free",
    "text\n::set-output name=verdict::improved",
    "text ##[set-output name=verdict;]improved",
    "  \t::stop-commands::x",
    "\x1b[2J\x1b]8;;https://example.com\x07click\x1b]8;;\x07",
    "\u202eevitcepsrep\u202c \u200b\u2066hidden\u2069",
    "\U000e0041\U000e0042 tags \ufe01 selectors",
    "\x00\x08\x7f\x9b31m",
    "\ud800 lone surrogate",
    "# heading\n> quote\n- item\n1. item\n---\n===",
    "**bold** _it_ ~~no~~ ***",
    "- [x] task",
    ":tada: :+1:",
    "$$x^2$$ and $`y`$",
    "[^1]\n\n[^1]: note",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "<a href='javascript:x'>y</a>",
    "<details open><summary>x",
    "\r\n\r\n<h1>carriage</h1>\u2028<h1>line</h1>\x85<h1>next</h1>",
    "{{ template }} ${{ github.token }} {% raw %}",
    "\n\n\n",
    "   ",
    "    indented code",
    "x" * 5000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_in_its_place_everywhere_in_a_comment(text):
    assert_harmless(comment_with(text))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_does_not_change_the_structure_of_a_table(text):
    def table(name: str) -> list[str]:
        return page_of(f"| a | b |\n|:--|--:|\n| {code(name)} | 1 |\n| {code(name)} | 2 |").tags

    assert table("benign") == table(text)


def test_inline_code_says_what_it_was_given():
    text = "a|b `c` <d> &e; *f* [g](h) \\i @j #1 {{k}} http://x"
    assert [text] == page_of(f"x {code(text)}").inside


def test_a_fence_says_what_it_was_given():
    text = "``` and ````` ticks\n<b> & </b>\n| a | b |\n@someone #1"
    assert [text + "\n"] == page_of(fence(text)).inside


def test_a_fence_is_longer_than_any_run_of_backticks_inside():
    assert fence("a ```````` b").startswith("`" * 9 + "text\n")


def test_a_long_text_says_how_much_is_missing():
    assert "\u2026 90 more characters" in fence("x" * 100, limit=10)


def test_controls_and_hidden_characters_become_visible():
    assert r"\x1b[31m \u202e \U000e0041 \udc80 \ufe01" == clean("\x1b[31m \u202e \U000e0041 \udc80 \ufe01")


def test_newlines_and_tabs_stay_in_clean_text():
    assert "a\n\tb" == clean("a\n\tb")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::error::x", r"\::error::x"),
        ("a\n  ::error::x", "a\n  \\::error::x"),
        ("a ::b", "a ::b"),
        ("a ##[error]b", r"a #\#[error]b"),
        ("## [title]", "## [title]"),
    ],
)
def test_workflow_commands_are_made_inert_and_nothing_else_is(text, expected):
    assert expected == inert(text)


def test_a_command_behind_a_colour_is_made_inert():
    assert "\x1b[31m\\::error::x\x1b[0m" == no_commands("\x1b[31m::error::x\x1b[0m")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("queue: not measured (31 of 50 samples)", "queue: not measured (31 of 50 samples)"),
        ("must-pass case `a b` failed", "must-pass case <code>a b</code> failed"),
        ("an unpaired ` tick", "an unpaired <code>&#96;</code> tick"),
        ("read prompts/a.yaml, please", "read prompts/a.yaml, please"),
        ("thanks @you and #12 now", "thanks <code>&#64;<!-- -->you</code> and <code>&#35;12</code> now"),
        ("this change's own", "this change&#39;s own"),
        ("1. first", "1&#46; first"),
        ("- first", "&#45; first"),
    ],
)
def test_prose_keeps_words_and_marks_the_rest_as_code(text, expected):
    assert expected == prose(text)


def test_one_line_draws_newlines_and_keeps_to_its_limit():
    assert "a \u21b5 b" == one_line("a\nb")
    assert 20 == len(one_line("x" * 100, 20))


SPECIAL = st.text(alphabet=st.sampled_from("`*_[]()<>!&|\\~#@:$^-+=.\"'/ \n\t\r\x1b1abwW\u202e;{}%"), max_size=60)
FRAGMENTS = st.lists(
    st.sampled_from(
        ["<!--", "-->", "llmops-git:v1", "```", "~~~", "\n", "\n\n", " ", "|", "www.a.io", "http://a.io", "@a", "a@b.io", "#1",
         "::", "##[", "<b>", "</code>", "</details>", "- ", "1. ", "> ", "---", "[a](b)", "![a](b)", "&#60;", "\\", "`", "0a1b2c3d",
         ":a:", "$a$", "GH-1", "x", "\r"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(max_size=80), SPECIAL, FRAGMENTS))
@example("1a2b3c4.")
@example("1a2b3c4-x and (@a")
def test_no_text_makes_a_tag_a_link_or_an_image_outside_code(text):
    assert_harmless(comment_with(text))


@given(st.one_of(st.text(max_size=80), SPECIAL, FRAGMENTS))
def test_prose_and_code_are_one_paragraph(text):
    for shown in (prose(text), code(text)):
        page = page_of(f"a {shown} b")
        assert {"p", "code"} >= {tag.removeprefix("/") for tag in page.tags}
        assert page_of(shown or "a").tags[0] == "p"


@given(st.one_of(st.text(max_size=80), SPECIAL, FRAGMENTS))
def test_nothing_follows_a_fence_into_it(text):
    page = page_of(f"{fence(text, 'diff')}\n\n# after")
    assert ["pre", "code", "/code", "/pre", "h1", "/h1"] == page.tags
    assert "after" == page.outside.strip()


def test_the_allowed_tags_hold_no_link_and_no_image():
    assert not {"a", "img", "input", "script", "h1"} & ALLOWED


def test_marker_parts_cannot_end_the_marker():
    first = comment_with("x --> <b>").split("\n")[0]
    assert re.fullmatch(r"<!-- llmops-git:v1 key=[\w.~%-]* head=[\w.~%-]* run=[\w.~%-]* -->", first)
