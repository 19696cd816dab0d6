"""A rendered manifest, read as strictly as the node has to act on it.

Each field is either acted on or has no effect on a node. One that is neither is an error: the
simulator would do something else than a kubelet, and a test of it would mean nothing. What is not
there has the default of the API server.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

Fields = dict[str, Any]


class Unsimulated(Exception):
    """A manifest says something that this simulator cannot do."""


def check(value: Fields, where: str, acted_on: str, without_effect: str = "") -> Fields:
    """Returns an object of a manifest, which has no other fields than these."""
    if unknown := sorted(set(value) - set(f"{acted_on} {without_effect}".split())):
        raise Unsimulated(f"{where}: {', '.join(unknown)}: the simulator does not know what to do")
    return value


@dataclass(frozen=True)
class Probe:
    """One of the three probes of a container, whose defaults are filled in."""

    action: str
    target: Fields
    initial_delay: float
    period: float
    timeout: float
    success: int
    failure: int
    grace: float | None

    @classmethod
    def read(cls, value: Fields, where: str) -> "Probe":
        times = "initialDelaySeconds periodSeconds timeoutSeconds successThreshold failureThreshold"
        check(value, where, f"httpGet exec {times} terminationGracePeriodSeconds")
        actions = [name for name in ("httpGet", "exec") if name in value]
        if len(actions) != 1:
            raise Unsimulated(f"{where}: a probe has one action")
        (action,) = actions
        fields = {"httpGet": "path port scheme httpHeaders", "exec": "command"}[action]
        target = check(value[action], f"{where}.{action}", fields)
        if target.get("scheme", "HTTP") != "HTTP":
            raise Unsimulated(f"{where}: {target['scheme']}")
        return cls(
            action,
            target,
            value.get("initialDelaySeconds", 0),
            value.get("periodSeconds", 10),
            value.get("timeoutSeconds", 1),
            value.get("successThreshold", 1),
            value.get("failureThreshold", 3),
            value.get("terminationGracePeriodSeconds"),
        )


@dataclass(frozen=True)
class Mount:
    volume: str
    path: str
    read_only: bool


@dataclass(frozen=True)
class Container:
    """What a manifest says of one container, and whether it is an init container."""

    name: str
    image: str
    is_init: bool
    is_sidecar: bool
    command: list[str] | None
    args: list[str] | None
    directory: str | None
    env: dict[str, str]
    ports: dict[str, int]
    limits: dict[str, str]
    mounts: list[Mount]
    security: Fields
    probes: dict[str, Probe]
    hooks: Fields

    @classmethod
    def read(cls, value: Fields, is_init: bool, pod_security: Fields) -> "Container":
        where = f"container {value['name']}"
        check(
            value,
            where,
            "name image command args workingDir env ports resources volumeMounts securityContext "
            "startupProbe livenessProbe readinessProbe lifecycle restartPolicy",
            "imagePullPolicy terminationMessagePath terminationMessagePolicy",
        )
        restarts = value.get("restartPolicy")
        if restarts and (restarts != "Always" or not is_init):
            raise Unsimulated(f"{where}: restartPolicy")
        resources = check(value.get("resources", {}), f"{where}.resources", "limits", "requests")
        limits = check(resources.get("limits", {}), f"{where}.limits", "memory cpu")
        probes = {
            kind: Probe.read(value[f"{kind}Probe"], f"{where}.{kind}Probe")
            for kind in ("startup", "liveness", "readiness")
            if f"{kind}Probe" in value
        }
        return cls(
            value["name"],
            value["image"],
            is_init,
            restarts == "Always",
            value.get("command"),
            value.get("args"),
            value.get("workingDir"),
            {env["name"]: variable(env, where) for env in value.get("env", [])},
            {
                check(port, f"{where}.ports", "name containerPort", "protocol")["name"]: port[
                    "containerPort"
                ]
                for port in value.get("ports", [])
            },
            {name: str(limit) for name, limit in limits.items()},
            [mount(one, where) for one in value.get("volumeMounts", [])],
            security(pod_security, value.get("securityContext", {}), where),
            probes,
            hooks(value.get("lifecycle", {}), where),
        )


def variable(value: Fields, where: str) -> str:
    text = check(value, f"{where}.env", "name value").get("value", "")
    if "$(" in text:
        raise Unsimulated(f"{where}: a reference in {value['name']}")
    return text


def mount(value: Fields, where: str) -> Mount:
    check(value, f"{where}.volumeMounts", "name mountPath readOnly")
    return Mount(value["name"], value["mountPath"], value.get("readOnly", False))


def security(pod: Fields, container: Fields, where: str) -> Fields:
    """The security context of a container: its own fields, and those of the pod for the others."""
    own = "allowPrivilegeEscalation capabilities readOnlyRootFilesystem"
    both = "runAsGroup runAsNonRoot runAsUser seccompProfile"
    check(container, f"{where}.securityContext", f"{own} {both}")
    check(pod, "pod.securityContext", f"{both} fsGroup supplementalGroups")
    check(container.get("capabilities", {}), f"{where}.capabilities", "drop add")
    merged = {**pod, **container}
    profile = merged.get("seccompProfile", {"type": "Unconfined"})
    if profile["type"] not in ("RuntimeDefault", "Unconfined"):
        raise Unsimulated(f"{where}: seccompProfile {profile}")
    return merged


def hooks(value: Fields, where: str) -> Fields:
    check(value, f"{where}.lifecycle", "postStart preStop")
    for name, hook in value.items():
        check(hook, f"{where}.{name}", "exec sleep" if name == "preStop" else "exec")
    return value


@dataclass(frozen=True)
class Pod:
    """What the node is told of a pod."""

    name: str
    containers: list[Container]
    """The init containers first, all in the order of the manifest."""
    volumes: dict[str, Fields]
    restart_policy: str
    grace: float
    security: Fields
    links: dict[str, str] = field(default_factory=dict)


def documents(text: str) -> list[Fields]:
    return [one for one in yaml.safe_load_all(text) if one]


def config_maps(rendered: list[Fields]) -> dict[str, Fields]:
    return {one["metadata"]["name"]: one for one in rendered if one["kind"] == "ConfigMap"}


def pod(rendered: list[Fields]) -> Pod:
    """The pod that the only workload of a rendered manifest asks for."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")
    (workload,) = [one for one in rendered if one["kind"] in kinds]
    spec = workload["spec"]
    if workload["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if workload["kind"] != "Pod":
        spec = spec["template"]["spec"]
    check(
        spec,
        "pod",
        "initContainers containers volumes restartPolicy terminationGracePeriodSeconds "
        "securityContext enableServiceLinks",
        # For the scheduler and the API server.
        "automountServiceAccountToken serviceAccountName affinity nodeSelector tolerations "
        "topologySpreadConstraints priorityClassName",
    )
    context = spec.get("securityContext", {})
    containers = [Container.read(one, True, context) for one in spec.get("initContainers", [])]
    containers += [Container.read(one, False, context) for one in spec["containers"]]
    return Pod(
        workload["metadata"]["name"],
        containers,
        {volume["name"]: volume for volume in spec.get("volumes", [])},
        spec.get("restartPolicy", "Always"),
        spec.get("terminationGracePeriodSeconds", 30),
        context,
        links(rendered) if spec.get("enableServiceLinks", True) else {},
    )


def links(rendered: list[Fields]) -> dict[str, str]:
    """The variables that a kubelet sets for the Services of a namespace."""
    found = {}
    for number, service in enumerate((one for one in rendered if one["kind"] == "Service"), 1):
        spec = service["spec"]
        if spec.get("clusterIP") == "None":
            continue
        address = f"10.96.0.{number}"
        prefix = service["metadata"]["name"].upper().replace("-", "_")
        found |= {f"{prefix}_SERVICE_HOST": address}
        for n, port in enumerate(spec["ports"]):
            protocol = port.get("protocol", "TCP")
            url = f"{protocol.lower()}://{address}:{port['port']}"
            if n == 0:
                found |= {f"{prefix}_SERVICE_PORT": str(port["port"]), f"{prefix}_PORT": url}
            found |= {f"{prefix}_PORT_{port['port']}_{protocol}": url}
    return found
