"""The probes of one run of a container, each with a thread of its own, as the kubelet has them."""

import http.client
import subprocess
import threading
import time
from collections.abc import Callable

from container import Run
from manifest import Probe, Unsimulated

RELIST = 1.0
"""How often the kubelet looks which containers have started and which have ended."""


def ask(probe: Probe, run: Run, address: str) -> str | None:
    """Asks once; returns what went wrong."""
    if probe.action == "exec":
        try:
            done = run.execute(probe.target["command"])
        except subprocess.TimeoutExpired:
            return "timeout"
        return None if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr}"
    port = probe.target["port"]
    if isinstance(port, str):
        port = run.container.ports[port]
    # The name of the host is not looked up: the address is the pod's.
    connection = http.client.HTTPConnection(address, port, timeout=probe.timeout)
    headers = {one["name"]: one["value"] for one in probe.target.get("httpHeaders", [])}
    try:
        headers = {"User-Agent": "kube-probe/1.37", "Connection": "close", **headers}
        connection.request("GET", probe.target.get("path", "/"), headers=headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    if 300 <= answer.status < 400:
        raise Unsimulated("a redirect as the answer to a probe")
    return None if answer.status < 300 else f"status {answer.status}"


class Probes:
    """Whether a run has started, is ready and lives, as its probes say."""

    def __init__(
        self, run: Run, address: str, is_failed: Callable[[str, str, float | None], None]
    ) -> None:
        """`is_failed` is told of a container that its probe wants killed: probe, why, grace."""
        self._run = run
        self._address = address
        self._is_failed = is_failed
        self._stopped = threading.Event()
        wanted = run.container.probes
        # What nobody asks about is taken to be so.
        self.started = threading.Event()
        self.is_ready = "readiness" not in wanted
        self.asked: dict[str, int] = dict.fromkeys(wanted, 0)
        if "startup" not in wanted:
            self.started.set()
        for kind, probe in wanted.items():
            threading.Thread(target=self._probe, args=(kind, probe), daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _probe(self, kind: str, probe: Probe) -> None:
        if kind != "startup":
            while not self.started.wait(0.05):
                if self._over():
                    return
        begin = time.monotonic()
        wait = max(0.0, self._run.started_at + probe.initial_delay - begin)
        successes = failures = 0
        while not self._stopped.wait(wait) and not self._over():
            begin = time.monotonic()
            error = ask(probe, self._run, self._address)
            self.asked[kind] += 1
            if self._over():
                return
            successes, failures = (successes + 1, 0) if error is None else (0, failures + 1)
            if successes >= probe.success:
                if kind == "startup":
                    self.started.set()
                    return
                self.is_ready = self.is_ready or kind == "readiness"
            elif failures >= probe.failure:
                if kind == "readiness":
                    self.is_ready = False
                else:
                    self._is_failed(kind, error or "", probe.grace)
                    return
            # The kubelet asks about readiness again when it has noticed the start.
            is_early = kind == "readiness" and self.asked[kind] == 1 and not self.is_ready
            period = min(probe.period, RELIST) if is_early else probe.period
            wait = max(0.0, begin + period - time.monotonic())

    def _over(self) -> bool:
        return self._stopped.is_set() or self._run.ended.is_set()
