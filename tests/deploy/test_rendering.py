"""What the components make of workloads of every kind and shape."""

import json
from pathlib import Path

import pytest
import yaml
from applications import Applications, workload
from render import (
    COMPONENTS,
    EXAMPLES,
    REPOSITORY,
    Document,
    containers,
    name,
    of_kind,
    render,
    renderers,
    sidecar,
    template,
    workloads,
)

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def pod(documents: list[Document], workload_name: str = "app") -> Document:
    return next(
        template["spec"]
        for owner, template in workloads(documents)
        if owner.endswith(f"/{workload_name}")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_before_init_containers_that_were_there(
    kind: str, applications: Applications
) -> None:
    was = {
        "initContainers": [
            {"name": "migrate", "image": "app:1"},
            {"name": "warm", "image": "app:1"},
        ],
        "containers": [{"name": "app", "image": "app:1", "env": [{"name": "A", "value": "b"}]}],
        "volumes": [{"name": "cache", "emptyDir": {}}],
    }
    now = pod(applications.rendered([workload(kind, pod=was)], ["sidecar"]))
    assert [one["name"] for one in now["initContainers"]] == ["flagstaff", "migrate", "warm"]
    assert now["containers"] == was["containers"]
    assert {volume["name"] for volume in now["volumes"]} == {
        "cache",
        "flagstaff-flags",
        "flagstaff-overrides",
    }


def test_what_is_no_workload_is_left_alone(applications: Applications) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "app"},
        "spec": {"ports": [{"port": 80}]},
    }
    documents = applications.rendered(
        [workload("Deployment"), service], ["sidecar", "uds", "python-env", "guaranteed-qos"]
    )
    assert of_kind(documents, "Service") == [service]
    # The sources of the components are gone as well.
    assert sorted(map(name, documents)) == [
        "ConfigMap/flagstaff-flags",
        "Deployment/app",
        "Service/app",
    ]


@pytest.mark.parametrize("first", ["sidecar", "classic-sidecar"])
def test_kinds_of_the_same_name_are_left_alone(first: str, applications: Applications) -> None:
    """Whose pods are elsewhere, or whose lists kustomize cannot merge."""
    others = [
        workload(kind, kind.lower()) | {"apiVersion": "example.dev/v1"} for kind in KINDS
    ]
    components = [first, "python-env"] + (["uds", "guaranteed-qos"] if first == "sidecar" else [])
    documents = applications.rendered([workload("Deployment"), *others], components)
    for one in others:
        assert one in documents
    assert sidecar(pod(documents))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "components",
    [["sidecar", "uds", "python-env", "guaranteed-qos"], ["classic-sidecar", "python-env"]],
    ids=lambda components: components[0],
)
def test_a_label_leaves_a_workload_out(
    kind: str, components: list[str], applications: Applications
) -> None:
    out = workload(kind, "out")
    out["metadata"]["labels"] = {"flagstaff": "disabled"}
    documents = applications.rendered([workload("Deployment"), out], components)
    assert out in documents
    assert sidecar(pod(documents))


@pytest.mark.parametrize("kind", KINDS)
def test_every_container_gets_what_clients_need(kind: str, applications: Applications) -> None:
    both = {
        "containers": [
            {"name": "web", "image": "app:1", "env": [{"name": "A", "value": "b"}]},
            {"name": "worker", "image": "app:1"},
        ]
    }
    documents = applications.rendered(
        [workload(kind, pod=both)], ["sidecar", "uds", "python-env"]
    )
    web, worker = pod(documents)["containers"]
    assert web["env"] == [{"name": "A", "value": "b"}, *worker["env"]]
    assert {one["name"]: one["value"] for one in worker["env"]} == {
        "FLAGD_SOCKET_PATH": "/run/flagstaff/socket/flags.sock:8013",
        "FLAGD_HOST": "unix:/run/flagstaff/socket/flags.sock",
        "FLAGD_PORT": "8013",
        "FLAGD_DEADLINE_MS": "250",
        "FLAGD_KEEP_ALIVE_TIME_MS": "30000",
        "FLAGD_RETRY_BACKOFF_MAX_MS": "1000",
        "no_grpc_proxy": "127.0.0.1,localhost,::1",
    }
    mounts = [{"name": "flagstaff-socket", "mountPath": "/run/flagstaff/socket"}]
    assert worker["volumeMounts"] == web["volumeMounts"] == mounts


def test_own_settings_are_replaced_and_patched_back(applications: Applications) -> None:
    """A replacement cannot spare what is there; the README says so."""
    own = [
        {"name": "FLAGD_DEADLINE_MS", "value": "1000"},
        {"name": "no_grpc_proxy", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]
    shop = workload("Deployment", pod={"containers": [{"name": "app", "image": "a:1", "env": own}]})
    components = ["sidecar", "python-env"]
    env = pod(applications.rendered([shop], components))["containers"][0]["env"]
    assert {"name": "FLAGD_DEADLINE_MS", "value": "250"} in env
    assert {"name": "no_grpc_proxy", "value": "127.0.0.1,localhost,::1"} in env

    back = [own[0], own[1] | {"value": None}]
    patch = workload("Deployment", pod={"containers": [{"name": "app", "env": back}]})
    patches = [{"patch": yaml.safe_dump(patch)}]
    documents = applications.rendered([shop], components, name="back", patches=patches)
    env = pod(documents)["containers"][0]["env"]
    assert all(one in env for one in own)


@pytest.mark.parametrize("kind", KINDS)
def test_the_guaranteed_one_is_of_every_kind(kind: str, applications: Applications) -> None:
    documents = applications.rendered([workload(kind)], ["sidecar", "guaranteed-qos"])
    resources = sidecar(pod(documents))["resources"]
    assert resources["requests"] == resources["limits"]
    assert resources["limits"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_the_classic_one_does_not_keep_jobs_from_ending(
    kind: str, applications: Applications
) -> None:
    was = workload(kind)
    documents = applications.rendered([was, workload("Deployment", "shop")], ["classic-sidecar"])
    assert was in documents
    assert sidecar(pod(documents, "shop"))


def test_two_applications_make_one_rendering(applications: Applications) -> None:
    components = ["sidecar", "uds", "python-env"]
    for one in ("cart", "search"):
        applications.write([workload("Deployment", one)], components, one, namespace=one)
    root = applications.directory / "kustomization.yaml"
    root.write_text("resources: [cart, search]\n")
    documents = render(applications.directory)
    assert all(sidecar(template["spec"]) for _, template in workloads(documents))
    assert len(documents) == 4


def test_a_name_that_was_not_kept_is_followed(applications: Applications) -> None:
    """Without disableNameSuffixHash it works as well, but each change replaces all pods."""
    generator = [{"name": "flagstaff-flags", "files": ["flags.json"]}]
    documents = applications.rendered(
        [workload("Deployment")], ["sidecar"], configMapGenerator=generator
    )
    (flags,) = of_kind(documents, "ConfigMap")
    assert flags["metadata"]["name"].startswith("flagstaff-flags-")
    volume = next(v for v in pod(documents)["volumes"] if v["name"] == "flagstaff-flags")
    assert volume["configMap"]["name"] == flags["metadata"]["name"]


def test_names_change_together(applications: Applications) -> None:
    documents = applications.rendered([workload("Deployment")], ["sidecar"], namePrefix="test-")
    (flags,) = of_kind(documents, "ConfigMap")
    volume = next(v for v in pod(documents, "test-app")["volumes"] if "configMap" in v)
    assert volume["configMap"]["name"] == flags["metadata"]["name"] == "test-flagstaff-flags"


def test_patches_of_the_user_come_last(applications: Applications) -> None:
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {
            "template": {
                "spec": {
                    "initContainers": [
                        {
                            "name": "flagstaff",
                            "env": [{"name": "FLAGSTAFF_LOG_LEVEL", "value": "debug"}],
                            "resources": {"limits": {"memory": "128Mi"}},
                        }
                    ]
                }
            }
        },
    }
    images = [{"name": "flagstaff", "newName": "registry.example/tools/flagstaff", "newTag": "1"}]
    documents = applications.rendered(
        [workload("Deployment")],
        ["sidecar"],
        patches=[{"patch": yaml.safe_dump(patch)}],
        images=images,
    )
    own = sidecar(pod(documents))
    assert own["image"] == "registry.example/tools/flagstaff:1"
    assert own["env"] == [{"name": "FLAGSTAFF_LOG_LEVEL", "value": "debug"}]
    assert own["resources"]["limits"] == {"memory": "128Mi"}


def test_the_user_can_be_left_to_the_platform(applications: Applications) -> None:
    context = {"runAsUser": None, "runAsGroup": None}
    patch = workload(
        "Deployment", pod={"initContainers": [{"name": "flagstaff", "securityContext": context}]}
    )
    documents = applications.rendered(
        [workload("Deployment")], ["sidecar"], patches=[{"patch": yaml.safe_dump(patch)}]
    )
    own = sidecar(pod(documents))
    assert own["securityContext"].keys().isdisjoint(context)
    assert own["securityContext"]["runAsNonRoot"] is True


def test_one_pod_spec_is_said_twice_and_is_the_same() -> None:
    """A CronJob's pod is one level deeper, and a patch cannot say so."""
    for component in ("sidecar", "uds", "guaranteed-qos"):
        home = COMPONENTS / component
        both = [
            yaml.safe_load((home / f"{one}.yaml").read_text()) for one in ("workload", "cronjob")
        ]
        assert template(both[0]) == template(both[1]), component


def test_the_classic_one_differs_where_it_must() -> None:
    native, classic = (
        template(yaml.safe_load((COMPONENTS / one / "workload.yaml").read_text()))["spec"]
        for one in ("sidecar", "classic-sidecar")
    )
    assert native["volumes"] == classic["volumes"]
    own, other = native["initContainers"][0], classic["containers"][0]
    assert own.pop("restartPolicy") == "Always"
    other["args"].remove("--drain-delay=10s")
    assert own == other


def test_plain_is_what_the_example_renders() -> None:
    plain = list(yaml.safe_load_all((EXAMPLES / "plain.yaml").read_text()))
    rendered = render(EXAMPLES / "deployment")
    assert sorted(plain, key=name) == sorted(rendered, key=name)


def test_the_flags_of_the_example_are_those_of_the_shop() -> None:
    ours = (EXAMPLES / "deployment" / "flags.json").read_text()
    assert ours == (REPOSITORY / "config" / "flags.json").read_text()


def test_both_renderers_agree() -> None:
    found = renderers()
    examples = [EXAMPLES / "deployment", EXAMPLES / "job", EXAMPLES / "cronjob"]
    for example in examples:
        renderings = [json.dumps(render(example, one)) for one in found]
        assert len(set(renderings)) == 1, example
    print(f"rendered with {[one[0] for one in found]}")


def test_versions_go_together() -> None:
    """The image in the manifests is of the version that is built here."""
    manifest = (REPOSITORY / "Cargo.toml").read_text()
    version = manifest.partition('version = "')[2].partition('"')[0]
    for path in Path(COMPONENTS).rglob("workload.yaml"):
        for one in containers(template(yaml.safe_load(path.read_text()))["spec"]):
            assert one.get("image", f"flagstaff:{version}") == f"flagstaff:{version}", path
