"""Fixtures: sidecars, the official provider connected to them, and what it reported."""

import itertools
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.event import EventDetails, ProviderEvent
from sidecar import DEADLINE, ConfigMapMount, FlagFile, Sidecar

# grpcio sends even 127.0.0.1 through an http_proxy unless told not to.
os.environ["no_grpc_proxy"] = "127.0.0.1,localhost,::1"
for name in [name for name in os.environ if name.startswith("FLAGD_")]:
    del os.environ[name]

domains = (f"test-{n}" for n in itertools.count())


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short name: the path of a Unix socket has room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="fs-") as name:
        yield Path(name)


@pytest.fixture
def flag_file(directory: Path) -> Callable[..., FlagFile]:
    return lambda definitions, **options: FlagFile(directory, definitions, **options)


@pytest.fixture
def config_map(directory: Path) -> Callable[..., ConfigMapMount]:
    return lambda definitions: ConfigMapMount(directory, definitions)


@pytest.fixture
def sidecar(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sidecar]]:
    """Starts sidecars that end with the test; a failed test shows what they logged."""
    started: list[Sidecar] = []
    request.node.sidecars = started

    def start(*paths: Path, **options: Any) -> Sidecar:
        started.append(Sidecar(*paths, **options))
        return started[-1].start()

    yield start
    for one in started:
        one.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., OpenFeatureClient]]:
    """Connects the unmodified provider: its defaults, with the options that a test is about.

    Only the deadline is longer, which also bounds the start, for machines that are busy.
    """

    def connected(sidecar: Sidecar, **options: Any) -> OpenFeatureClient:
        options = {"host": "127.0.0.1", "port": sidecar.port, "deadline_ms": 5000, **options}
        domain = next(domains)
        client = api.get_client(domain)
        # The stream opens with a change of all keys, which empties the cache: tests begin after it.
        opened = threading.Event()
        client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, lambda _: opened.set())
        api.set_provider_and_wait(FlagdProvider(**options), domain=domain)
        assert opened.wait(DEADLINE), "the stream did not open with a change of all keys"
        return client

    yield connected
    api.shutdown()


class Changes:
    """The PROVIDER_CONFIGURATION_CHANGED events of one client, as sets of flag keys."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self._events: queue.Queue[tuple[float, frozenset[str]]] = queue.Queue()
        self.seen: list[frozenset[str]] = []
        client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, self._add)

    def _add(self, event: EventDetails) -> None:
        self._events.put((time.monotonic(), frozenset(event.flags_changed or [])))

    def wait_for(self, *keys: str) -> float:
        """Waits for a change of exactly these flags; returns the time.monotonic() it came at."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            try:
                at, changed = self._events.get(timeout=end - time.monotonic())
            except (queue.Empty, ValueError):
                break
            self.seen.append(changed)
            if changed == set(keys):
                return at
        raise AssertionError(f"no change of exactly {set(keys)} in {DEADLINE} s; seen: {self.seen}")


@pytest.fixture
def changes() -> type[Changes]:
    """Records the changes that a client is told of, from now on."""
    return Changes


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        for n, one in enumerate(getattr(item, "sidecars", [])):
            report.sections.append((f"stderr of sidecar {n}", "".join(one.stderr)))
    return report
