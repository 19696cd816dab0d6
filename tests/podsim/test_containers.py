"""What the kernel says of the containers: it is what their manifest asks for."""

import os
from pathlib import Path

import node
from volumes import size


def test_the_containers_have_the_rights_and_limits_of_the_manifest(shop):
    paths = [Path("/proc", str(pid)) for pid in shop.network.processes()]
    by_name = {(path / "cgroup").read_text().rpartition("/")[2].strip(): path for path in paths}
    assert len(by_name) == len(paths) == 2
    for container in shop.spec.containers:
        run = shop.run(container.name)
        path = by_name[run.id]
        lines = (path / "status").read_text().splitlines()
        status = {name: value.split() for name, _, value in (one.partition(":") for one in lines)}
        security = container.security
        assert status["Uid"] == [str(security["runAsUser"])] * 4
        assert status["Gid"] == [str(security["runAsGroup"])] * 4
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert status[name] == ["0" * 16]
        assert status["NoNewPrivs"] == ["1"]
        assert status["Seccomp"] == ["2"]
        mounts = [line.split() for line in (path / "mountinfo").read_text().splitlines()]
        (root,) = [options for _, _, _, _, at, options, *_ in mounts if at == "/"]
        assert root.split(",")[0] == "ro"
        assert os.readlink(path / "ns/net") != os.readlink("/proc/self/ns/net")
        assert memory_limit(run.cgroup) == size(container.limits["memory"])


def memory_limit(cgroup: str) -> int:
    files = ("memory/{}/memory.limit_in_bytes", "{}/memory.max")
    paths = [node.CGROUPS / file.format(cgroup.lstrip("/")) for file in files]
    (found,) = [path for path in paths if path.exists()]
    return int(found.read_text())
