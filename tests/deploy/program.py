"""The built program: what its help says, and how it answers to the command line of a manifest."""

import re
import subprocess
from functools import cached_property
from pathlib import Path


class Program:
    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.path, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
            env={},
            stdin=subprocess.DEVNULL,
        )

    @cached_property
    def _serve(self) -> str:
        return self.run("serve", "--help", check=True).stdout

    @cached_property
    def options(self) -> set[str]:
        return set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", self._serve, re.MULTILINE))

    @cached_property
    def environment(self) -> set[str]:
        return set(re.findall(r"\[env: (\w+)=", self._serve))

    @cached_property
    def defaults(self) -> dict[str, str]:
        """The default of each option that has one."""
        found = {}
        for part in re.split(r"^ +(?:-\w, )?(?=--[\w-]+)", self._serve, flags=re.MULTILINE)[1:]:
            default = re.search(r"\[default: ([^\]]+)\]", part)
            if default:
                found[part.split()[0]] = default[1]
        return found
