"""A pod of a rendered manifest: made, changed, asked and deleted as from its cluster."""

import http.client
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import manifest
import oci
from container import Run
from kubelet import Kubelet
from manifest import Container, Fields
from network import Network, ip
from volumes import Volumes

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds until a condition counts as never met: far above every claim, for busy machines."""

SERIES = re.compile(r"(?P<name>\w+)(?P<labels>(?:\{.*\})?) (?P<value>\S+)")

HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{address}\t{name}\n"


class Pod:
    def __init__(
        self,
        directory: Path,
        rendered: list[Fields],
        images: dict[str, oci.Image],
        families: str = "4",
    ) -> None:
        self.spec = manifest.pod(rendered)
        self.config_maps = manifest.config_maps(rendered)
        self.network = Network(families)
        self._directory = directory
        self._images = images
        self._runs: list[Run] = []
        self._is_closed = False
        self._volumes = Volumes(directory / "volumes", self.spec, self.config_maps)
        address = self.network.address
        self._hosts = directory / "hosts"
        self._hosts.write_text(HOSTS.format(address=address, name=self.spec.name))
        self.kubelet = Kubelet(self.spec, self._volumes, self._start, address)

    def start(self) -> "Pod":
        self.kubelet.start()
        return self

    def apply(self, config_map: str, data: dict[str, str]) -> float:
        """Changes a ConfigMap and writes its volumes at once; returns when.

        A kubelet does that in its next round, within a minute or so.
        """
        self.config_maps[config_map] = {"data": data}
        at = time.monotonic()
        if self._volumes.is_set_up:
            self._volumes.sync()
        return at

    def source_of(self, volume: str) -> str:
        """The ConfigMap of a volume."""
        return self.spec.volumes[volume]["configMap"]["name"]

    def definitions(self, key: str) -> Fields:
        """The flag file of that name, in whichever ConfigMap it is."""
        (text,) = [one["data"][key] for one in self.config_maps.values() if key in one["data"]]
        return json.loads(text)

    def get(self, port: int | str, path: str, timeout: float = 5.0) -> tuple[int, str]:
        """Asks the pod at its address, from the node; OSError where nobody answers."""
        number = self.port(port) if isinstance(port, str) else port
        connection = http.client.HTTPConnection(self.network.address, number, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def port(self, name: str) -> int:
        (port,) = [one.ports[name] for one in self.spec.containers if name in one.ports]
        return port

    def inside(self, *command: str) -> str:
        """What a program of the node prints that runs in the pod's network."""
        return ip("netns", "exec", self.network.name, *command)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the sidecar's series of that name with these labels."""
        status, text = self.get("flags-mgmt", "/metrics")
        assert status == 200, text
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        series = [SERIES.fullmatch(line) for line in text.splitlines()]
        found = [one for one in series if one and one["name"] == name]
        return sum(float(one["value"]) for one in found if all(w in one["labels"] for w in wanted))

    def execute(self, container: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(container).execute(arguments)

    def run(self, container: str) -> Run:
        """The last start of a container."""
        runs = self.kubelet.statuses[container].runs
        assert runs, f"{container} was not started; {self.report()}"
        return runs[-1]

    def started(self) -> list[str]:
        """The names of containers, in the order of their starts."""
        return [event.container for event in self.kubelet.events if event.what == "started"]

    def happened(self, container: str, what: str) -> int:
        """How often this happened."""
        return sum((e.container, e.what) == (container, what) for e in self.kubelet.events)

    def when(self, container: str, what: str) -> float:
        """When this happened last."""
        found = [e.at for e in self.kubelet.events if (e.container, e.what) == (container, what)]
        assert found, f"{container} never: {what}; {self.report()}"
        return found[-1]

    def eventually(self, condition: Callable[[], T | None], what: str) -> T:
        """Returns the condition's first truthy value; at the deadline, says what never was."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                if value := condition():
                    return value
            except (OSError, http.client.HTTPException):
                pass
            assert self.kubelet.failure is None, self.kubelet.failure
            assert time.monotonic() < end, f"not within {DEADLINE} s: {what}\n{self.report()}"
            time.sleep(0.005)

    def report(self) -> str:
        """What happened to the pod, and what its containers said."""
        events = self.kubelet.events
        lines = [f"{self.spec.name}: {self.kubelet.phase}"]
        lines += [f"{e.at - events[0].at:8.3f} s  {e.container or 'pod'}: {e.what}" for e in events]
        lines += [f"--- {run.id}\n{run.output()}" for run in self._runs]
        return "\n".join(lines)

    def close(self) -> None:
        """Removes all of the pod from the node, in whatever state it is; once is enough."""
        if self._is_closed:
            return
        self._is_closed = True
        self.kubelet.halt()
        for run in self._runs:
            run.close()
        self._volumes.close()
        self.network.close()

    def _start(self, container: Container) -> Run:
        binds = [oci.bind(self._hosts, "/etc/hosts", False)]
        for mount in container.mounts:
            source = self._volumes.path(mount.volume)
            # A volume that a ConfigMap is written to is for reading, whatever a mount says.
            is_config_map = "configMap" in self.spec.volumes[mount.volume]
            binds.append(oci.bind(source, mount.path, mount.read_only or is_config_map))
        name = container.image.partition(":")[0]
        arguments = (container, self._images[name], self.spec.links, binds, self.network.path)
        run = Run(self._directory, *arguments)
        self._runs.append(run)
        return run
