"""One run of one container, from its start to its end; the next start is another run."""

import itertools
import json
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import node
import oci
from manifest import Container, Fields

numbers = itertools.count(1)


class Run:
    """A container that was started by runc."""

    def __init__(
        self,
        directory: Path,
        container: Container,
        image: oci.Image,
        env: dict[str, str],
        binds: list[Fields],
        network: Path,
    ) -> None:
        self.container = container
        self.id = f"{container.name}-{next(numbers)}"
        self._bundle = directory / self.id
        self._state = directory / "runc"
        self.log = self._bundle / "log"
        self.cgroup = node.cgroup(self.id)
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self.code: int | None = None
        self.ended = threading.Event()

        root = self._mount_root(image)
        config = oci.configuration(container, image, root, env, binds, network, self.cgroup)
        (self._bundle / "config.json").write_text(json.dumps(config, indent=1))
        with self.log.open("wb") as log:
            self._runc = subprocess.Popen(
                self._command("run", "--bundle", str(self._bundle), self.id),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._waiter.start()

    def signal(self, number: signal.Signals) -> None:
        """Sends the container's first process a signal; one that is not there any more, none."""
        subprocess.run(
            self._command("kill", self.id, str(int(number))), capture_output=True, check=False
        )

    def execute(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs a program inside, as `kubectl exec` does."""
        return subprocess.run(
            self._command("exec", self.id, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def stop(self, grace: float) -> None:
        """SIGTERM; SIGKILL when the grace is over. Returns when it ended."""
        self.signal(signal.SIGTERM)
        if not self.ended.wait(grace):
            self.kill()

    def kill(self) -> None:
        # One that is being started is not there yet for a signal.
        while not self.ended.is_set():
            self.signal(signal.SIGKILL)
            self.ended.wait(0.05)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def close(self) -> None:
        """Ends it, if it still runs, and removes what it had on the node."""
        self.kill()
        self._waiter.join()
        for path in self._mounts:
            subprocess.run(["umount", "--lazy", path], check=True)

    def _mount_root(self, image: oci.Image) -> Path:
        """The image's root below, and a layer of this run's own above it."""
        root, layer = self._mounts = [self._bundle / name for name in ("rootfs", "layer")]
        root.mkdir(parents=True)
        layer.mkdir()
        # In memory, since one overlay cannot be written to another, which /tmp may be in.
        subprocess.run(["mount", "-t", "tmpfs", "podsim", layer], check=True)
        for name in ("upper", "work"):
            (layer / name).mkdir()
        options = f"lowerdir={image.rootfs},upperdir={layer}/upper,workdir={layer}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "podsim", root], check=True)
        return root

    def _command(self, *arguments: str) -> list[str]:
        return ["runc", "--root", str(self._state), *arguments]

    def _wait(self) -> None:
        self.code = self._runc.wait()
        self.ended_at = time.monotonic()
        self.ended.set()
