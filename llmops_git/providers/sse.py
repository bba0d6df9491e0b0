"""Splits a stream of bytes into server-sent events, as they come. Pure.

Source: the HTML standard, 9.2 "Server-sent events". Lines may end in LF or CRLF; a lone CR, which the standard also has and no
server of models sends, is not an end.
"""

from __future__ import annotations


class EventStream:
    """Feed it pieces; it hands back the data of every event that is whole. Fields other than `data` are not looked at."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # pieces of the line that has not ended
        self._data: list[bytes] = []  # lines of the event that has not ended

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in this piece."""
        if b"\n" not in piece:
            self._rest.append(piece)
            return []
        if self._rest:
            piece = b"".join((*self._rest, piece))
        *lines, rest = piece.split(b"\n")
        self._rest = [rest] if rest else []
        events = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif data and line in {b"", b"\r"}:
                events.append(data[0] if len(data) == 1 else b"\n".join(data))
                data.clear()
        return events

    def end(self) -> list[bytes]:
        """What the stream ended in: the last event without its empty line. Whether it is whole the caller can tell."""
        return self.feed(b"\n\n")
