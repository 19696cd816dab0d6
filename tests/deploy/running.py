"""Runs the sidecar of a manifest: its arguments and environment, in a directory of the test."""

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from program import Program
from references import environment
from render import Document

DEADLINE = 10


@contextmanager
def started(program: Program, own: Document, home: Path) -> Iterator[str]:
    """Runs a sidecar with its volumes in `home`; gives the address of its management port."""
    paths = {mount["mountPath"]: home / mount["name"] for mount in own["volumeMounts"]}

    def here(text: str) -> str:
        for path, replacement in paths.items():
            text = text.replace(path, str(replacement))
        return text

    for path in paths.values():
        path.mkdir(exist_ok=True)
    # Free ports, so that several may run; said here, since the arguments are the manifest's.
    variables = {name: here(value) for name, value in environment(own).items()}
    variables |= {"FLAGSTAFF_PORT": "0", "FLAGSTAFF_MANAGEMENT_PORT": "0"}
    process = subprocess.Popen(
        [program.path, *map(here, own["args"])],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _management(process)
    finally:
        process.kill()
        process.wait(DEADLINE)


def _management(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        fields = json.loads(line)["fields"]
        if fields.get("service") == "management":
            # Read on, so that it never waits for us.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return f"http://127.0.0.1:{fields['address'].rpartition(':')[2]}"
    raise AssertionError(f"it ended with {process.wait(DEADLINE)}: {''.join(lines)}")


def answers(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            with opener.open(url, timeout=DEADLINE) as response:
                return response.status
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
