"""Draws the pull-request comment of a real run as a picture for the README: `python scripts/comment_picture.py`.

The run is `tests/reports/shop`: both changes of `examples/demo` on the embedded model. Its comment is rendered by GitHub's own
Markdown renderer (cmark-gfm) and photographed in Chromium. The look of the page is this file's, not GitHub's. The picture
carries a digest of the words that it shows, by which a test knows whether it is still what a pull request gets.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import cmarkgfm
from cmarkgfm.cmark import Options

from llmops_git.reports.json_report import report_from_document
from llmops_git.reports.markdown import render_comment

ROOT = Path(__file__).parents[1]
RUN = ROOT / "tests" / "reports" / "shop"
PICTURE = ROOT / "docs" / "images" / "comment.png"
MOST_BYTES = 300_000
WIDTH = 920
CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WORDS = b"Words"  # name of the text in the picture's file
LINKS = {
    "this run": "https://github.com/coffee/shop/actions/runs/17",
    "all cases": "https://github.com/coffee/shop/actions/runs/17",
}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><style>
* {{ box-sizing: border-box; }}
body {{ margin: 0; padding: 20px; background: #fff; color: #1f2328; font: 14px/1.5 "Liberation Sans", Arial, sans-serif; }}
.box {{ border: 1px solid #cfd6dd; border-radius: 7px; }}
.top {{ background: #f5f7f9; border-bottom: 1px solid #cfd6dd; border-radius: 7px 7px 0 0; padding: 8px 16px; color: #57606a; }}
.top b {{ color: #1f2328; }}
.top i {{ font-style: normal; font-size: 11px; border: 1px solid #cfd6dd; border-radius: 9px; padding: 1px 7px; }}
.text {{ padding: 16px; }}
.text > :first-child {{ margin-top: 0; }} .text > :last-child {{ margin-bottom: 0; }}
h3 {{ font-size: 1.25em; margin: 22px 0 14px; }} h4 {{ font-size: 1em; margin: 22px 0 14px; }}
p, ul, pre, details, table {{ margin: 0 0 14px; }}
ul {{ padding-left: 2em; }}
code, pre {{ font-family: "DejaVu Sans Mono", monospace; font-size: 85%; }}
code {{ background: #eff1f3; border-radius: 6px; padding: .2em .4em; }}
pre {{ background: #f6f8fa; border-radius: 6px; padding: 14px; line-height: 1.45; white-space: pre-wrap; }}
pre code {{ background: none; padding: 0; font-size: 100%; }}
table {{ border-collapse: collapse; width: max-content; max-width: 100%; }}
th, td {{ border: 1px solid #d5dbe1; padding: 6px 11px; }}
tbody tr:nth-child(2n) {{ background: #f6f8fa; }}
summary {{ cursor: pointer; }} a {{ color: #0a58ca; }} sub {{ vertical-align: baseline; font-size: 12px; color: #57606a; }}
.minus {{ display: block; background: #ffebe9; color: #7d1a16; }}
.plus {{ display: block; background: #dafbe1; color: #0f5323; }}
</style></head><body><div class="box"><div class="top"><b>github-actions</b> <i>bot</i> commented</div>
<div class="text">{body}</div></div>
<script>document.title = "height " + Math.ceil(document.documentElement.getBoundingClientRect().height);</script></body></html>
"""


def main() -> int:
    """Write the picture. 1 where it is larger than a README should load, or where signs would be empty boxes."""
    if "emoji" not in _run(["fc-list", ":", "family"]).lower():
        print("no font of this machine has the signs of verdicts: apt-get install fonts-noto-color-emoji fonts-liberation")
        return 1
    shown = body()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "comment.html"
        file.write_text(PAGE.format(body=shown), encoding="utf-8")
        place = (f"--user-data-dir={folder}/browser", f"--window-size={WIDTH},600")
        dumped = _run([*CHROMIUM, *place, "--dump-dom", file.as_uri()])
        height = int(re.search(r"<title>height (\d+)", dumped).group(1))  # type: ignore[union-attr]
        shape = (f"--user-data-dir={folder}/browser", f"--window-size={WIDTH},{height}", f"--screenshot={PICTURE}")
        _run([*CHROMIUM, *shape, file.as_uri()])
    PICTURE.write_bytes(signed(PICTURE.read_bytes(), words_digest(shown)))
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {WIDTH} x {height}, {size:,} bytes")
    return int(size > MOST_BYTES)


def body() -> str:
    """The comment as HTML, with the first fold open."""
    report = report_from_document(json.loads((RUN / "report.json").read_bytes()))
    comment = render_comment(report, run="17.1", links=LINKS)
    return _coloured(_open_first(cmarkgfm.github_flavored_markdown_to_html(comment, Options.CMARK_OPT_UNSAFE)))


def words_digest(html: str) -> bytes:
    """A digest of the words that a reader sees: those in closed folds are not among them."""
    closed = re.compile(r"<details>\s*<summary>((?:(?!<details).)*?)</summary>(?:(?!<details).)*?</details>", re.DOTALL)
    found = 1
    while found:  # from the innermost fold outwards
        html, found = closed.subn(r"\1", html)
    words = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    return hashlib.sha256(words.encode()).hexdigest().encode()


def signed(picture: bytes, text: bytes) -> bytes:
    """A PNG file with a text before its end."""
    chunk = b"tEXt" + WORDS + b"\0" + text
    end = picture.rindex(b"IEND") - 4
    return picture[:end] + (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + picture[end:]


def _open_first(html: str, cases: int = 2) -> str:
    """The first fold of flipped cases as a reader opens it, cut after a few cases."""
    start = html.index("<details>")
    end = html.index("</details>", start)
    parts = html[start:end].split("<p><strong>Worse</strong>")
    more = f"<p>\u2026 {len(parts) - 1 - cases} more</p>" if len(parts) > cases + 1 else ""
    opened = "<p><strong>Worse</strong>".join(parts[: cases + 1]).replace("<details>", "<details open>", 1)
    return html[:start] + opened + more + html[end:]


def _coloured(html: str) -> str:
    """The lines of diffs in colours."""

    def lines(match: re.Match[str]) -> str:
        kinds = {"-": "minus", "+": "plus"}
        marked = [
            f'<span class="{kinds[line[0]]}">{line}</span>' if line[:1] in kinds else f"{line}\n"
            for line in match[2].split("\n")
        ]
        return f"{match[1]}{''.join(marked).rstrip()}</code></pre>"

    return re.sub(r'(<pre lang="diff"><code>)(.*?)</code></pre>', lines, html, flags=re.DOTALL)


def _run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


if __name__ == "__main__":
    sys.exit(main())
