"""The start of a pod: what waits for what, and which of its ports answer from outside."""

import json

import pytest
from network import ip


def test_the_app_starts_once_the_sidecar_is_ready(make, claim):
    pod = make("deployment").start()
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    began = pod.when("flagstaff", "started")
    claim("sidecar started -> app started", 1.5, pod.when("shop", "started") - began)
    status, page = pod.get("http", "/prices?user=user-6")
    assert (status, json.loads(page)["layout"]) == (200, "list")


def test_without_its_config_map_nothing_starts(make, claim):
    pod = make("deployment")
    name, config_map = pod.config_maps.popitem()
    pod.start()
    absent = f'volumes are missing: configmap "{name}" not found'
    pod.eventually(lambda: pod.happened("", absent) > 1, "the ConfigMap is missed, and again")
    assert pod.started() == []

    began = pod.apply(name, config_map["data"])
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    assert pod.started() == ["flagstaff", "shop"]
    claim("ConfigMap created -> app started", 3, pod.when("shop", "started") - began)


def test_without_flags_the_sidecar_waits_and_so_does_the_app(make, claim):
    pod = make("deployment")
    name, config_map = pod.config_maps.popitem()
    pod.apply(name, {})
    pod.start()

    def is_waiting():
        status, text = pod.get("flags-mgmt", "/readyz")
        return status == 503 and text

    assert pod.eventually(is_waiting, "/readyz says that there are no flags")
    asked = pod.kubelet.statuses["flagstaff"].probes[-1].asked
    pod.eventually(lambda: asked["startup"] >= 3, "the startup probe has failed for a while")
    assert pod.started() == ["flagstaff"]

    began = pod.apply(name, config_map["data"])
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    assert pod.started() == ["flagstaff", "shop"]
    claim("flags written -> app started", 1.5, pod.when("shop", "started") - began)


def test_flags_that_are_bad_for_long_cost_no_restart(make, claim):
    def hurry(pod):
        pod["initContainers"][0]["startupProbe"]["periodSeconds"] = 0.05

    pod = make("deployment", edit=hurry)
    name, config_map = pod.config_maps.popitem()
    good = config_map["data"]
    pod.apply(name, {"flags.json": good["flags.json"][:-100]})
    pod.start()
    pod.eventually(lambda: pod.get("flags-mgmt", "/livez")[0] == 200, "the sidecar is there")
    # What would be more than a minute, if it were asked each second.
    asked = pod.kubelet.statuses["flagstaff"].probes[-1].asked
    pod.eventually(lambda: asked["startup"] > 80, "the startup probe has failed for long")
    assert pod.get("flags-mgmt", "/readyz")[0] == 503
    assert pod.started() == ["flagstaff"]

    began = pod.apply(name, good)
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    assert pod.started() == ["flagstaff", "shop"], "no restart, so no back-off"
    claim("bad flags mended -> app started", 1.5, pod.when("shop", "started") - began)


def test_only_declared_ports_answer_from_outside(shop):
    lines = ip("netns", "exec", shop.network.name, "ss", "-Hltn").splitlines()
    listening = {int(line.split()[3].rpartition(":")[2]) for line in lines}
    declared = {port for one in shop.spec.containers for port in one.ports.values()}
    assert declared < listening
    for port in listening - declared:
        with pytest.raises(ConnectionRefusedError):
            shop.get(port, "/")

    for path in ("/readyz", "/livez", "/metrics"):
        assert shop.get("flags-mgmt", path)[0] == 200
    # What was refused is what the app was answered on all the while.
    assert listening - declared == {8013}
    assert json.loads(shop.get("http", "/dashboard")[1])["upload_limit_mb"] == 25
    assert shop.metric("flagstaff_rpc_duration_seconds_count") > 0
