"""Fetches models in a process of its own, whose Hub and cache the environment names.

A line of JSON for each, on standard input: source, revision, token. A line back: either the
`folder`, or the `problem` and the `next_step`; and the `reports`: bytes done, bytes in all. The log
goes to standard error.
"""

import json
import logging
import os
import sys
from functools import partial
from pathlib import Path

from llama_ui.engine.hub.download import fetch_model
from llama_ui.engine.hub.snapshot import check_snapshot
from llama_ui.engine.loading.checkpoint import read_config
from llama_ui.engine.loading.config import check_supported
from llama_ui.engine.progress import Progress
from llama_ui.errors import ChatError


def inspect(source: str, folder: Path) -> None:
    """What a load looks at before the weights are downloaded, as far as it needs no torch."""
    check_supported(source, read_config(folder))


def main() -> None:
    logging.basicConfig(level=logging.DEBUG)
    for line in sys.stdin:
        wanted = json.loads(line)
        os.environ["HF_TOKEN"] = wanted["token"]
        reports: list[Progress] = []
        answer: dict[str, object]
        try:
            look = partial(inspect, wanted["source"])
            folder = fetch_model(wanted["source"], wanted["revision"], reports.append, look)
            check_snapshot(folder)
            answer = {"folder": str(folder)}
        except ChatError as fault:
            answer = {"problem": fault.problem, "next_step": fault.next_step}
        loading = [report for report in reports if report.phase == "downloading"]
        answer["reports"] = [(report.done, report.total) for report in loading]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
