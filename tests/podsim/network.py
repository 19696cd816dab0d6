"""The network of a pod: a namespace with an address, connected to the node's."""

import itertools
import os
import signal
import subprocess
from pathlib import Path

numbers = itertools.count(1)


def ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
    return done.stdout


class Network:
    """One pod's interfaces: loopback, and a veth whose other end the node has."""

    def __init__(self, families: str = "4") -> None:
        """`families` is "4", "6" or "46"; the first is that of the address that probes go to."""
        number = next(numbers)
        self.name = f"pod{number}"
        self.path = Path("/run/netns", self.name)
        self.families = families
        addresses = {"4": f"10.244.{number}.", "6": f"fd00:10:244:{number}::"}
        self.address = addresses[families[0]] + "2"
        self._outer = f"veth{number}"
        ip("netns", "add", self.name)
        if "6" not in families:
            self._disable_ipv6()
        ip("link", "add", self._outer, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self._outer, "up")
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("-n", self.name, "link", "set", "eth0", "up")
        for family in families:
            self._assign(family, addresses[family])

    def _assign(self, family: str, prefix: str) -> None:
        length = {"4": "24", "6": "64"}[family]
        # Nobody else is here whose address it could be.
        flags = ["nodad"] if family == "6" else []
        ip("address", "add", f"{prefix}1/{length}", "dev", self._outer, *flags)
        ip("-n", self.name, "address", "add", f"{prefix}2/{length}", "dev", "eth0", *flags)
        ip("-n", self.name, f"-{family}", "route", "add", "default", "via", f"{prefix}1")

    def _disable_ipv6(self) -> None:
        for scope in ("all", "default"):
            key = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
            ip("netns", "exec", self.name, "sh", "-c", f"echo 1 > {key}")

    def processes(self) -> list[int]:
        """The processes whose network this is."""
        return [int(pid) for pid in ip("netns", "pids", self.name).split()]

    def close(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        ip("link", "delete", self._outer)
        ip("netns", "delete", self.name)
