"""Runs the real flagstaff binary on real files.

Every wait is for a condition, with a deadline; nothing sleeps and then hopes.
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]

DEADLINE = 10.0
"""Seconds until a condition counts as never met: far above every claim, for busy machines."""

SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)(?: \d+)?$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def eventually(condition: Callable[[], T | None], what: str, deadline: float = DEADLINE) -> T:
    """Returns the condition's first truthy value; fails at the deadline, saying what never was."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.005)
    return value


def as_text(definitions: str | dict[str, Any]) -> str:
    return definitions if isinstance(definitions, str) else json.dumps(definitions, indent=2)


class FlagFile:
    """A flag file, and the two ways people and tools save one."""

    def __init__(
        self, directory: Path, definitions: str | dict[str, Any], name: str = "flags.json"
    ) -> None:
        self.path = directory / name
        self.write_in_place(definitions)

    def write_in_place(self, definitions: str | dict[str, Any]) -> None:
        self.path.write_text(as_text(definitions))

    def rename_over(self, definitions: str | dict[str, Any]) -> None:
        draft = self.path.with_suffix(".tmp")
        draft.write_text(as_text(definitions))
        draft.rename(self.path)

    @property
    def text(self) -> str:
        return self.path.read_text()

    def edit(self, old: str, new: str) -> None:
        """Replaces text that must be there exactly once, as a person with an editor does."""
        text = self.text
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the file"
        self.write_in_place(text.replace(old, new))


class ConfigMapMount:
    """A mounted ConfigMap, updated in the steps of the kubelet's AtomicWriter."""

    def __init__(self, directory: Path, definitions: str | dict[str, Any]) -> None:
        self.directory = directory
        self.path = directory / "flags.json"
        self.n_swaps = 0
        self.swap(definitions)
        self.path.symlink_to("..data/flags.json")

    def swap(self, definitions: str | dict[str, Any]) -> None:
        self.n_swaps += 1
        data = self.directory / "..data"
        before = data.resolve() if data.is_symlink() else None
        after = self.directory / f"..2027_01_01_00_00_00.{self.n_swaps:09}"
        after.mkdir(mode=0o755)
        (after / "flags.json").write_text(as_text(definitions))
        draft = self.directory / "..data_tmp"
        draft.symlink_to(after.name)
        draft.rename(data)
        if before is not None:
            for file in before.iterdir():
                file.unlink()
            before.rmdir()


class Sidecar:
    """One `flagstaff serve`, started, watched, stopped and started again on the same ports."""

    def __init__(self, *paths: Path, uds: Path | None = None, options: Sequence[str] = ()) -> None:
        self.paths = paths
        self.uds = uds
        self.options = options
        self.port = 0
        self.management_port = 0
        self.stderr: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> "Sidecar":
        binary = os.environ.get("FLAGSTAFF_BIN")
        assert binary, "FLAGSTAFF_BIN must name the flagstaff binary under test"
        command = [binary, "serve", *map(str, self.paths), "--bind", "127.0.0.1"]
        command += ["--port", str(self.port), "--management-port", str(self.management_port)]
        # Ten minutes: whatever is noticed in a test was noticed by watching, not by polling.
        command += ["--poll-interval", "10m"]
        if self.uds:
            command += ["--uds", str(self.uds)]
        command += self.options
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FLAGSTAFF_")}
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        first = len(self.stderr)
        reads = (self._process,)
        self._reader = threading.Thread(target=self._read_stderr, args=reads, daemon=True)
        self._reader.start()
        # A second start asks for the port that the first one was given: clients find it again.
        self.port = self._wait_for_port("evaluation", first)
        self.management_port = self._wait_for_port("management", first)
        self._wait_until(lambda: self.get("/readyz")[0] == 200, "/readyz answers 200")
        return self

    def stop(self) -> tuple[int, float]:
        """Sends SIGTERM; returns the exit code and the seconds until the exit."""
        begin = time.monotonic()
        code = self._end(signal.SIGTERM)
        return code, time.monotonic() - begin

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def close(self) -> None:
        if self._process is not None:
            self.kill()

    def get(self, path: str) -> tuple[int, str]:
        """Asks the management port, without the proxy that the environment may name."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"http://127.0.0.1:{self.management_port}{path}"
        try:
            with opener.open(url, timeout=DEADLINE) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of the series with exactly these labels; None where there is no such series."""
        status, text = self.get("/metrics")
        assert status == 200, text
        for line in text.splitlines():
            sample = SAMPLE.match(line)
            if not sample or sample["name"] != name:
                continue
            if dict(LABEL.findall(sample["labels"] or "")) == labels:
                return float(sample["value"])
        return None

    def events(self, message: str, start: int = 0) -> list[dict[str, Any]]:
        """The fields of each log line with this message."""
        found = []
        for line in self.stderr[start:]:
            try:
                fields = json.loads(line)["fields"]
            except (ValueError, KeyError, TypeError):
                continue
            if fields.get("message") == message:
                found.append(fields)
        return found

    def _wait_for_port(self, service: str, start: int) -> int:
        def port() -> int | None:
            for fields in self.events("listening", start):
                address = fields["address"]
                if fields["service"] == service and not address.startswith("unix:"):
                    return int(address.rpartition(":")[2])
            return None

        return self._wait_until(port, f"a log line that says where {service} listens")

    def _wait_until(self, condition: Callable[[], T | None], what: str) -> T:
        """Like eventually, but gives up at once when the process has ended."""

        def met() -> T | None:
            if value := condition():
                return value
            assert self._process is not None
            code = self._process.poll()
            assert code is None, f"flagstaff ended with {code} before: {what}"
            return None

        return eventually(met, what)

    def _end(self, number: int) -> int:
        process, self._process = self._process, None
        assert process is not None, "not running"
        process.send_signal(number)
        try:
            code = process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"still running {DEADLINE} s after signal {number}") from None
        finally:
            if self._reader is not None:
                self._reader.join()
        return code

    def _read_stderr(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.stderr.append(line)
