"""Policy: every name that refers to something refers to something that is there."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from program import Program
from render import Document, containers, name, of_kind, sidecar, workloads

ELSEWHERE = {"CronJob/report": "flagstaff-flags"}
"""Workloads whose ConfigMap comes with another application of the namespace."""

PROMETHEUS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
}
"""Where scrapes come from. Every namespace has this label, and its name is the value."""


def volumes_are_there(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, template in workloads(documents):
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])}
        for container in containers(template["spec"]):
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{owner}: {container['name']} mounts {mount['name']}, which is no volume"


def volumes_are_used(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, template in workloads(documents):
        used = {
            mount["name"]
            for container in containers(template["spec"])
            for mount in container.get("volumeMounts", [])
        }
        for volume in template["spec"].get("volumes", []):
            if volume["name"] not in used:
                yield f"{owner}: nobody mounts {volume['name']}"
            if len(volume) != 2:
                yield f"{owner}: {volume['name']} is not of one kind"


def config_maps_are_there(documents: list[Document], _: Program) -> Iterator[str]:
    there = {document["metadata"]["name"] for document in of_kind(documents, "ConfigMap")}
    for owner, template in workloads(documents):
        for volume in template["spec"].get("volumes", []):
            wanted = volume.get("configMap", {}).get("name")
            if wanted and wanted not in there and ELSEWHERE.get(owner) != wanted:
                yield f"{owner}: no ConfigMap {wanted}"


def selectors_match(documents: list[Document], _: Program) -> Iterator[str]:
    labels = {owner: template["metadata"]["labels"] for owner, template in workloads(documents)}
    for document in documents:
        selector = _selector(document)
        if document["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
            candidates = [labels[name(document)]]
        else:
            candidates = list(labels.values())
        if selector and candidates and not any(selector.items() <= of.items() for of in candidates):
            yield f"{name(document)} selects {selector}, which no pod has"


def ports_are_there(documents: list[Document], _: Program) -> Iterator[str]:
    pods = [template for _, template in workloads(documents)]
    for document in documents:
        if not pods or document["kind"] not in ("Service", "NetworkPolicy"):
            continue
        selector = _selector(document).items()
        open_ports: set[Any] = set()
        for pod in pods:
            if selector <= pod["metadata"]["labels"].items():
                open_ports |= _ports(pod["spec"])
        for port in _targets(document):
            if port not in open_ports:
                yield f"{name(document)} goes to port {port}, which no container has"


def names_are_unique(documents: list[Document], _: Program) -> Iterator[str]:
    yield from (
        f"{one} is there twice" for one, n in Counter(map(name, documents)).items() if n > 1
    )
    for owner, template in workloads(documents):
        pod = template["spec"]
        named = [
            *((f"container {one['name']}") for one in containers(pod)),
            *((f"volume {one['name']}") for one in pod.get("volumes", [])),
            *(
                f"port {port['containerPort']}"
                for one in containers(pod)
                for port in one.get("ports", [])
            ),
        ]
        for container in containers(pod):
            at = container["name"]
            named += [f"{at}: {one['name']} in the environment" for one in container.get("env", [])]
            named += [f"{at}: mount {path}" for path in _paths(container)]
        yield from (f"{owner}: {one} is there twice" for one, n in Counter(named).items() if n > 1)


def sockets_meet(documents: list[Document], _: Program) -> Iterator[str]:
    """The application looks for the socket where the sidecar puts it, in a volume of both."""
    for owner, template in workloads(documents):
        one = sidecar(template["spec"])
        socket = environment(one).get("FLAGSTAFF_UDS") if one else None
        if not socket:
            continue
        if len(socket) > 107:
            yield f"{owner}: the path of the socket is too long"
        home = _mounts(one).get(socket.rpartition("/")[0])
        if not home:
            yield f"{owner}: no volume is mounted where the sidecar puts its socket"
        for container in template["spec"]["containers"]:
            asked = environment(container)
            # Said, since a Service may set the port as well.
            host, port = asked.get("FLAGD_HOST", ""), asked.get("FLAGD_PORT")
            python = f"{host.removeprefix('unix:')}:{port}"
            if asked.get("FLAGD_SOCKET_PATH") != socket or python != socket:
                yield f"{owner}: {container['name']} looks for another socket"
            if home and home not in _mounts(container).values():
                yield f"{owner}: {container['name']} does not mount {home}"
        if environment(one).get("FLAGSTAFF_UDS_MODE") != "0666":
            yield f"{owner}: the application, another user, may not write to the socket"


def monitors_find_the_sidecar(documents: list[Document], _: Program) -> Iterator[str]:
    """The names in a PodMonitor are those that the sidecar has in every pod."""
    for document in of_kind(documents, "PodMonitor"):
        for endpoint in document["spec"]["podMetricsEndpoints"]:
            if endpoint["port"] != "flags-mgmt" or endpoint["path"] != "/metrics":
                yield f"{name(document)} scrapes {endpoint['port']}{endpoint['path']}"
            kept = [
                rule["regex"]
                for rule in endpoint["relabelings"]
                if rule["sourceLabels"] == ["__meta_kubernetes_pod_container_name"]
            ]
            if kept != ["flagstaff"]:
                yield f"{name(document)} keeps containers {kept}"
    for document in of_kind(documents, "NetworkPolicy"):
        is_ours = document["metadata"]["name"] == "flagstaff-scrape"
        if is_ours and _targets(document) != [8014]:
            yield f"{name(document)} opens {_targets(document)}"
        if is_ours and [rule.get("from") for rule in document["spec"]["ingress"]] != [[PROMETHEUS]]:
            yield f"{name(document)} is not for Prometheus alone"
    for owner, template in workloads(documents):
        one = sidecar(template["spec"])
        if one and [port["name"] for port in one.get("ports", [])] != ["flags-mgmt"]:
            yield f"{owner}: no port is called flags-mgmt, which monitoring asks for"


def who_is_scraped_is_open_otherwise(documents: list[Document], _: Program) -> Iterator[str]:
    """A policy for scrapes closes what no other policy opens: the application's own ports."""
    others = [
        _selector(document).items()
        for document in of_kind(documents, "NetworkPolicy")
        if document["metadata"]["name"] != "flagstaff-scrape"
    ]
    for owner, template in workloads(documents):
        labels = template["metadata"]["labels"]
        if "flagstaff-scrape" in labels and not any(other <= labels.items() for other in others):
            yield f"{owner}: with the label flagstaff-scrape its own ports are closed"


def environment(container: Document) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container.get("env", [])}


def _paths(container: Document) -> list[str]:
    return [one["mountPath"] for one in container.get("volumeMounts", [])]


def _mounts(container: Document) -> dict[str, str]:
    return {one["mountPath"]: one["name"] for one in container.get("volumeMounts", [])}


def _selector(document: Document) -> dict[str, str]:
    spec = document.get("spec", {})
    if document["kind"] == "NetworkPolicy":
        return spec["podSelector"].get("matchLabels", {})
    selector = spec.get("selector") or {}
    return selector if document["kind"] == "Service" else selector.get("matchLabels", {})


def _ports(pod: Document) -> set[Any]:
    ports = [port for one in containers(pod) for port in one.get("ports", [])]
    return {port["name"] for port in ports} | {port["containerPort"] for port in ports}


def _targets(document: Document) -> list[Any]:
    if document["kind"] == "Service":
        return [port.get("targetPort", port["port"]) for port in document["spec"]["ports"]]
    rules = document["spec"].get("ingress", [])
    return [port["port"] for rule in rules for port in rule.get("ports", [])]
