"""The simulator refuses what it cannot do, instead of leaving it out."""

import pytest
from manifest import Unsimulated, pod
from rendering import rendered


def in_pod(spec, **fields):
    spec.update(fields)


def in_container(spec, **fields):
    spec["initContainers"][0].update(fields)


def in_probe(spec, **fields):
    spec["initContainers"][0]["startupProbe"].update(fields)


def in_mount(spec, **fields):
    spec["initContainers"][0]["volumeMounts"][0].update(fields)


def in_security(spec, **fields):
    spec["initContainers"][0]["securityContext"].update(fields)


REFUSED = {
    "host network": (in_pod, {"hostNetwork": True}),
    "a misspelt field": (in_pod, {"terminationGracePeriod": 5}),
    "variables of a ConfigMap": (in_container, {"envFrom": [{"configMapRef": {"name": "more"}}]}),
    "a reference": (in_container, {"env": [{"name": "A", "value": "$(B)"}]}),
    "a restart policy that there is not": (in_container, {"restartPolicy": "Alwayss"}),
    "a probe without an action": (in_container, {"livenessProbe": {"periodSeconds": 1}}),
    "two actions": (in_probe, {"exec": {"command": ["/flagstaff", "health"]}}),
    "TLS": (in_probe, {"httpGet": {"path": "/readyz", "port": 8014, "scheme": "HTTPS"}}),
    "a file of a volume": (in_mount, {"subPath": "flags.json"}),
    "a privileged container": (in_security, {"privileged": True}),
    "a profile of the node": (in_security, {"seccompProfile": {"type": "Localhost"}}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_simulated_is_refused(case, tmp_path):
    change, fields = REFUSED[case]
    with pytest.raises(Unsimulated):
        pod(rendered(tmp_path, "deployment", edit=lambda spec: change(spec, **fields)))


def test_a_service_sets_variables_unless_told_not_to(tmp_path):
    def allow(spec):
        del spec["enableServiceLinks"]

    links = pod(rendered(tmp_path, "deployment", edit=allow)).links
    assert links["SHOP_PORT"] == "tcp://10.96.0.1:80"
    assert pod(rendered(tmp_path, "deployment")).links == {}
