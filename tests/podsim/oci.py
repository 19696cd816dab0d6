"""What a container runtime is asked for, from a container's manifest and its image.

The defaults are those of containerd under Kubernetes.
"""

import json
import platform
from dataclasses import dataclass, field
from pathlib import Path

from manifest import Container, Fields, Unsimulated
from node import SECCOMP
from volumes import size

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE "
    "SYS_CHROOT KILL AUDIT_WRITE"
).split()

MOUNTS = {
    "/proc": ("proc", ["nosuid", "noexec", "nodev"]),
    "/dev": ("tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    "/dev/pts": ("devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
    "/dev/mqueue": ("mqueue", ["nosuid", "noexec", "nodev"]),
    "/dev/shm": ("tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    "/sys": ("sysfs", ["nosuid", "noexec", "nodev", "ro"]),
    # Where a program finds how many processors it may use.
    "/sys/fs/cgroup": ("cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"]),
}

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


@dataclass(frozen=True)
class Image:
    """An unpacked image: a root directory, and what its configuration says."""

    rootfs: Path
    config: Fields
    binds: dict[str, Path] = field(default_factory=dict)
    """Directories of this machine in the image, instead of copies of them."""


def process(container: Container, image: Image, env: dict[str, str]) -> Fields:
    """What is run, and as whom."""
    config = image.config
    command = container.command or config.get("Entrypoint") or []
    # An own command does away with the arguments of the image too.
    defaults = [] if container.command else config.get("Cmd") or []
    user, group = user_of(container, config)
    groups = container.security.get("supplementalGroups", [])
    if "fsGroup" in container.security:
        groups = [*groups, container.security["fsGroup"]]
    bounding = capabilities(container)
    # Only root has what its capabilities may be; others would get them by programs that have them.
    held = bounding if user == 0 else []
    # By default, of the image, of the node, of the manifest: the last one counts.
    merged = {"PATH": PATH}
    merged |= dict(one.split("=", 1) for one in config.get("Env") or [])
    merged |= env | container.env
    return {
        "user": {"uid": user, "gid": group, "additionalGids": groups},
        "args": [*command, *(defaults if container.args is None else container.args)],
        "env": [f"{name}={value}" for name, value in merged.items()],
        "cwd": container.directory or config.get("WorkingDir") or "/",
        "capabilities": {"bounding": bounding, "effective": held, "permitted": held},
        "noNewPrivileges": not container.security.get("allowPrivilegeEscalation", True),
    }


def user_of(container: Container, config: Fields) -> tuple[int, int]:
    name, _, group_name = (config.get("User") or "0").partition(":")
    security = container.security
    if "runAsUser" not in security and security.get("runAsNonRoot") and not name.isdigit():
        raise Unsimulated(f"{container.name}: the user {name} of the image has no number")
    user = security.get("runAsUser", int(name))
    if user == 0 and security.get("runAsNonRoot"):
        raise Unsimulated(f"{container.name}: runAsNonRoot, and the user is root")
    return user, security.get("runAsGroup", int(group_name or 0))


def capabilities(container: Container) -> list[str]:
    change = container.security.get("capabilities", {})
    dropped = change.get("drop", [])
    kept = [] if "ALL" in dropped else [one for one in CAPABILITIES if one not in dropped]
    return [f"CAP_{name}" for name in [*kept, *change.get("add", [])]]


def seccomp(held: list[str]) -> Fields:
    """The profile RuntimeDefault: Docker's format in, the runtime's out."""
    profile = json.loads(SECCOMP.read_text())
    machine = {"x86_64": ("amd64", "X86_64"), "aarch64": ("arm64", "AARCH64")}[platform.machine()]

    def is_met(conditions: Fields) -> bool:
        arches, wanted = conditions.get("arches"), conditions.get("caps")
        return (not arches or machine[0] in arches) and (not wanted or set(wanted) <= set(held))

    def applies(rule: Fields) -> bool:
        excludes = rule.get("excludes") or {}
        return is_met(rule.get("includes") or {}) and not (excludes and is_met(excludes))

    keys = ("names", "action", "args", "errnoRet")
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": [f"SCMP_ARCH_{machine[1]}"],
        "syscalls": [
            {key: rule[key] for key in keys if rule.get(key) is not None}
            for rule in profile["syscalls"]
            if applies(rule)
        ],
    }


def resources(limits: dict[str, str]) -> Fields:
    found: Fields = {"devices": [{"allow": False, "access": "rwm"}]}
    if "memory" in limits:
        found["memory"] = {"limit": size(limits["memory"])}
    if "cpu" in limits:
        cpu = limits["cpu"]
        cores = int(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)
        found["cpu"] = {"quota": int(cores * 100_000), "period": 100_000}
    return found


def bind(source: Path, target: str, is_read_only: bool) -> Fields:
    options = ["rbind", "rprivate", "ro" if is_read_only else "rw"]
    return {"destination": target, "type": "bind", "source": str(source), "options": options}


def configuration(
    container: Container,
    image: Image,
    root: Path,
    env: dict[str, str],
    binds: list[Fields],
    network: Path,
    cgroup: str,
) -> Fields:
    """The config.json of a bundle."""
    run = process(container, image, env)
    own = [
        {"destination": path, "type": kind, "source": kind, "options": options}
        for path, (kind, options) in MOUNTS.items()
    ]
    linux: Fields = {
        "cgroupsPath": cgroup,
        "maskedPaths": MASKED,
        "namespaces": [
            {"type": "network", "path": str(network)},
            *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
        ],
        "readonlyPaths": READ_ONLY,
        "resources": resources(container.limits),
    }
    if container.security.get("seccompProfile", {}).get("type") == "RuntimeDefault":
        linux["seccomp"] = seccomp(run["capabilities"]["bounding"])
    return {
        "ociVersion": "1.0.2",
        "process": run,
        "root": {
            "path": str(root),
            "readonly": container.security.get("readOnlyRootFilesystem", False),
        },
        "mounts": [*own, *(bind(p, at, True) for at, p in image.binds.items()), *binds],
        "linux": linux,
    }
