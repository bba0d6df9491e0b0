"""`dashboard`: a page from a real store, and a server that answers this machine only."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.monitoring.live_material import NEW, live_spans, live_store

SPANS = live_spans(requests=40)
FIRST = SPANS[0].trace_id


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    live_store(folder / ".llmops" / "traces", SPANS)
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "llmops_git", "dashboard", *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, check=False)


def test_it_writes_one_page_without_the_texts_of_requests(project: Path) -> None:
    done = run(project, "--until", "2025-11-21", "--since", "7d")
    assert (0, "") == (done.returncode, done.stdout)
    file = project / ".llmops" / "dashboard.html"
    assert f"wrote {file}" in done.stderr
    page = file.read_text()
    assert NEW in page
    assert FIRST in page or str(len(SPANS)) in page
    assert "Where is my order" not in page
    assert "@example.org" not in page


@pytest.mark.parametrize(
    ("arguments", "begins", "by"), [((), "2025-11-20 11:00", "hour"), (("--since", "30d"), "2025-10-22 00:00", "day")]
)
def test_traffic_that_is_young_fills_the_page_unless_a_time_is_asked_for(
    project: Path, arguments: tuple[str, ...], begins: str, by: str
) -> None:
    assert 0 == run(project, "--until", "2025-11-21", "-o", "young.html", *arguments).returncode
    page = (project / "young.html").read_text()
    assert f'"from":"{begins}"' in page.replace('": "', '":"')
    assert f'"bucket":"{by}"' in page.replace('": "', '":"')


def test_without_traces_it_says_how_to_get_some(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path], check=True)
    done = run(tmp_path)
    assert 3 == done.returncode
    assert "there are no traces" in done.stderr
    assert "hint: llmops-git traces ingest" in done.stderr
    assert not (tmp_path / ".llmops" / "dashboard.html").exists()


def test_a_link_in_the_checkout_is_not_written_through(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "app", tmp_path / "elsewhere"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    live_store(elsewhere / "traces", SPANS)
    before = sorted(elsewhere.iterdir())
    (folder / ".llmops").symlink_to(elsewhere)
    done = run(folder, "--until", "2025-11-21", "--since", "7d")
    assert 2 == done.returncode, done.stderr
    assert "is not written through it" in done.stderr
    assert before == sorted(elsewhere.iterdir())


@pytest.mark.parametrize("wrong", ["--since=soon", "--until=never", "--port=70000"])
def test_what_cannot_be_meant_is_refused(project: Path, wrong: str) -> None:
    assert 2 == run(project, wrong).returncode


@pytest.fixture(scope="module")
def port(project: Path) -> Iterator[int]:
    arguments = command("--serve", "--port", "0", "--until", "2025-11-21")
    process = subprocess.Popen(
        arguments, cwd=project, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    try:
        yield int(re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())[1])  # type: ignore[index]
    finally:
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(20)
        process.stdout.close()


def ask(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_serves_the_page_and_each_trace_with_its_texts(port: int) -> None:
    status, page = ask(port, "/")
    assert 200 == status
    assert '"live": true' in page
    status, page = ask(port, f"/trace/{FIRST}")
    assert 200 == status
    assert "Where is my order 0?" in page


@pytest.mark.parametrize("path", ["/trace/" + "0" * 32, "/trace/../../etc/passwd", "/x", "/trace/" + "f" * 33])
def test_nothing_else_is_there(port: int, path: str) -> None:
    assert 404 == ask(port, path)[0]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_a_site_that_was_led_here_reads_nothing(port: int, host: str) -> None:
    assert (403, "only for this machine\n") == ask(port, f"/trace/{FIRST}", host)
