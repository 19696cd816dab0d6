"""Nothing of a pod is left on the node, whatever became of it or of the tests."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import leftovers
import node

KINDS = {"namespaces", "links", "mounts", "processes", "control groups"}

RUN = """
import json, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[4:]
import node, oci, substitutes
from pod import Pod
from rendering import rendered
node.set_up()
here = Path(sys.argv[1])
sidecar = oci.Image(Path(sys.argv[2]), json.loads(sys.argv[3]))
pod = Pod(here, rendered(here, "deployment"), substitutes.unpacked(sidecar, here / "images"))
pod.start()
pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
print("ready", flush=True)
time.sleep(600)
"""


def test_a_pod_is_removed_as_it_runs(tidy, make):
    before = leftovers.seen()
    pod = make("deployment").start()
    pod.eventually(lambda: len(pod.started()) == 2, "both containers are started")
    assert leftovers.more(before).keys() == KINDS
    pod.close()
    leftovers.check(before)


def test_a_pod_is_removed_that_never_ran(make):
    make("deployment")
    waiting = make("deployment")
    waiting.config_maps.clear()
    waiting.start()
    starting = make("deployment").start()
    starting.eventually(starting.started, "the sidecar is being started")


def test_a_killed_run_takes_its_pod_along(tmp_path, built, tidy):
    before = leftovers.seen()
    image = built.unpacked
    arguments = [str(tmp_path), str(image.rootfs), json.dumps(image.config)]
    name = f"{node.name()}/killed"
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "deploy")]
    command = node.command(name, [sys.executable, "-c", RUN, *arguments, *paths])
    # Between the node and this test, in the place of a run of tests, is a shell.
    # Its umask is that of somebody who shares no file.
    shell = ["sh", "-c", f"umask 077; {shlex.join(command)}; true"]
    with subprocess.Popen(shell, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "ready\n"
        running = json.dumps(sorted(leftovers.more(before)["processes"]))
        assert "/flagstaff serve" in running and "shop.py" in running
        run.kill()
    # Only these are the machine's, and not of namespaces that ended.
    node.remove_cgroups(name)
    leftovers.check(before)


ENDED = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import node
groups = node.CGROUPS = Path(sys.argv[1])
inside = "import sys, time; print('ready', flush=True); time.sleep(600)"
(groups / "memory" / f"podsim-{node.identity()}" / "container").mkdir(parents=True)
node.run(["-c", inside])
"""


def test_a_run_that_is_ended_takes_its_control_groups_along(tmp_path):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", ENDED, str(tmp_path), here, f"{here}/../deploy"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "ready\n"
        assert len([*tmp_path.glob("memory/podsim-*/container")]) == 1
        run.terminate()
    assert run.returncode == 128 + 15
    assert [*tmp_path.glob("memory/*")] == []


def test_a_run_removes_the_control_groups_of_runs_that_were_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(node, "CGROUPS", tmp_path)
    number, started = node.identity().split("-")
    ours, reused, gone = (f"podsim-{number}-{started}", f"podsim-{number}-1", "podsim-4194305-1")
    for name in (ours, reused, gone):
        (tmp_path / "memory" / name / "container").mkdir(parents=True)
    node.sweep()
    assert [path.name for path in tmp_path.glob("memory/*")] == [ours]


def test_a_machine_without_limits_is_told_of(tmp_path):
    assert node.no_limits(node.CGROUPS) is None
    assert "limit memory" in node.no_limits(tmp_path)
