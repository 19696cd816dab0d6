"""Fixtures: the built program and what it says it can do, and made-up applications."""

import os
from pathlib import Path

import pytest
from applications import Applications
from program import Program


@pytest.fixture(scope="session")
def program() -> Program:
    return Program(Path(os.environ["FLAGSTAFF_BIN"]))


@pytest.fixture
def applications(tmp_path: Path) -> Applications:
    return Applications(tmp_path)
