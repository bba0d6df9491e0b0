"""A real Chromium without a screen, spoken to through its debugging pipe: no port, no driver, no package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip

CODES = {"Tab": ("Tab", 9), "Enter": ("Enter", 13), " ": ("Space", 32)}


class Page:
    """One page. `events` are all that the browser reported of it."""

    def __init__(self, reading: Any, writing: Any) -> None:
        self._reading, self._writing = reading, writing
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._writing.write(json.dumps(message).encode() + b"\0")
        self._writing.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._reading.read(1)) != b"\0":
            assert byte, "the browser has ended"
            data += byte
        message: dict[str, Any] = json.loads(data)
        if "method" in message:
            self.events.append(message)
        return message

    def wait(self, method: str) -> dict[str, Any]:
        """The next event of this name, or the first that has come already."""
        while True:
            for event in self.events:
                if event["method"] == method:
                    return event
            self._next()

    def open(self, address: str) -> None:
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def run(self, expression: str) -> Any:
        """The value of an expression, as JSON."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        if key in CODES:
            for kind in ("rawKeyDown" if key == "Tab" else "keyDown", "keyUp"):
                text = {"Enter": "\r", " ": " "}.get(key, "") if kind == "keyDown" else ""
                self.call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=key,
                    code=CODES[key][0],
                    windowsVirtualKeyCode=CODES[key][1],
                    text=text,
                )
            return
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A page of a new browser with an empty profile below `folder`."""
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()
    profile = folder / "profile"
    command = ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", str(PROGRAM), *FLAGS]
    process = subprocess.Popen(
        [*command, f"--user-data-dir={profile}"],
        pass_fds=(to_browser, from_browser),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(to_browser)
    os.close(from_browser)
    with os.fdopen(from_us, "wb") as writing, os.fdopen(to_us, "rb") as reading:
        try:
            yield Page(reading, writing)
        finally:
            process.kill()
            process.wait()
