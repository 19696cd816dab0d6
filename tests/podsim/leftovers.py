"""What a node has of everything that a pod needs: to see that nothing of it is left."""

import time
from pathlib import Path

import node
from network import ip

Seen = dict[str, set[str]]


def seen() -> Seen:
    """Everything that is there, by kind."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return {
        "namespaces": set(ip("netns", "list").split()),
        "links": {line.split(":")[1] for line in ip("-o", "link").splitlines()},
        "mounts": set(mounts),
        "processes": processes(),
        # The node's own group is made with its first container, and goes with the node.
        "control groups": {str(path) for path in node.cgroups(node.name(), itself=False)},
    }


def processes() -> set[str]:
    """All processes of the node, but for those that only wait for their parent to look."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found.add(f"{path.name} {command}")
    return found


def more(before: Seen) -> Seen:
    """What is there now and was not, by kind."""
    now = seen()
    return {kind: now[kind] - before[kind] for kind in now if now[kind] - before[kind]}


def check(before: Seen, deadline: float = 5.0) -> None:
    """Fails if there is more than there was, once it had the time to go."""
    end = time.monotonic() + deadline
    while left := more(before):
        assert time.monotonic() < end, f"left behind: {left}"
        time.sleep(0.02)
