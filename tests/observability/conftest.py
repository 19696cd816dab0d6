"""Fixtures: a fleet under load in front of a real Prometheus, made once for all tests."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import RAMP, Fleet
from prometheus import Prometheus

# grpcio sends even 127.0.0.1 through an http_proxy unless told not to.
os.environ["no_grpc_proxy"] = "127.0.0.1,localhost,::1"
for name in [name for name in os.environ if name.startswith("FLAGD_")]:
    del os.environ[name]


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """After a load, a ramp from 5 % to 25 %, an override, and the load once more."""
    fleet = Fleet(tmp_path_factory.mktemp("fleet"))
    try:
        fleet.load()
        fleet.scraped()
        fleet.documents["flags"][RAMP]["targeting"]["fractional"] = [["on", 25], ["off", 75]]
        fleet.change(0, 1)
        fleet.override("enable_search_suggestions", "off")
        fleet.load()
        fleet.scraped()
        fleet.prometheus.evaluated(
            "namespace_job_flag_owner:flagstaff_flag_info:most",
            'ALERTS{alertname="FlagstaffDown"}',
        )
        yield fleet
    finally:
        fleet.close()


@pytest.fixture(scope="session")
def prometheus(fleet: Fleet) -> Prometheus:
    return fleet.prometheus


@pytest.fixture
def promtool() -> Callable[..., str]:
    def run(*arguments: str | Path, text: str | None = None) -> str:
        command = ["promtool", *map(str, arguments)]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run
