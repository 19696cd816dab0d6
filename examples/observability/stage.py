"""The processes of the demo, their files and how they end."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    """The demo cannot go on, or its numbers do not hold."""


def eventually(condition: Callable[[], T | None], what: str, deadline: float = 30) -> T:
    """Returns the condition's first truthy value."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f"not within {deadline:.0f} s: {what}")
        time.sleep(0.01)
    return value


def get(url: str, data: bytes | None = None) -> str:
    try:
        with OPENER.open(url, data, timeout=10) as response:
            return response.read().decode()
    except urllib.error.HTTPError as error:
        raise Failed(f"{url}: {error.code} {error.read().decode()}") from None


class Process:
    """A child that is ended with the stage; its log is a file."""

    def __init__(self, stack: ExitStack, log: Path, command: list[str], pipes: Any = None) -> None:
        self.log = log
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FLAGSTAFF_")}
        # gRPC would send even calls to loopback to the proxy that the environment may name.
        environment["no_grpc_proxy"] = "127.0.0.1"
        with log.open("w") as stderr:
            self.child = subprocess.Popen(
                command,
                env=environment,
                stdin=pipes or subprocess.DEVNULL,
                stdout=pipes or stderr,
                stderr=stderr,
                text=True,
                # Ctrl-C is for the demo, which ends its children in order.
                start_new_session=True,
            )
        stack.callback(self.end)

    def end(self) -> None:
        self.child.terminate()
        for pipe in filter(None, (self.child.stdin, self.child.stdout)):
            pipe.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def port(self, pattern: str) -> int:
        """The port in the first line of the log that fits."""

        def found() -> int | None:
            match = re.search(pattern, self.log.read_text())
            self.check()
            return int(match[1]) if match else None

        return eventually(found, f"{self.log.stem} listens; its log:\n{self.log.read_text()}")

    def check(self) -> None:
        code = self.child.poll()
        if code is not None:
            raise Failed(f"{self.log.stem} ended with {code}:\n{self.log.read_text()}")


class Flagstaff(Process):
    def __init__(self, stack: ExitStack, directory: Path, binary: Path, flags: Path) -> None:
        command = [str(binary), "serve", str(flags), "--bind", "127.0.0.1", "--port", "0"]
        command += ["--management-bind", "127.0.0.1", "--management-port", "0"]
        super().__init__(stack, directory / "flagstaff.log", [*command, "--log-format", "json"])
        address = r'"127\.0\.0\.1:(\d+)"'
        self.flags_port = self.port(rf'(?m)^(?=.*"evaluation").*{address}')
        self.management = self.port(rf'(?m)^(?=.*"management").*{address}')
        eventually(self.generation, "flagstaff has flags")

    def generation(self) -> int:
        metrics = get(f"http://127.0.0.1:{self.management}/metrics")
        found = re.search(r"(?m)^flagstaff_config_generation (\d+)", metrics)
        return int(found[1]) if found else 0


class Worker(Process):
    """One worker of the shop."""

    def __init__(self, stack: ExitStack, log: Path, command: list[str]) -> None:
        super().__init__(stack, log, command, pipes=subprocess.PIPE)
        self.metrics = self.says()["port"]

    def says(self) -> Any:
        line = self.child.stdout.readline()
        if not line:
            self.child.wait()
            self.check()
        return json.loads(line)

    def tell(self, word: str) -> None:
        self.check()
        self.child.stdin.write(f"{word}\n")
        self.child.stdin.flush()


class Prometheus(Process):
    """Scrapes the targets and evaluates the rules, both each second."""

    def __init__(
        self, stack: ExitStack, directory: Path, server: str, rules: str, targets: dict[int, str]
    ) -> None:
        (directory / "rules.yaml").write_text(rules)
        scrapes = [
            {
                "job_name": f"{container}-{port}",
                # What a PodMonitor would say of a pod.
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{port}"],
                        "labels": {
                            "namespace": "shop",
                            "job": "shop",
                            "pod": "shop-0",
                            "container": container,
                        },
                    }
                ],
            }
            for port, container in targets.items()
        ]
        second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config = {"global": second, "rule_files": ["rules.yaml"], "scrape_configs": scrapes}
        # JSON is YAML too.
        (directory / "prometheus.yml").write_text(json.dumps(config, indent=2))
        command = [server, f"--config.file={directory}/prometheus.yml"]
        command += [f"--storage.tsdb.path={directory}/data", "--web.listen-address=127.0.0.1:0"]
        super().__init__(stack, directory / "prometheus.log", command)
        # A line before has the port that was asked for, which is 0.
        port = self.port(r"Listening on\W+address=127\.0\.0\.1:(?!0\b)(\d+)")
        self.url = f"http://127.0.0.1:{port}"
        eventually(self.is_ready, "Prometheus is ready")

    def is_ready(self) -> bool:
        try:
            get(f"{self.url}/-/ready")
        except (Failed, OSError):
            return False
        return True

    def ask(self, path: str, **arguments: str) -> Any:
        data = urllib.parse.urlencode(arguments).encode()
        return json.loads(get(f"{self.url}/api/v1/{path}", data))["data"]["result"]

    def now(self, query: str, label: str = "") -> dict[str, float]:
        """The value of each series now, by this label."""
        series = self.ask("query", query=query)
        return {one["metric"].get(label, ""): float(one["value"][1]) for one in series}

    def course(self, query: str, label: str, begin: float, end: float) -> dict[str, list[Any]]:
        """Times (since the beginning) and values of each series, second by second."""
        series = self.ask("query_range", query=query, start=f"{begin}", end=f"{end}", step="1")
        return {
            one["metric"].get(label, ""): [(at - begin, float(value)) for at, value in one["values"]]
            for one in series
        }

    def firing(self, alert: str) -> dict[str, Any] | None:
        """The labels and annotations of an alert, while it fires."""
        alerts = json.loads(get(f"{self.url}/api/v1/alerts"))["data"]["alerts"]
        fires = (a for a in alerts if a["labels"]["alertname"] == alert and a["state"] == "firing")
        return next(fires, None)

    def scraped(self, targets: int) -> None:
        """Waits for a scrape of each target that began after now."""
        query = f"count(timestamp(up) > {time.time():.3f} and up == 1) == {targets}"
        eventually(lambda: self.ask("query", query=query), "a scrape of everything")
