"""What is too old to render is not asked to."""

from pathlib import Path

import pytest
from render import renderers

KUBECTL = "Client Version: v1.30.0\\nKustomize Version: "
# Debian 12 has a kubectl of 1.20.
OLD = 'Client Version: version.Info{Major:"1", Minor:"20+", GitVersion:"v1.20.2"}'


@pytest.mark.parametrize(
    ("program", "answer", "renders"),
    [
        ("kustomize", "v5.0.0", True),
        ("kustomize", "v10.1.0", True),
        ("kustomize", "{Version:kustomize/v4.5.7 GoOs:linux GoArch:amd64}", False),
        ("kubectl", f"{KUBECTL}v5.0.1", True),
        ("kubectl", f"{KUBECTL}v4.5.7", False),
        ("kubectl", OLD, False),
        ("other", "v5.0.0", False),
    ],
)
def test_only_what_is_new_enough_renders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, answer: str, renders: bool
) -> None:
    (tmp_path / program).write_text(f"#!/bin/sh\nprintf '{answer}\\n'\n")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [command[0] for command in renderers()] == ([program] if renders else [])
