"""The node: namespaces of its own for all that a run does, which end with it, however it ends.

A run starts itself again behind `unshare`. Whatever it starts, mounts or connects is inside, and
goes with the first process in there, which goes with the one outside. Only control groups are the
machine's: a run removes its own, and those of runs that were killed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

INSIDE = "PODSIM_NODE"
"""Set inside, to the name of the node."""

CGROUPS = Path("/sys/fs/cgroup")

PROGRAMS = {"ip": "iproute2", "setpriv": "util-linux", "runc": "runc"}
"""What has to be there, and the Debian package that has it."""

SECCOMP = Path("/usr/share/containers/seccomp.json")
"""What a container runtime allows by default, as the package of that name in Debian has it."""


def missing() -> str | None:
    """Why no pod can be run here; None where one can."""
    if os.geteuid() != 0:
        return "pods need namespaces: run as root"
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            return f"{program} is missing; on Debian or Ubuntu: apt-get install {package}"
    if not SECCOMP.exists():
        package = "golang-github-containers-common"
        return f"{SECCOMP} is missing; on Debian or Ubuntu: apt-get install {package}"
    return no_limits(CGROUPS)


def no_limits(root: Path) -> str | None:
    """Why no container can be limited there; None where one can.

    Tried as runc does it. Of control groups of version 2 that is all that we tried: there was no
    machine of ours to run the suite on.
    """
    files = {"memory": "limit_in_bytes", "cpu": "cfs_quota_us"}
    if unified := (root / "cgroup.controllers").exists():
        files = dict.fromkeys(files, "max")
    for controller, file in files.items():
        group = (root if unified else root / controller) / f"podsim-{identity()}"
        try:
            if unified:
                (root / "cgroup.subtree_control").write_text(f"+{controller}")
            group.mkdir()
            try:
                (group / f"{controller}.{file}").write_text("max" if unified else "-1")
            finally:
                group.rmdir()
        except OSError as error:
            return (
                f"no control group below {root} can be made to limit {controller} ({error}): "
                "run on the machine itself, or in a privileged container"
            )
    return None


def inside() -> bool:
    return INSIDE in os.environ


def name() -> str:
    """The name of this node, from inside."""
    return os.environ[INSIDE]


def command(name: str, arguments: Sequence[str]) -> list[str]:
    """A command line that runs another in a new node."""
    spaces = ["--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    # The node goes with whoever started it.
    first = ["setpriv", "--pdeathsig", "KILL", "unshare", *spaces]
    return [*first, "env", f"{INSIDE}={name}", *arguments]


def run(arguments: Sequence[str]) -> int:
    """Runs Python in a new node; returns its exit code."""
    sweep()
    name = f"podsim-{identity()}"
    # Not at once: what is removed below would be left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return subprocess.run(command(name, [sys.executable, *arguments]), check=False).returncode
    finally:
        remove_cgroups(name)


def set_up() -> None:
    """Makes the node usable, from inside."""
    # Users without rights look into what root makes here, whatever its own files are to be.
    os.umask(0o022)
    # What `ip netns` keeps there is to be of this mount namespace alone.
    Path("/run/netns").mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "podsim", "/run/netns"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def cgroup(container: str) -> str:
    """The control group of a container."""
    return f"/{name()}/{container}"


def cgroups(name: str, itself: bool = True) -> list[Path]:
    """The control groups of a node, the inner ones first; one for each controller."""
    roots = [root for root in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")) if root.is_dir()]
    found = [path for root in roots for path in root.rglob("*") if path.is_dir()]
    found.sort(key=lambda path: -len(path.parts))
    return [*found, *roots] if itself else found


def remove_cgroups(name: str, deadline: float = 5.0) -> None:
    """Removes the control groups of a node whose processes end now."""
    end = time.monotonic() + deadline
    while left := cgroups(name):
        for path in left:
            try:
                path.rmdir()
            except OSError:
                # A process that was killed is still in it.
                if time.monotonic() > end:
                    raise
        time.sleep(0.01)


def identity(pid: int | str = "self") -> str | None:
    """What no other process of this machine is called: its number, and when it started."""
    try:
        number, _, rest = Path(f"/proc/{pid}/stat").read_text().partition(" ")
    except OSError:
        return None
    # From the third field on: the second is its name, which may hold blanks.
    return f"{number}-{rest.rpartition(')')[2].split()[19]}"


def sweep() -> None:
    """Removes the control groups of nodes that were killed."""
    names = {path.name for pattern in ("podsim-*", "*/podsim-*") for path in CGROUPS.glob(pattern)}
    for name in names:
        of = name.removeprefix("podsim-")
        if identity(of.partition("-")[0]) != of:
            # One with processes is that of a node whose processes are numbered elsewhere.
            with contextlib.suppress(OSError):
                remove_cgroups(name, deadline=0)
