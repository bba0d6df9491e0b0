"""A process that reads traces in, over and over, until it is killed: `python store_process.py STORE FOLDER NOW_NS`."""

from __future__ import annotations

import sys
from pathlib import Path

from llmops_git.monitoring.compact import compact
from llmops_git.monitoring.ingest import ingest
from llmops_git.monitoring.store import open_store


def main() -> None:
    store, folder, now_ns = open_store(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        ingest(store, [folder], now_ns=now_ns)
        compact(store, now_ns=now_ns)
        if len(sys.argv) > 4:
            return


if __name__ == "__main__":
    main()
