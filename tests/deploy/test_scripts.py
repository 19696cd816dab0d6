"""kill.sh and refresh.sh with a `kubectl` that records its calls, and runs what it is told to."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from program import Program
from render import EXAMPLES, K8S, render, sidecar, workloads
from running import answers, started

KUBECTL = """#!{python}
import json, os, subprocess, sys

home = os.environ["PODS"]
asked = sys.argv[1:]
with open(os.path.join(home, "asked"), "a") as calls:
    calls.write(json.dumps(asked) + "\\n")
pods = json.load(open(os.path.join(home, "pods")))
words = [word for word in asked if not word.startswith("-")]
if "get" in asked:
    print("".join(pod + "\\n" for pod in pods), end="")
elif "annotate" in asked:
    print("".join(pod + " annotated\\n" for pod in pods), end="")
elif "exec" in asked:
    split = asked.index("--")
    program, *arguments = asked[split + 1 :]
    pod = asked[asked.index("exec") + 1]
    assert program == "/flagstaff", program
    assert asked[split - 2 : split] == ["--container", "flagstaff"], asked
    address = pods[pod]
    if address is None:
        sys.exit("error: cannot exec in a deleted state")
    environment = {{"FLAGSTAFF_MANAGEMENT": address}}
    sys.exit(subprocess.run([os.environ["FLAGSTAFF_BIN"], *arguments], env=environment).returncode)
else:
    sys.exit(f"a kubectl that knows no {{asked}}")
"""


class Cluster:
    def __init__(self, home: Path, program: Program) -> None:
        self.home = home
        self.program = program
        fake = home / "bin" / "kubectl"
        fake.parent.mkdir()
        fake.write_text(KUBECTL.format(python=sys.executable))
        fake.chmod(0o755)
        self.pods({})

    def pods(self, pods: dict[str, str | None]) -> None:
        """Pods by name, with the address of each one's sidecar."""
        (self.home / "pods").write_text(json.dumps(pods))

    def asked(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.home / "asked").read_text().splitlines()]

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [K8S / script, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ
            | {
                "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
                "PODS": str(self.home),
                "FLAGSTAFF_BIN": str(self.program.path),
            },
        )


@pytest.fixture
def cluster(tmp_path: Path, program: Program) -> Cluster:
    return Cluster(tmp_path, program)


@pytest.fixture
def two_pods(cluster: Cluster, program: Program, tmp_path: Path) -> Iterator[list[str]]:
    """The bases of two running sidecars, which the pods `shop-1` and `shop-2` are."""
    _, pod = next(workloads(render(EXAMPLES / "deployment")))
    own = sidecar(pod["spec"])
    with ExitStack() as stack:
        bases = []
        for name in ("shop-1", "shop-2"):
            flags = tmp_path / name / "flagstaff-flags"
            flags.mkdir(parents=True)
            (flags / "flags.json").write_text((EXAMPLES / "deployment/flags.json").read_text())
            bases.append(stack.enter_context(started(program, own, tmp_path / name)))
            assert answers(f"{bases[-1]}/readyz") == 200
        addresses = (base.removeprefix("http://") for base in bases)
        cluster.pods(dict(zip(("pod/shop-1", "pod/shop-2"), addresses, strict=True)))
        yield bases


SHOP = ("-l", "app.kubernetes.io/name=shop", "-n", "shop")
KILL = (
    "set",
    "enable_new_pricing_page",
    "off",
    "--for",
    "1h",
    "--why",
    "checkout errors, INC-4711",
)


@pytest.mark.usefixtures("two_pods")
def test_a_flag_is_killed_in_every_pod(cluster: Cluster) -> None:
    done = cluster.run("kill.sh", *SHOP, *KILL)
    assert done.returncode == 0, done.stdout + done.stderr
    for pod in ("pod/shop-1", "pod/shop-2"):
        assert f"{pod}: enable_new_pricing_page serves off to everyone until" in done.stdout
    assert done.stdout.endswith("2 of 2 pods\n")
    search, *executed = cluster.asked()
    assert search[:4] == ["--namespace", "shop", "get", "pods"]
    assert "app.kubernetes.io/name=shop" in search
    assert "status.phase=Running" in search
    assert all(call[:3] == ["--namespace", "shop", "exec"] for call in executed)
    assert all(call[-7:] == list(KILL) for call in executed)

    listed = cluster.run("kill.sh", *SHOP, "list")
    assert listed.stdout.count("checkout errors, INC-4711") == 2
    cleared = cluster.run("kill.sh", *SHOP, "clear", "enable_new_pricing_page")
    assert cleared.stdout.count("follows its files again") == 2


@pytest.mark.usefixtures("two_pods")
def test_what_a_pod_refuses_is_told_for_each(cluster: Cluster) -> None:
    done = cluster.run(
        "kill.sh", *SHOP, "set", "enable_new_pricing", "off", "--for", "1h", "--why", "x"
    )
    assert done.returncode == 1
    assert done.stdout.count("enable_new_pricing_page") == 2, "each suggests what is meant"
    assert done.stdout.endswith("0 of 2 pods\n")


def test_a_pod_that_fails_does_not_spare_the_others(cluster: Cluster) -> None:
    cluster.pods({f"pod/shop-{n}": None for n in range(40)})
    done = cluster.run("kill.sh", *SHOP, *KILL)
    assert done.returncode == 1
    assert done.stdout.count("cannot exec in a deleted state") == 40
    assert done.stdout.endswith("0 of 40 pods\n")


def test_a_kill_that_meets_no_pod_is_an_error(cluster: Cluster) -> None:
    done = cluster.run("kill.sh", *SHOP, *KILL)
    assert done.returncode == 1
    assert done.stderr == "no running pod has app.kubernetes.io/name=shop\n"


@pytest.mark.parametrize(
    "arguments",
    [(), SHOP, (*SHOP, "enable_new_pricing_page"), KILL, ("-x", *SHOP, *KILL), ("-l", "", *KILL)],
)
def test_a_wrong_command_asks_nothing(arguments: tuple[str, ...], cluster: Cluster) -> None:
    done = cluster.run("kill.sh", *arguments)
    assert done.returncode == 2
    assert "usage: kill.sh -l SELECTOR" in done.stderr
    assert not (cluster.home / "asked").exists()


def test_refresh_annotates_the_pods(cluster: Cluster) -> None:
    cluster.pods({"pod/shop-1": None})
    done = cluster.run("refresh.sh", *SHOP, "-c", "production")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pod/shop-1 annotated\n"
    (call,) = cluster.asked()
    assert call[:6] == ["--namespace", "shop", "--context", "production", "annotate", "pods"]
    assert "--overwrite" in call
    assert any(word.startswith("flagstaff-refreshed=20") for word in call)


def test_refresh_says_when_there_is_no_pod(cluster: Cluster) -> None:
    done = cluster.run("refresh.sh", *SHOP)
    assert done.returncode == 1
    assert "no running pod" in done.stderr
    assert cluster.run("refresh.sh", "shop").returncode == 2
