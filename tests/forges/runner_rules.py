"""How the runner reads what a step leaves: `FileCommandManager.ReadLine` and `ActionCommand.TryParseV2` of actions/runner."""

from __future__ import annotations

COMMANDS = frozenset({"error", "warning", "notice", "add-mask", "stop-commands", "set-output", "debug", "group"})


def outputs_of(text: str) -> dict[str, str]:
    """Name to value of a GITHUB_OUTPUT file. Raises ValueError where the runner would fail the step."""
    found, position = {}, 0
    while position < len(text):
        line, position = _line(text, position)
        if not line:
            continue
        equals, arrows = line.find("="), line.find("<<")
        if equals >= 0 and (arrows < 0 or equals < arrows):
            name, _, found[name] = line.partition("=")[0], "", line.partition("=")[2]
            continue
        if arrows < 0:
            raise ValueError(f"invalid format {line!r}")
        name, _, delimiter = line.partition("<<")
        if not name or not delimiter:
            raise ValueError(f"invalid format {line!r}")
        start = end = position
        while True:
            if position >= len(text):
                raise ValueError(f"matching delimiter not found {delimiter!r}")
            line, following = _line(text, position)
            position = following
            if line == delimiter:
                break
            end = following - 1
        found[name] = text[start:end] if end > start else ""
    return found


def _line(text: str, position: int) -> tuple[str, int]:
    end = text.find("\n", position)
    return (text[position:], len(text)) if end < 0 else (text[position:end], end + 1)


class Runner:
    """What acts in a log: (command, properties, data), with `stop-commands` honoured."""

    def __init__(self) -> None:
        self.acted: list[tuple[str, dict[str, str], str]] = []
        self._stopped = ""

    def read(self, log: str) -> Runner:
        for line in log.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            self._line(line)
        return self

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.acted]

    def _line(self, line: str) -> None:
        text = line.lstrip()
        end = text.find("::", 2)
        if not text.startswith("::") or end < 0:
            return
        name, _, given = text[2:end].partition(" ")
        data = _unescaped(text[end + 2 :], {"%0D": "\r", "%0A": "\n", "%25": "%"})
        if self._stopped:
            if name == self._stopped:
                self._stopped = ""
            return
        if name not in COMMANDS:
            return
        if name == "stop-commands":
            self._stopped = data
            return
        pairs = [part.split("=", 1) for part in given.strip().split(",") if part]
        marks = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
        self.acted.append((name, {pair[0]: _unescaped(pair[1], marks) for pair in pairs if len(pair) == 2}, data))


def _unescaped(text: str, marks: dict[str, str]) -> str:
    for escaped, meant in marks.items():
        text = text.replace(escaped, meant)
    return text
