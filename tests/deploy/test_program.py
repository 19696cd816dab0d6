"""The program takes the arguments of the manifests, and answers the probes that they have."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from program import Program
from render import (
    COMPONENTS,
    EXAMPLES,
    REPOSITORY,
    Document,
    render,
    sidecar,
    template,
    workloads,
)
from running import answers, started


@pytest.mark.parametrize("kind", ["native", "socket", "classic"])
def test_probes_are_answered(kind: str, program: Program, tmp_path: Path) -> None:
    component = "classic-sidecar" if kind == "classic" else "sidecar"
    own = sidecar(template(_patch(component))["spec"])
    if kind == "socket":
        more = sidecar(template(_patch("uds"))["spec"])
        own |= {"env": more["env"], "volumeMounts": own["volumeMounts"] + more["volumeMounts"]}
    flags = tmp_path / "flagstaff-flags"
    flags.mkdir()
    (flags / "flags.json").write_text((EXAMPLES / "deployment" / "flags.json").read_text())
    with started(program, own, tmp_path) as base:
        for probe in ("startupProbe", "livenessProbe"):
            assert answers(base + own[probe]["httpGet"]["path"]) == 200
        assert answers(base + "/metrics") == 200
        if kind == "socket":
            socket = tmp_path / "flagstaff-socket" / "flags.sock:8013"
            assert socket.is_socket()
            assert socket.stat().st_mode & 0o777 == 0o666


def test_python_finds_the_socket_by_its_environment_alone(program: Program, tmp_path: Path) -> None:
    """The example, unchanged, with what the components give its container."""
    native, more = (sidecar(template(_patch(one))["spec"]) for one in ("sidecar", "uds"))
    own = native | {key: native.get(key, []) + more[key] for key in ("env", "volumeMounts")}
    flags = tmp_path / "flagstaff-flags"
    flags.mkdir()
    (flags / "flags.json").write_text((EXAMPLES / "deployment" / "flags.json").read_text())
    here = f"{tmp_path}/flagstaff-socket"
    variables = {
        entry["name"]: entry["value"].replace("/run/flagstaff/socket", here)
        for component in ("uds", "python-env")
        for entry in yaml.safe_load((COMPONENTS / component / "source.yaml").read_text())["env"]
    }
    # A proxy that is not there.
    variables |= {"http_proxy": "http://127.0.0.1:9"}
    with started(program, own, tmp_path) as base:
        assert answers(f"{base}/readyz") == 200
        done = subprocess.run(
            [sys.executable, REPOSITORY / "examples/python/quickstart.py"],
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.startswith("enable_new_pricing_page: False (variant off, TARGETING_MATCH)")


@pytest.mark.parametrize("example", ["job", "cronjob"])
def test_what_the_jobs_run_is_in_their_image(example: str) -> None:
    home = REPOSITORY / "examples/python"
    copied = re.findall(r"^COPY (.+) \./$", (home / "Dockerfile").read_text(), re.MULTILINE)
    ((_, found),) = workloads(render(EXAMPLES / example))
    program, script = found["spec"]["containers"][0]["command"]
    assert program == "python"
    assert script in copied[0].split() and (home / script).is_file()


def test_the_job_finds_its_flag(program: Program, tmp_path: Path) -> None:
    (flags,) = [one for one in render(EXAMPLES / "job") if one["kind"] == "ConfigMap"]
    (tmp_path / "flags.yaml").write_text(flags["data"]["flags.yaml"])
    answer = program.run(
        "eval",
        str(tmp_path),
        "--flag",
        "enable_new_pricing_page",
        "--context",
        '{"targetingKey": "user-6"}',
        check=True,
    )
    assert json.loads(answer.stdout)["variant"] == "off"


def _patch(component: str) -> Document:
    return yaml.safe_load((COMPONENTS / component / "workload.yaml").read_text())
