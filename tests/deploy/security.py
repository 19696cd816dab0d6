"""Policy: values that a schema takes as any text, and the restricted profile of Pod Security."""

from collections.abc import Iterator
from typing import Any

from program import Program
from render import Document, containers, of_kind, sidecar, template, workloads

VALUES = {
    "concurrencyPolicy": {"Allow", "Forbid", "Replace"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "medium": {"", "Memory"},
    "policyTypes": {"Ingress", "Egress"},
    "protocol": {"TCP", "UDP", "SCTP"},
    "restartPolicy": {"Always", "OnFailure", "Never"},
    "scheme": {"HTTP", "HTTPS"},
    "terminationMessagePolicy": {"File", "FallbackToLogsOnError"},
}
"""What the API server takes, wherever the key stands."""

HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsGroup": 64013,
    "runAsNonRoot": True,
    "runAsUser": 64013,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def values_are_known(documents: list[Document], _: Program) -> Iterator[str]:
    for document in documents:
        if document["kind"] == "ConfigMap":
            continue
        for key, value in _walk(document):
            for one in value if isinstance(value, list) else [value]:
                if key in VALUES and one not in VALUES[key]:
                    yield f"{key} {one!r}"
        of_pod = (template(document) or {}).get("spec", {})
        is_job = document["kind"] in ("Job", "CronJob")
        policy = of_pod.get("restartPolicy", "Always")
        if of_pod and (policy == "Always") == is_job:
            yield f"a {document['kind']} with restartPolicy {policy!r}"
        for container in of_pod.get("initContainers", []):
            if container.get("restartPolicy", "Always") != "Always":
                yield f"an init container with restartPolicy {container['restartPolicy']!r}"
        for container in of_pod.get("containers", []):
            if "restartPolicy" in container:
                yield "a container with a restartPolicy of its own"


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _walk(one)


def pods_are_restricted(documents: list[Document], _: Program) -> Iterator[str]:
    """The profile `restricted`, for our container always and for all of them in an example."""
    for owner, pod_template in workloads(documents):
        pod = pod_template["spec"]
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(field):
                yield f"{owner}: {field}"
        for volume in pod.get("volumes", []):
            if "hostPath" in volume:
                yield f"{owner}: {volume['name']} is a hostPath"
        # Made-up applications of the tests say nothing of themselves; only ours is judged then.
        is_judged = "securityContext" in pod
        for container in containers(pod):
            if is_judged or container["name"] == "flagstaff":
                for problem in _unrestricted(pod.get("securityContext", {}), container):
                    yield f"{owner}: {container['name']} {problem}"


def _unrestricted(of_pod: Document, container: Document) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = of_pod | own
    if own.get("privileged"):
        yield "is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may escalate privileges"
    capabilities = own.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"]:
        yield "does not drop all capabilities"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        yield "may be root"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "takes a port of the node"


def the_sidecar_is_hardened(documents: list[Document], _: Program) -> Iterator[str]:
    """More than restricted asks for: a read-only root, and a user of its own by number."""
    for owner, pod_template in workloads(documents):
        one = sidecar(pod_template["spec"])
        if one and one.get("securityContext") != HARDENED:
            yield f"{owner}: {one.get('securityContext')}"
        if one and one.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            yield f"{owner}: why it ended is not shown where people look"


def images_are_pinned_and_of_no_registry(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, pod_template in workloads(documents):
        for container in containers(pod_template["spec"]):
            image, _, tag = container.get("image", "").partition(":")
            if not image or not tag or tag == "latest" or "/" in image:
                yield f"{owner}: image {container.get('image')!r}"
    for document in of_kind(documents, "ConfigMap"):
        if document.get("immutable"):
            yield f"ConfigMap {document['metadata']['name']} is immutable: its flags never change"
