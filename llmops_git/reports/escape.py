"""Makes untrusted text safe inside a Markdown comment: inline code, prose and fenced blocks.

Three dangers: text that leaves its place (tags, table cells, fences, a forged marker), text that acts on GitHub
(mentions, references, links, images), and text that acts on the log it is printed to (workflow commands).
"""

from __future__ import annotations

import re

from llmops_git.reports.clean import clean

NAME_LIMIT = 80  # characters of a name shown inline
PROSE_LIMIT = 400  # characters of a sentence that came from outside this package
NEWLINE = "\u21b5"

_COMMAND = re.compile(r"^([^\S\n]*)::", re.MULTILINE)  # the runner reads a command after any leading blanks
_RENDERED_COMMAND = re.compile(r"^((?:\x1b\[[0-9;]*m|[^\S\n])*)::", re.MULTILINE)
_OLD_COMMAND = re.compile(r"##(?=\[)")  # and the older form anywhere in a line
_MARKER = re.compile(r"<!(?=--\s*llmops-git)", re.IGNORECASE)
_ENTITY = re.compile(r"[^\w ,./=\-]|_", re.ASCII)
_BACKTICKS = re.compile(r"`+")

_LEADING = "(\"'"
_TRAILING = ")\"',;:!?."
_PLAIN = re.compile(r"[^\W_]+(?:[-./'\u2019][^\W_]+)*%?")  # words, paths, decimal numbers
_SIGNED = re.compile(r"[-+\u2212\u00d7<>=\u2264\u2265]?\$?\d[\d.,]*(?:%|x|s|ms)?")
_REFERENCE = re.compile(r"(?i)^www\.|\b(?=[a-f]*\d)[0-9a-f]{7,64}\b|\b[a-z][a-z0-9]*-\d")
_OPENING = re.compile(r"(\d{0,9})([-+=.)])")
_BARE = frozenset(
    {"-", "\u2212", "\u2013", "\u2014", "=", "\u2192", "\u00d7", "\u00b7", "%", "<", ">", "\u2264", "\u2265", "/"}
)


def inert(text: str) -> str:
    """`text` cleaned, and unable to act as a workflow command when it is printed to the log of a job."""
    return _OLD_COMMAND.sub(r"#\#", _COMMAND.sub(r"\1\::", clean(text)))


def no_commands(text: str) -> str:
    """Rendered `text` of which no line can act as a workflow command, also where wrapping moved a word to its start."""
    return _RENDERED_COMMAND.sub(r"\1\::", text)


def shorten(text: str, limit: int) -> str:
    """`text` cut to `limit` characters, the last of which says that something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def one_line(text: str, limit: int = NAME_LIMIT) -> str:
    """`text` on one line: newlines are drawn, tabs become blanks, controls become visible."""
    flat = text[: limit * 2].strip("\n").replace("\n", f" {NEWLINE} ").replace("\t", " ")
    return shorten(inert(flat), limit)


def code(text: str, limit: int = NAME_LIMIT) -> str:
    """Inline code: a <code> element whose punctuation is numeric entities, so Markdown sees nothing but words.

    A code element keeps mentions and references from acting; an empty comment after each `@` keeps the renderer, which
    looks for addresses in the text after entities are decoded, from making a mail link.
    """
    flat = one_line(text, limit) or " "
    body = _ENTITY.sub(_entity, flat)
    if "www" in flat.lower():
        body = body.replace(".", "&#46;")
    return f"<code>{body.replace('&#64;', '&#64;<!-- -->')}</code>"


def prose(text: str, limit: int = PROSE_LIMIT) -> str:
    """A sentence from elsewhere: harmless words stay as they are, everything else becomes inline code.

    What stands between two backticks is taken for a name. The result is one line and never starts a block.
    """
    parts = one_line(text, limit).split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick
        parts[-2:] = [f"{parts[-2]}`{parts[-1]}"]
    shown = [code(part, limit) if index % 2 else _words(part) for index, part in enumerate(parts) if part]
    joined = "".join(shown).strip()
    return _guard_start(joined)


def fence(text: str, language: str = "text", limit: int = 1500) -> str:
    """A fenced block that `text` cannot leave: the fence is longer than any run of backticks inside."""
    body = _MARKER.sub(r"<\\!", inert(_cut(text, limit)))
    longest = max((len(run) for run in _BACKTICKS.findall(body)), default=0)
    bar = "`" * max(3, longest + 1)
    return f"{bar}{language}\n{body}\n{bar}"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};" if match.group().isascii() else match.group()


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n\u2026 {len(text) - limit:,} more characters"


def _words(text: str) -> str:
    """Every word that could mean something to Markdown or GitHub as code, runs of them together."""
    shown: list[str] = []
    unsafe: list[str] = []
    for word in text.split(" "):
        if _harmless(word):
            shown += _flush(unsafe)
            shown.append(word.replace("<", "&#60;").replace(">", "&#62;").replace("'", "&#39;"))
        else:
            unsafe.append(word)
    return " ".join([*shown, *_flush(unsafe)])


def _flush(unsafe: list[str]) -> list[str]:
    joined = " ".join(unsafe)
    unsafe.clear()
    return [code(joined, PROSE_LIMIT)] if joined.strip() else []


def _harmless(word: str) -> bool:
    core = word.lstrip(_LEADING).rstrip(_TRAILING)
    if _REFERENCE.search(core):
        return False
    return not word or word in _BARE or not core or bool(_PLAIN.fullmatch(core) or _SIGNED.fullmatch(core))


def _guard_start(text: str) -> str:
    """A first character that would open a list, a quote, a heading or a rule becomes an entity."""
    match = _OPENING.match(text)
    return text if not match else f"{match.group(1)}&#{ord(match.group(2))};{text[match.end() :]}"
