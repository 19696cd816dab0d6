"""A real Prometheus on loopback that scrapes every second, and what it answers."""

import json
import math
import re
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sidecar import DEADLINE, eventually

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Target:
    """What Prometheus scrapes, with the labels that a PodMonitor would give it."""

    port: int
    pod: str
    container: str = "flagstaff"
    namespace: str = "shop"
    job: str = "shop"

    def config(self) -> dict[str, Any]:
        return {
            "job_name": f"{self.pod}-{self.container}",
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{self.port}"],
                    "labels": {
                        "namespace": self.namespace,
                        "job": self.job,
                        "pod": self.pod,
                        "container": self.container,
                    },
                }
            ],
        }


class Refused(Exception):
    """Prometheus could not run a query."""


class Prometheus:
    """One Prometheus server, with the rules it evaluates each second."""

    def __init__(self, directory: Path, targets: Iterable[Target], rules: Path) -> None:
        config = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(rules)],
            "scrape_configs": [target.config() for target in targets],
        }
        file = directory / "prometheus.yml"
        file.write_text(yaml.safe_dump(config))
        command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={directory}/data"]
        command += ["--web.listen-address=127.0.0.1:0"]
        self.log: list[str] = []
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._url = f"http://127.0.0.1:{eventually(self._port, 'Prometheus listens')}"
            eventually(self._ready, "Prometheus is ready")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def api(self, path: str, **arguments: str | list[str]) -> Any:
        data = urllib.parse.urlencode(arguments, doseq=True).encode() if arguments else None
        try:
            with OPENER.open(f"{self._url}/api/v1/{path}", data, timeout=DEADLINE) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)["error"]) from None

    def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """The samples of an instant vector (or of a scalar, as a sample without labels)."""
        arguments = {"query": expr} | ({} if at is None else {"time": f"{at:.3f}"})
        data = self.api("query", **arguments)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return data["result"]

    def values(self, expr: str, *labels: str, at: float | None = None) -> dict[Any, float]:
        """The values of a query by the given labels: by the label itself if it is one."""
        found = {}
        for sample in self.query(expr, at):
            key = tuple(sample["metric"].get(label, "") for label in labels)
            key = key[0] if len(labels) == 1 else key
            assert key not in found, f"{labels} do not tell the samples of {expr} apart"
            found[key] = float(sample["value"][1])
        return found

    def value(self, expr: str, at: float | None = None) -> float:
        [value] = self.values(expr, at=at).values()
        return value

    def has_data(self, expr: str) -> bool:
        return any(not math.isnan(float(sample["value"][1])) for sample in self.query(expr))

    def labels(self) -> set[str]:
        return set(self.api("labels"))

    def groups(self) -> list[dict[str, Any]]:
        return self.api("rules")["groups"]

    def scraped(self, up: Mapping[str, float]) -> float:
        """Waits for a scrape of every pod that begins after now; returns when the last one began.

        Expects of each pod that it is up (1) or down (0).
        """
        now = time.time()

        def after() -> float:
            times = self.values('timestamp(up{container="flagstaff"})', "pod")
            if times.keys() != up.keys() or min(times.values()) <= now:
                return 0
            return (
                max(times.values()) if self.values('up{container="flagstaff"}', "pod") == up else 0
            )

        return eventually(after, f"a scrape of all pods, up as in {up}")

    def evaluated(self, *results: str) -> None:
        """Waits until the rules with these results, one of each group, were evaluated after now.

        Twice, because a rule may read what a later one of its group records.
        """
        for _ in range(2):
            now = time.time()
            for result in results:
                eventually(
                    lambda result=result, now=now: (
                        self.query(f"timestamp({result}) > {now:.3f}") or None
                    ),
                    f"{result} was evaluated",
                )

    def _ready(self) -> bool:
        try:
            with OPENER.open(f"{self._url}/-/ready", timeout=DEADLINE) as response:
                return response.status == 200
        except OSError:
            return False

    def _port(self) -> int | None:
        code = self._process.poll()
        assert code is None, f"prometheus ended with {code}: {''.join(self.log)}"
        # The port it was given; an earlier line has the port it was asked for, which is 0.
        found = re.search(r'"Listening on" address=\S+:(\d+)', "".join(self.log))
        return int(found[1]) if found else None

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr:
            for line in self._process.stderr:
                self.log.append(line)
