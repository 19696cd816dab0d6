"""The same pod in other shapes: a Unix socket, an ordinary container, IPv6 alone."""

import json

import pytest


def is_pro(pod):
    """Whether the app's answers come from flags: the default in its code is another one."""
    page = json.loads(pod.get("http", "/dashboard?user=a&plan=enterprise")[1])
    return page["upload_limit_mb"] == 250


def test_in_a_pod_with_ipv6_alone(make):
    def listen(pod):
        (host,) = [one for one in pod["containers"][0]["env"] if one["name"] == "SHOP_HOST"]
        host["value"] = "::"

    pod = make("deployment", families="6", edit=listen).start()
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    pod.eventually(lambda: is_pro(pod), "the app asks for flags")
    with pytest.raises(ConnectionRefusedError):
        pod.get(8013, "/")


@pytest.mark.parametrize("component", ["python-env", "uds"])
def test_beside_a_service_called_flagd(make, component):
    def link(pod):
        del pod["enableServiceLinks"]
        # The Service of the shop sets this one too.
        pod["containers"][0]["env"].append({"name": "SHOP_PORT", "value": "8080"})

    components = ["sidecar", component]
    services = ["flagd", "flagstaff"]
    pod = make("deployment", components=components, edit=link, services=services).start()
    assert pod.spec.links["FLAGD_PORT"].startswith("tcp://")
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    pod.eventually(lambda: is_pro(pod), "the app asks for flags")
    assert pod.started() == ["flagstaff", "shop"]


def test_over_a_unix_socket(make):
    pod = make("deployment", components=["sidecar", "uds"]).start()
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    pod.eventually(lambda: is_pro(pod), "the app asks for flags")
    sockets = pod.inside("ss", "-Hxn", "state", "established")
    assert "/run/flagstaff/socket/" in sockets
    assert ":8013" not in pod.inside("ss", "-Htn", "state", "established")

    # The socket's file is still there when the sidecar comes back.
    pod.run("flagstaff").kill()
    pod.eventually(lambda: pod.started()[2:] == ["flagstaff"], "the sidecar is started again")
    pod.eventually(lambda: is_pro(pod), "the app asks for flags again")


def test_as_an_ordinary_container(make, claim):
    pod = make("deployment", components=["classic-sidecar"]).start()
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    pod.eventually(lambda: is_pro(pod), "the app asks for flags")
    # Both are told at once; the sidecar serves on while the app finishes.
    pod.kubelet.delete()
    assert pod.run("shop").code == pod.run("flagstaff").code == 0
    app, sidecar = pod.when("shop", "ended with 0"), pod.when("flagstaff", "ended with 0")
    assert app < sidecar
    deleted = pod.when("", "deleted")
    assert sidecar - deleted < pod.spec.grace
    claim("classic pod deleted -> all ended, drain delay included", 12, sidecar - deleted)
