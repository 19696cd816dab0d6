"""Fixtures: the built program and what it says it can do, the tools, and made-up applications."""

import os
from pathlib import Path

import pytest
import render
from applications import Applications
from program import Program


@pytest.fixture(scope="session")
def program() -> Program:
    return Program(Path(os.environ["FLAGSTAFF_BIN"]))


@pytest.fixture(scope="session", autouse=True)
def _renderer() -> None:
    if not render.renderers():
        assert os.environ.get("CI") != "true", render.ADVICE
        pytest.skip(render.ADVICE)


@pytest.fixture
def applications(tmp_path: Path) -> Applications:
    return Applications(tmp_path)
