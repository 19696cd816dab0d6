"""The image: what is in it, and that it serves as any user, without rights and in little memory."""

import asyncio
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import image as images
import node
import pytest
from container import Run
from manifest import Container
from network import Network
from oci import bind
from volumes import atomic_write

LIMIT = 10_000_000
"""Bytes of the image, at most."""

MEMORY = 32 << 20
"""Bytes of memory that have to be enough, for the flags and streams below."""

N_FLAGS, N_STREAMS, N_RELOADS = 1000, 200, 50

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}

FLAGS = "/etc/flagstaff/flags"
OVERRIDES = "/run/flagstaff/overrides"
SOCKET = "/run/flagstaff/socket"


def test_the_image_is_the_program_and_nothing_else(built, program):
    (file,) = built.rootfs.rglob("*")
    assert file.name == "flagstaff" and file.read_bytes() == program.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o755
    unpacked = file.stat().st_size
    print(f"{built.size / 1e6:.2f} MB to pull, {unpacked / 1e6:.2f} MB unpacked")
    assert built.size < unpacked < LIMIT
    config = built.config["config"]
    assert (config["User"], config["Entrypoint"]) == ("64013:64013", ["/flagstaff"])
    assert config["StopSignal"] == "SIGTERM"
    assert not {"Cmd", "Healthcheck", "Volumes", "ExposedPorts", "WorkingDir"} & set(config)
    known = ("title", "description", "version", "revision", "licenses")
    assert {f"org.opencontainers.image.{name}" for name in known} <= config["Labels"].keys()
    assert config["Labels"]["org.opencontainers.image.revision"] == images.REVISION
    assert built.config["os"] == "linux"


def test_the_same_program_gives_the_same_image(built, program, tmp_path):
    again = tmp_path / "flagstaff"
    again.write_bytes(program.read_bytes())
    again.chmod(0o755)
    os.utime(again, (1, 1))
    assert images.build(again, tmp_path / "again").digest == built.digest


class Sidecar:
    """A container of the image beside no application, whose directories are this machine's."""

    def __init__(self, directory: Path, built: images.Built, args: list[str], **how: Any) -> None:
        self.directory = directory
        self.network = Network(how.get("families", "46"))
        for name in ("flags", "overrides", "socket"):
            (directory / name).mkdir(exist_ok=True)
            (directory / name).chmod(0o777)
        manifest = {
            "name": "flagstaff",
            "image": "flagstaff",
            "args": ["serve", *args],
            "resources": {"limits": how.get("limits", {})},
            "securityContext": {**RESTRICTED, **how.get("security", {})},
        }
        binds = how.get("binds") or [bind(directory / "flags", FLAGS, is_read_only=True)]
        binds += [
            bind(directory / "overrides", OVERRIDES, is_read_only=False),
            bind(directory / "socket", SOCKET, is_read_only=False),
        ]
        container = Container.read(manifest, is_init=False, pod_security={})
        self.run = Run(directory, container, built.unpacked, {}, binds, self.network.path)

    def get(self, path: str) -> tuple[int, str]:
        """Asks the management port at the pod's address; status 0 where nobody answers."""
        host = self.network.address
        host = f"[{host}]" if ":" in host else host
        try:
            with urllib.request.urlopen(f"http://{host}:8014{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def eventually(self, condition: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + 10
        while not (value := condition()):
            assert self.run.code is None, f"it ended: {self.run.output()}"
            assert time.monotonic() < end, f"not within 10 s: {what}\n{self.run.output()}"
            time.sleep(0.002)
        return value

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def process(self) -> dict[str, str]:
        """What the kernel says of the sidecar's process."""
        (pid,) = self.network.processes()
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def threads(self) -> list[str]:
        (pid,) = self.network.processes()
        return [path.read_text().strip() for path in Path(f"/proc/{pid}/task").glob("*/comm")]

    def channel(self, interface: Any = grpc) -> Any:
        target = f"unix:{self.directory}/socket/flagstaff.sock"
        # Each of its own, instead of one connection behind all.
        return interface.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)])

    def ask(self, flag: str) -> bytes:
        """The answer for a string flag, as it comes."""
        with self.channel() as channel:
            method = channel.unary_unary("/flagd.evaluation.v2.Service/ResolveString")
            return method(bytes([0x0A, len(flag)]) + flag.encode(), timeout=5)


@pytest.fixture
def start(tmp_path: Path, built: images.Built) -> Iterator[Callable[..., Sidecar]]:
    sidecars: list[Sidecar] = []

    def started(*args: str, **how: Any) -> Sidecar:
        options = ["--management-bind=any", f"--overrides={OVERRIDES}"]
        options += [f"--uds={SOCKET}/flagstaff.sock", "--uds-mode=0666"]
        directory = tmp_path / f"sidecar{len(sidecars)}"
        directory.mkdir()
        write(directory, how.pop("flags", one_flag("old")))
        sidecars.append(Sidecar(directory, built, [*(args or [FLAGS]), *options], **how))
        return sidecars[-1]

    yield started
    for sidecar in sidecars:
        sidecar.run.close()
        sidecar.network.close()


def one_flag(default: str) -> dict[str, Any]:
    variants = {"old": "old", "new": "new"}
    return {"a": {"state": "ENABLED", "variants": variants, "defaultVariant": default}}


def write(directory: Path, flags: dict[str, Any]) -> None:
    """Mounts flags as the kubelet does, or updates them."""
    mount = directory / "flags"
    mount.mkdir(exist_ok=True)
    atomic_write(mount, {"flags.json": json.dumps({"flags": flags})}, 0o644, None)


@pytest.mark.parametrize("families", ["46", "4", "6"])
@pytest.mark.parametrize("user", [64013, 12345])
def test_it_serves_without_any_right(start, claim, user, families):
    sidecar = start(security={"runAsUser": user, "runAsGroup": user}, families=families)
    started = time.monotonic()
    sidecar.eventually(sidecar.is_ready, "ready")
    claim("the image: from runc to ready", 0.2, time.monotonic() - started)
    process = sidecar.process()
    assert process["Uid"].split() == [str(user)] * 4
    assert {process[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (process["NoNewPrivs"], process["Seccomp"]) == ("1", "2")
    print(f"{process['VmRSS']} resident")
    # Twice the goal: the program's own pages count, as far as they were touched.
    assert int(process["VmRSS"].split()[0]) < 12 << 10

    healthy = sidecar.run.execute(["/flagstaff", "health"])
    assert healthy.returncode == 0, healthy.stderr
    assert b"old" in sidecar.ask("a")
    write(sidecar.directory, one_flag("new"))
    sidecar.eventually(lambda: b"new" in sidecar.ask("a"), "the new flags")
    command = ["/flagstaff", "override", "set", "a", "old", "--for", "1h", "--why", "INC-4711"]
    overridden = sidecar.run.execute(command)
    assert overridden.returncode == 0, overridden.stderr
    assert b"old" in sidecar.ask("a")
    cleared = sidecar.run.execute(["/flagstaff", "override", "clear", "a"])
    assert cleared.returncode == 0, cleared.stderr
    assert b"new" in sidecar.ask("a")
    stopped = time.monotonic()
    sidecar.run.signal(signal.SIGTERM)
    assert sidecar.run.ended.wait(5)
    assert sidecar.run.code == 0, sidecar.run.output()
    claim("the image: from SIGTERM to its end", 0.4, sidecar.run.ended_at - stopped)


def test_without_flags_it_is_not_healthy_and_stops_as_well(start):
    sidecar = start("/etc/flagstaff/flags/other.json")
    sidecar.eventually(lambda: sidecar.get("/readyz")[0] == 503, "listening")
    unhealthy = sidecar.run.execute(["/flagstaff", "health"])
    assert unhealthy.returncode == 1 and "other.json" in unhealthy.stdout + unhealthy.stderr
    sidecar.run.signal(signal.SIGTERM)
    assert sidecar.run.ended.wait(5) and sidecar.run.code == 0


def test_a_file_mounted_by_itself_is_named(start, tmp_path):
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps({"flags": one_flag("old")}))
    sidecar = start("/flags.json", binds=[bind(alone, "/flags.json", is_read_only=True)])
    sidecar.eventually(sidecar.is_ready, "ready")
    sidecar.eventually(lambda: "can never be updated" in sidecar.run.output(), "a warning")
    assert "without subPath" in sidecar.run.output()


@pytest.mark.parametrize(("cpu", "n_threads"), [("500m", 0), ("1", 0), ("2", 2)])
def test_it_takes_as_many_threads_as_it_has_processors(start, cpu, n_threads):
    if n_threads > len(os.sched_getaffinity(0)):
        pytest.skip("this machine has one processor")
    sidecar = start(limits={"cpu": cpu})
    sidecar.eventually(sidecar.is_ready, "ready")
    workers = [name for name in sidecar.threads() if name.startswith("worker-")]
    assert len(workers) == n_threads


def many(generation: int) -> dict[str, Any]:
    """Flags with rules, of which twenty are new in every round."""

    def flag(number: int) -> dict[str, Any]:
        share = 50 if number // 20 != generation % (N_FLAGS // 20) else generation
        rules = [
            {"in": [{"var": "plan"}, ["enterprise", "business"]]},
            "on",
            {"ends_with": [{"var": "email"}, "@example.com"]},
            "on",
            {"fractional": [["on", share], ["off", 100 - share]]},
        ]
        return {
            "state": "ENABLED",
            "variants": {"on": "on", "off": "off"},
            "defaultVariant": "off",
            "metadata": {"owner": "team-checkout", "kind": "release", "expires": "2027-06-30"},
            "targeting": {"if": rules},
        }

    return {f"flag-{number:04}": flag(number) for number in range(N_FLAGS)}


def used(run: Run) -> tuple[int, int]:
    """Bytes of memory a container has in use, and had at most, as its limit counts them."""
    names = ("memory.usage_in_bytes", "memory.max_usage_in_bytes")
    group = node.CGROUPS / "memory" / run.cgroup.lstrip("/")
    if not group.exists():
        names = ("memory.current", "memory.peak")
        group = node.CGROUPS / run.cgroup.lstrip("/")
    now, most = (int((group / name).read_text()) for name in names)
    return now, most


def test_a_limit_of_32_mib_holds_a_thousand_flags_and_two_hundred_streams(start):
    sidecar = start(limits={"memory": str(MEMORY)}, flags=many(0))
    sidecar.eventually(sidecar.is_ready, "ready")
    idle = used(sidecar.run)

    def is_alone() -> bool:
        _, page = sidecar.get("/metrics")
        streams = f'flagstaff_streams_active{{kind="event_stream"}} {N_STREAMS}\n'
        return streams in page and f"flagstaff_connections_active {N_STREAMS}\n" in page

    async def subscribe() -> None:
        channels = [sidecar.channel(grpc.aio) for _ in range(N_STREAMS)]
        streams = [
            channel.unary_stream("/flagd.evaluation.v2.Service/EventStream")(b"")
            for channel in channels
        ]
        for _ in ("provider_ready", "all keys"):
            await asyncio.gather(*(stream.read() for stream in streams))
        for generation in range(1, N_RELOADS + 1):
            await asyncio.to_thread(write, sidecar.directory, many(generation))
            changes = await asyncio.gather(*(stream.read() for stream in streams))
            assert all(b"configuration_change" in change for change in changes)
            await asyncio.to_thread(sidecar.ask, f"flag-{generation:04}")
        await asyncio.to_thread(sidecar.eventually, is_alone, "these streams and no others")
        await asyncio.gather(*(channel.close() for channel in channels))

    asyncio.run(asyncio.wait_for(subscribe(), 120))
    now, most = used(sidecar.run)
    counted = ", ".join(f"{size >> 10}" for size in (idle[0], now, most))
    print(f"KiB counted by the limit, idle, at the end and at most: {counted}")
    assert sidecar.run.code is None, sidecar.run.output()
    assert most < MEMORY
