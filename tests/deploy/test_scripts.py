"""kill.sh and refresh.sh with a `kubectl` that records its calls, and runs what it is told to."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from program import Program
from render import EXAMPLES, K8S, render, sidecar, workloads
from running import answers, started

KUBECTL = """#!{python}
import json, os, subprocess, sys, time

home = os.environ["PODS"]
asked = sys.argv[1:]
with open(os.path.join(home, "asked"), "a") as calls:
    calls.write(json.dumps(asked) + "\\n")
pods = json.load(open(os.path.join(home, "pods")))
words = [word for word in asked if not word.startswith("-")]
if "get" in asked:
    template = asked[asked.index("--output") + 1]
    for field in (".metadata.name", ".initContainerStatuses[", ".containerStatuses["):
        assert field in template, template
    for pod, address in pods.items():
        print(pod, "" if address == "down" else "2026-01-02T03:04:05Z")
elif "annotate" in asked:
    for pod, address in pods.items():
        if address != "down":
            print(pod, "annotated")
    if "down" in pods.values():
        sys.exit("Error from server: it was changed meanwhile")
elif "exec" in asked:
    split = asked.index("--")
    program, *arguments = asked[split + 1 :]
    pod = asked[asked.index("exec") + 1]
    assert program == "/flagstaff", program
    assert asked[split - 2 : split] == ["--container", "flagstaff"], asked
    address = pods[pod]
    if address is None:
        sys.exit("error: cannot exec in a deleted state")
    if address == "mute":
        sys.exit(3)
    if address == "gone":
        time.sleep(60)
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
        """Pods by name, with the address of each one's sidecar.

        None where its container cannot be entered, `mute` where it fails without a word, `gone`
        where nobody ever answers; the sidecar of one that is `down` does not run.
        """
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
    assert "status.phase!=Succeeded,status.phase!=Failed" in search, "Pending pods have sidecars"
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


def test_one_bad_pod_is_an_error(cluster: Cluster, two_pods: list[str]) -> None:
    good = two_pods[0].removeprefix("http://")
    cluster.pods({"pod/good": good, "pod/bad": None, "pod/mute": "mute", "pod/gone": "gone"})
    done = cluster.run("kill.sh", *SHOP, "--timeout", "2", *KILL)
    assert done.returncode == 1
    assert "pod/good: enable_new_pricing_page serves off" in done.stdout
    assert "pod/bad: error: cannot exec in a deleted state\n" in done.stdout
    assert "pod/mute: failed with exit code 3\n" in done.stdout
    assert "pod/gone: no answer within 2 s\n" in done.stdout
    assert done.stdout.endswith("1 of 4 pods\n")


def test_who_has_no_running_sidecar_is_skipped_and_named(
    cluster: Cluster, two_pods: list[str]
) -> None:
    cluster.pods({"pod/good": two_pods[0].removeprefix("http://"), "pod/waits": "down"})
    done = cluster.run("kill.sh", *SHOP, *KILL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pod/waits: skipped, its container flagstaff does not run\n" in done.stdout
    assert done.stdout.endswith("1 of 1 pods, 1 skipped\n")
    cluster.pods({"pod/waits": "down"})
    assert cluster.run("kill.sh", *SHOP, *KILL).returncode == 1


PODS = """
metadata: {name: native}
status:
  phase: Pending
  initContainerStatuses:
    - {name: a, state: {running: {startedAt: 0Z}}}
    - {name: flagstaff, state: {running: {startedAt: 1Z}}}
  containerStatuses: [{name: b, state: {waiting: {}}}]
---
metadata: {name: classic}
status:
  containerStatuses: [{name: a, state: {}}, {name: flagstaff, state: {running: {startedAt: 2Z}}}]
---
metadata: {name: crashing}
status:
  initContainerStatuses: [{name: flagstaff, state: {waiting: {reason: CrashLoopBackOff}}}]
  containerStatuses: [{name: b, state: {running: {startedAt: 3Z}}}]
---
metadata: {name: unscheduled}
status: {phase: Pending}
"""


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
def test_a_true_kubectl_tells_whose_sidecar_runs(cluster: Cluster, tmp_path: Path) -> None:
    cluster.pods({"pod/shop-1": None})
    cluster.run("kill.sh", *SHOP, "list")
    (asked,) = [call[-1] for call in cluster.asked() if "get" in call]
    # It takes the pods of a file one by one, without the list around them.
    template = asked.replace("{range .items[*]}", "").removesuffix("{end}")
    pods = [one | {"apiVersion": "v1", "kind": "Pod"} for one in yaml.safe_load_all(PODS)]
    (tmp_path / "pods.yaml").write_text(yaml.safe_dump_all(pods))
    said = subprocess.run(
        ["kubectl", "annotate", "--local", "-f", tmp_path / "pods.yaml", "a=b", "-o", template],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout == "pod/native 1Z\npod/classic 2Z\npod/crashing \npod/unscheduled \n"


def test_a_kill_that_meets_no_pod_is_an_error(cluster: Cluster) -> None:
    done = cluster.run("kill.sh", *SHOP, *KILL)
    assert done.returncode == 1
    assert done.stderr == "no running sidecar has app.kubernetes.io/name=shop\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        SHOP,
        (*SHOP, "enable_new_pricing_page"),
        KILL,
        ("-x", *SHOP, *KILL),
        ("-l", "", *KILL),
        # kubectl's -c is a container, and not a context.
        ("-c", "production", *SHOP, *KILL),
    ],
)
def test_a_wrong_command_asks_nothing(arguments: tuple[str, ...], cluster: Cluster) -> None:
    done = cluster.run("kill.sh", *arguments)
    assert done.returncode == 2
    assert "usage: kill.sh -l SELECTOR" in done.stderr
    assert not (cluster.home / "asked").exists()


def test_a_kill_goes_to_the_cluster_that_is_meant(cluster: Cluster) -> None:
    cluster.pods({"pod/shop-1": None})
    cluster.run("kill.sh", *SHOP, "--context", "production", "list")
    searched, executed = cluster.asked()
    for call in (searched, executed):
        assert call[:4] == ["--namespace", "shop", "--context", "production"]


def test_refresh_annotates_the_pods(cluster: Cluster) -> None:
    cluster.pods({"pod/shop-1": None})
    done = cluster.run("refresh.sh", *SHOP, "--context", "production")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pod/shop-1 annotated\n"
    (call,) = cluster.asked()
    assert call[:6] == ["--namespace", "shop", "--context", "production", "annotate", "pods"]
    assert "--overwrite" in call
    assert any(word.startswith("flagstaff-refreshed=20") for word in call)
    selected = call[call.index("--field-selector") + 1]
    assert selected == "status.phase!=Succeeded,status.phase!=Failed", "Pending pods wait for flags"


def test_refresh_tells_whom_it_reached_even_if_not_all(cluster: Cluster) -> None:
    cluster.pods({"pod/shop-1": None, "pod/shop-2": "down"})
    done = cluster.run("refresh.sh", *SHOP)
    assert done.returncode == 1
    assert done.stdout == "pod/shop-1 annotated\n"
    assert "it was changed meanwhile" in done.stderr


def test_refresh_says_when_there_is_no_pod(cluster: Cluster) -> None:
    done = cluster.run("refresh.sh", *SHOP)
    assert done.returncode == 1
    assert "no pod that has not ended has app.kubernetes.io/name=shop" in done.stderr
    assert cluster.run("refresh.sh", "shop").returncode == 2
