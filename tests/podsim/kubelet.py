"""What the kubelet does to a pod: starts it in order, watches over it, ends it in order.

It knows of the pod what the manifest says, and of time what the kubelet's own constants say.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import manifest
from container import Run
from manifest import Container
from probes import RELIST, Probes
from volumes import Missing, Volumes

BACK_OFF, LONGEST_BACK_OFF = 10.0, 300.0
"""After which a container is started once more that was started again before."""

LEAST_GRACE = 2.0
"""What a container has from SIGTERM to SIGKILL when the pod's grace is used up."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a container, or to the pod (whose name is empty)."""

    at: float
    container: str
    what: str


class Status:
    """One container of a pod, over all its runs."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.runs: list[Run] = []
        self.probes: list[Probes] = []
        self.n_ends = 0
        """How many ends of it the kubelet has noticed."""

    @property
    def is_running(self) -> bool:
        return self.n_ends < len(self.runs)

    @property
    def has_started(self) -> bool:
        return self.is_running and self.probes[-1].started.is_set()

    @property
    def is_ready(self) -> bool:
        return self.has_started and self.probes[-1].is_ready

    @property
    def is_lasting(self) -> bool:
        """Whether it goes on running beside the others."""
        return self.container.is_sidecar or not self.container.is_init

    def restarts(self, policy: str) -> bool:
        """Whether it is started again, now that it has ended."""
        if self.container.is_sidecar:
            return True
        has_failed = self.runs[-1].code != 0
        return policy == "Always" and self.is_lasting or policy != "Never" and has_failed

    def back_off(self) -> float:
        """Seconds from its end to its next start."""
        return min(BACK_OFF * 2 ** (self.n_ends - 2), LONGEST_BACK_OFF) if self.n_ends > 1 else 0


class Kubelet:
    """The kubelet's part for one pod, in a thread."""

    def __init__(
        self, pod: manifest.Pod, volumes: Volumes, run: Callable[[Container], Run], address: str
    ) -> None:
        """`run` starts a container, and `address` is where probes go."""
        self.statuses = {one.name: Status(one) for one in pod.containers}
        self.events: list[Event] = []
        self.phase = "Pending"
        self.failure: BaseException | None = None
        self._pod = pod
        self._volumes = volumes
        self._run = run
        self._address = address
        self._listed_at = 0.0
        self._halted = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._note("", "accepted")
        self._thread.start()

    def halt(self) -> None:
        """Lets the pod be as it is from now on."""
        self._halted.set()
        if self._thread.is_alive():
            self._thread.join()
        for status in self.statuses.values():
            for probes in status.probes:
                probes.stop()

    def delete(self) -> None:
        """Ends the pod as its deletion does, and returns when all has ended."""
        self.halt()
        self._terminate("deleted")

    @property
    def is_ready(self) -> bool:
        """Whether Services send it requests: every container counts that goes on running."""
        return all(status.is_ready for status in self.statuses.values() if status.is_lasting)

    def _note(self, container: str, what: str, at: float | None = None) -> None:
        self.events.append(Event(at or time.monotonic(), container, what))

    def _work(self) -> None:
        try:
            while not self._halted.wait(0.01):
                if time.monotonic() - self._listed_at >= RELIST:
                    self._listed_at = time.monotonic()
                    self._notice_ends()
                    self._mount()
                if self._volumes.is_set_up:
                    self._sync()
        except BaseException as error:
            self.failure = error
            raise

    def _notice_ends(self) -> None:
        for status in self.statuses.values():
            if status.is_running and status.runs[-1].ended.is_set():
                status.probes[-1].stop()
                status.n_ends += 1
                run = status.runs[-1]
                self._note(status.container.name, f"ended with {run.code}", run.ended_at)

    def _mount(self) -> None:
        """Sets the volumes up; the kubelet tries again too, and waits longer each time."""
        if not self._volumes.is_set_up:
            try:
                self._volumes.set_up()
                self._note("", "volumes are there")
            except Missing as error:
                self._note("", f"volumes are missing: {error}")

    def _sync(self) -> None:
        """Starts what is to run now, in order; the next follows when this one has started."""
        is_pending = self.phase == "Pending"
        for status in self.statuses.values():
            if not status.is_lasting and not is_pending:
                continue
            over = self._keep(status)
            is_done = status.has_started if status.container.is_sidecar else over
            if status.container.is_init and is_pending and not is_done:
                return
        self.phase = "Running"
        apps = [status for status in self.statuses.values() if not status.container.is_init]
        if all(self._is_over(status) for status in apps):
            self._terminate("completed")
            failed = any(status.runs[-1].code for status in apps)
            self.phase = "Failed" if failed else "Succeeded"
            self._halted.set()

    def _is_over(self, status: Status) -> bool:
        return bool(status.runs) and not status.is_running and not status.restarts(self._policy)

    @property
    def _policy(self) -> str:
        return self._pod.restart_policy

    def _keep(self, status: Status) -> bool:
        """Starts a container that should run and does not; returns whether it is over."""
        if status.is_running:
            return False
        if self._is_over(status):
            return True
        if status.runs:
            ended_at = status.runs[-1].ended_at or 0.0
            if time.monotonic() < ended_at + status.back_off():
                return False
        self._start(status)
        return False

    def _start(self, status: Status) -> None:
        container = status.container
        run = self._run(container)
        self._note(container.name, "started", run.started_at)

        def is_failed(kind: str, why: str, grace: float | None) -> None:
            self._note(container.name, f"{kind} probe failed: {why}")
            run.stop(self._pod.grace if grace is None else grace)

        status.probes.append(Probes(run, self._address, is_failed))
        status.runs.append(run)
        # The next container is not started before this hook has returned.
        if (hook := container.hooks.get("postStart")) and not self._runs_hook(run, hook):
            run.stop(self._pod.grace)

    def _runs_hook(self, run: Run, hook: manifest.Fields) -> bool:
        if "sleep" in hook:
            return not run.ended.wait(hook["sleep"]["seconds"])
        done = run.execute(hook["exec"]["command"])
        self._note(run.container.name, f"hook ended with {done.returncode}: {done.stderr.strip()}")
        return done.returncode == 0

    def _terminate(self, why: str) -> None:
        """Ends all containers: the sidecars after the others, the last one first."""
        self._note("", why)
        end = time.monotonic() + self._pod.grace
        running = [status for status in self.statuses.values() if status.is_running]

        def stop(run: Run, later: list[Run]) -> None:
            if hook := run.container.hooks.get("preStop"):
                self._runs_hook(run, hook)
            for other in later:
                other.ended.wait(max(0.0, end - time.monotonic()))
            if not run.ended.is_set():
                self._note(run.container.name, "terminated")
            run.stop(max(LEAST_GRACE, end - time.monotonic()))
            self._note(run.container.name, f"ended with {run.code}", run.ended_at)

        threads = []
        for n, status in enumerate(running):
            later = running[n + 1 :] if status.container.is_sidecar else []
            arguments = (status.runs[-1], [other.runs[-1] for other in later])
            threads.append(threading.Thread(target=stop, args=arguments, daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for status in running:
            status.probes[-1].stop()
            status.n_ends += 1
