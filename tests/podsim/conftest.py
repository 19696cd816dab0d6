"""Fixtures: pods of rendered manifests on a node of their own, and the times they took."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import image
import leftovers
import node
import oci
import pytest
import substitutes
from pod import Pod
from rendering import rendered

figures: list[str] = []


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Runs all of it again, inside of a node."""
    if node.inside():
        node.set_up()
        return None
    if reason := node.missing() or image.missing():
        if os.environ.get("CI") == "true":
            raise pytest.UsageError(reason)
        print(f"skipped: {reason}")
        return 0
    return node.run(["-m", "pytest", *config.invocation_params.args])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if figures:
        terminalreporter.section("measured")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture
def claim() -> Callable[[str, float, float], None]:
    """Takes down how long something took; five times what is claimed is a failure."""

    def check(what: str, claimed: float, measured: float) -> None:
        figures.append(f"{what}: {measured * 1000:.0f} ms (claimed: {claimed * 1000:.0f} ms)")
        assert 0 <= measured <= 5 * claimed, figures[-1]

    return check


@pytest.fixture(scope="session")
def program() -> Path:
    """What the Dockerfile's first stage compiles."""
    return Path(os.environ["FLAGSTAFF_STATIC"])


@pytest.fixture(scope="session")
def built(program: Path, tmp_path_factory: pytest.TempPathFactory) -> image.Built:
    return image.build(program, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="session")
def unpacked(
    built: image.Built, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, oci.Image]:
    """What is in the images that the manifests name."""
    return substitutes.unpacked(built.unpacked, tmp_path_factory.mktemp("images"))


@pytest.fixture
def tidy() -> Iterator[None]:
    """Each test leaves the node as it was."""
    before = leftovers.seen()
    yield
    leftovers.check(before)


@pytest.fixture
def make(
    request: pytest.FixtureRequest, tmp_path: Path, unpacked: dict[str, oci.Image], tidy: None
) -> Iterator[Callable[..., Pod]]:
    """Makes the pod of an example, which the test starts; it ends with the test."""
    pods: list[Pod] = []
    request.node.pods = pods

    def made(example: str, families: str = "4", **changes: Any) -> Pod:
        directory = tmp_path / f"pod{len(pods)}"
        directory.mkdir()
        documents = rendered(directory, example, **changes)
        pods.append(Pod(directory, documents, unpacked, families))
        return pods[-1]

    yield made
    for pod in pods:
        pod.close()


@pytest.fixture
def shop(make: Callable[..., Pod]) -> Pod:
    """The shop of the example, selling."""
    pod = make("deployment").start()
    pod.eventually(lambda: pod.get("http", "/prices")[0] == 200, "the shop answers")
    return pod


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        for pod in getattr(item, "pods", []):
            report.sections.append(("pod", pod.report()))
    return report
