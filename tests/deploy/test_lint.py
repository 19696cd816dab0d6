"""yamllint, shellcheck and hadolint have nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest
from render import K8S, REPOSITORY

TOOLS = Path(sys.executable).parent
SCRIPTS = [*sorted(K8S.glob("*.sh")), REPOSITORY / ".ci" / "run"]
DOCKERFILES = [*REPOSITORY.glob("deploy/Dockerfile"), *REPOSITORY.glob("examples/*/Dockerfile")]


def run(tool: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [TOOLS / tool, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_manifests() -> None:
    assert run("yamllint", "--strict", "--config-file", REPOSITORY / ".yamllint", K8S) == ""


def test_scripts() -> None:
    assert run("shellcheck", *SCRIPTS) == ""


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_dockerfiles(path: Path) -> None:
    assert run("hadolint", path) == ""


@pytest.mark.parametrize(
    ("tool", "name", "text"),
    [
        ("yamllint", "x.yaml", "a: 1\na: 2\n"),
        ("shellcheck", "x.sh", "#!/bin/sh\necho $1\n"),
        ("hadolint", "Dockerfile", "FROM python:latest\n"),
    ],
)
def test_each_tool_can_complain(tool: str, name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert run(tool, tmp_path / name) != ""
