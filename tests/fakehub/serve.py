"""A hub as a process: `PYTHONPATH=tests python -m fakehub.serve FOLDER` prints its addresses as JSON and serves until its input ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fakehub.hub import running


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with running(folder, enterprise="--enterprise" in sys.argv, controlled=True) as hub:
        print(json.dumps({"api_url": hub.api_url, "server_url": hub.server_url}), flush=True)  # noqa: T201
        sys.stdin.read()
        print(json.dumps({"violations": hub.violations}), flush=True)  # noqa: T201
    return bool(hub.violations)


if __name__ == "__main__":
    sys.exit(main())
