"""Every rendering against Kubernetes' schemas, strictly: of 1.29 and of the newest version."""

import copy

import kubernetes_validate
import pytest
import yaml
from applications import Applications, workload
from kubernetes_validate.utils import all_versions
from render import EXAMPLES, K8S, Document, render, sidecar, template

OLDEST = "1.29"
NEWEST = kubernetes_validate.latest_version()
CUSTOM = {"PodMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator, of which Kubernetes has no schema."""


def validate(documents: list[Document], version: str) -> None:
    for document in documents:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


def test_the_versions_are_there() -> None:
    versions = [version for version in all_versions() if version.startswith(OLDEST)]
    assert versions, "validation would silently fall back to an older version"
    assert tuple(map(int, NEWEST.split(".")[:2])) >= (1, 37)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize(
    "directory",
    [EXAMPLES / "deployment", EXAMPLES / "job", EXAMPLES / "cronjob", K8S / "monitoring"],
    ids=lambda path: path.name,
)
def test_what_is_shipped(directory, version: str) -> None:
    validate(render(directory), version)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_plain(version: str) -> None:
    validate(list(yaml.safe_load_all((EXAMPLES / "plain.yaml").read_text())), version)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])
def test_all_components(kind: str, version: str, applications: Applications) -> None:
    components = ["sidecar", "uds", "python-env", "guaranteed-qos"]
    validate(applications.rendered([workload(kind)], components), version)


@pytest.mark.parametrize("version", ["1.25", "1.28", NEWEST])
def test_the_classic_component(version: str, applications: Applications) -> None:
    validate(applications.rendered([workload("Deployment")], ["classic-sidecar"]), version)


def test_a_native_sidecar_is_not_for_clusters_before_it(applications: Applications) -> None:
    documents = applications.rendered([workload("Deployment")], ["sidecar"])
    with pytest.raises(kubernetes_validate.ValidationError, match="restartPolicy"):
        validate(documents, "1.27")


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_validation_is_strict(version: str) -> None:
    documents = render(EXAMPLES / "deployment")
    for broken in (
        {"readynessProbe": {}},
        {"ports": "8014"},
        {"startupProbe": {"periodSeconds": "1s"}},
    ):
        copied = copy.deepcopy(documents)
        deployment = next(one for one in copied if one["kind"] == "Deployment")
        sidecar(template(deployment)["spec"]).update(broken)
        with pytest.raises(kubernetes_validate.ValidationError):
            validate(copied, version)
