"""The program takes the command lines of the manifests, and answers the probes that stand in them."""

import json
from pathlib import Path

import pytest
import yaml
from program import Program
from render import COMPONENTS, EXAMPLES, Document, render, sidecar, template
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
