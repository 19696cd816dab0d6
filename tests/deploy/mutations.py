"""What somebody could break: for each rule of the policy, changes that it must notice."""

from collections.abc import Callable
from dataclasses import dataclass, field

from applications import workload
from render import Document, of_kind, sidecar, template


@dataclass
class Copy:
    """A copy of a rendering, with its parts at hand."""

    documents: list[Document]
    pod: Document = field(init=False)
    own: Document = field(init=False)
    app: Document = field(init=False)

    def __post_init__(self) -> None:
        self.pod = template(self.one("Deployment"))["spec"]
        self.own = sidecar(self.pod)
        self.app = self.pod["containers"][-1]

    def one(self, kind: str, name: str | None = None) -> Document:
        return next(
            document
            for document in of_kind(self.documents, kind)
            if name in (None, document["metadata"]["name"])
        )

    def volume(self, name: str) -> Document:
        return next(volume for volume in self.pod["volumes"] if volume["name"] == name)

    def mount(self, name: str, of: Document | None = None) -> Document:
        return next(one for one in (of or self.own)["volumeMounts"] if one["name"] == name)

    def variable(self, name: str, of: Document | None = None) -> Document:
        return next(one for one in (of or self.own)["env"] if one["name"] == name)


Mutation = Callable[[Copy], object]


def _drop_from(values: list[Document], name: str) -> None:
    values[:] = [one for one in values if one["name"] != name]


def _replace_argument(copy: Copy, old: str, new: str) -> None:
    copy.own["args"] = [part.replace(old, new) for part in copy.own["args"]]


def _flags(copy: Copy, text: str) -> None:
    copy.one("ConfigMap", "flagstaff-flags")["data"]["flags.json"] = text


def _scrapes(copy: Copy) -> Document:
    return copy.one("NetworkPolicy", "flagstaff-scrape")["spec"]["ingress"][0]


def _schedule(copy: Copy, text: str) -> None:
    cron = workload("CronJob")
    cron["spec"]["schedule"] = text
    copy.documents.append(cron)


MUTATIONS: dict[str, list[Mutation]] = {
    "volumes_are_there": [
        lambda c: _drop_from(c.pod["volumes"], "flagstaff-flags"),
        lambda c: c.mount("flagstaff-socket", c.app).update(name="flagstaf-socket"),
    ],
    "volumes_are_used": [
        lambda c: _drop_from(c.own["volumeMounts"], "flagstaff-overrides"),
        lambda c: c.volume("flagstaff-flags").update(
            emptyDir={"medium": "Memory", "sizeLimit": "1Mi"}
        ),
    ],
    "config_maps_are_there": [
        lambda c: c.one("ConfigMap", "flagstaff-flags")["metadata"].update(name="flags"),
        lambda c: c.volume("flagstaff-flags")["configMap"].update(name="flagstaff-flag"),
    ],
    "selectors_match": [
        lambda c: c.one("Service")["spec"].update(selector={"app": "shop"}),
        lambda c: c.one("Deployment")["spec"]["selector"]["matchLabels"].update(tier="web"),
        lambda c: c.one("NetworkPolicy", "flagstaff-scrape")["spec"]["podSelector"].update(
            matchLabels={"flagstaff-scrape": "yes"}
        ),
    ],
    "ports_are_there": [
        lambda c: c.one("Service")["spec"]["ports"][0].update(targetPort="htpp"),
        lambda c: c.one("NetworkPolicy", "shop")["spec"]["ingress"][0]["ports"][0].update(
            port=8081
        ),
    ],
    "names_are_unique": [
        lambda c: c.documents.append(c.one("Service")),
        lambda c: c.app["env"].append({"name": "FLAGD_HOST", "value": "localhost"}),
        lambda c: c.app.update(ports=[{"name": "flags", "containerPort": 8014}]),
    ],
    "sockets_meet": [
        lambda c: c.variable("FLAGD_SOCKET_PATH", c.app).update(value="/run/flags.sock"),
        lambda c: c.variable("FLAGD_HOST", c.app).update(value="unix:/run/flagstaff/flags.sock"),
        lambda c: _drop_from(c.app["env"], "FLAGD_PORT"),
        lambda c: c.mount("flagstaff-socket").update(mountPath="/run/sockets"),
        lambda c: _drop_from(c.app["volumeMounts"], "flagstaff-socket"),
        lambda c: c.variable("FLAGSTAFF_UDS_MODE").update(value="0660"),
        lambda c: c.variable("FLAGSTAFF_UDS").update(value=f"/run/{'x' * 100}/s.sock:8013"),
    ],
    "monitors_find_the_sidecar": [
        lambda c: c.own["ports"][0].update(name="management"),
        lambda c: c.one("PodMonitor")["spec"]["podMetricsEndpoints"][0].update(port="flags"),
        lambda c: c.one("PodMonitor")["spec"]["podMetricsEndpoints"][0].update(path="/"),
        lambda c: c.one("PodMonitor")["spec"]["podMetricsEndpoints"][0]["relabelings"][0].update(
            regex="flags"
        ),
        lambda c: c.one("NetworkPolicy", "flagstaff-scrape")["spec"]["ingress"][0]["ports"][
            0
        ].update(port=8013),
        lambda c: _scrapes(c).update({"from": [{"namespaceSelector": {}}]}),
        lambda c: _scrapes(c).pop("from"),
        lambda c: _scrapes(c)["from"][0]["namespaceSelector"].update(matchLabels={"name": "x"}),
        lambda c: _scrapes(c)["from"].append({"podSelector": {}}),
    ],
    "who_is_scraped_is_open_otherwise": [
        lambda c: c.documents.remove(c.one("NetworkPolicy", "shop")),
        lambda c: c.one("NetworkPolicy", "shop")["spec"]["podSelector"].update(
            matchLabels={"a": "b"}
        ),
    ],
    "names_are_valid": [
        lambda c: c.app["ports"][0].update(name="Http_Front"),
        lambda c: c.app["ports"][0].update(name="a-name-of-16-let"),
        lambda c: c.app["ports"][0].update(name="8080"),
        lambda c: c.app["ports"][0].update(name="http--front"),
        lambda c: c.app["ports"][0].update(containerPort=80800),
        lambda c: c.app.update(name="the_shop"),
        lambda c: c.volume("flagstaff-flags").update(name="Flags"),
        lambda c: c.one("Service")["metadata"].update(name="-shop"),
        lambda c: c.one("Service")["spec"]["ports"][0].update(name="Http"),
        lambda c: c.one("ConfigMap")["metadata"].update(name="a" * 64),
    ],
    "quantities_are_valid": [
        lambda c: c.own["resources"]["requests"].update(memory="16Mb"),
        lambda c: c.own["resources"]["limits"].update(memory="64 Mi"),
        lambda c: c.own["resources"]["requests"].update(memory="65Mi"),
        lambda c: c.app["resources"]["requests"].update(memory="0.2G"),
        lambda c: c.volume("flagstaff-overrides")["emptyDir"].update(sizeLimit="1MB"),
    ],
    "probes_are_valid": [
        lambda c: c.own["livenessProbe"].update(successThreshold=2),
        lambda c: c.own["startupProbe"].update(successThreshold=2),
        lambda c: c.own["startupProbe"].update(failureThreshold=2**31),
        lambda c: c.app["readinessProbe"].update(periodSeconds=0),
    ],
    "schedules_are_valid": [
        lambda c: _schedule(c, "0 25 * * *"),
        lambda c: _schedule(c, "0 3 * *"),
        lambda c: _schedule(c, "0 3 0 * *"),
        lambda c: _schedule(c, "0 3 * * 7"),
        lambda c: _schedule(c, "*/0 3 * * *"),
        lambda c: _schedule(c, "0 5-3 * * *"),
        lambda c: _schedule(c, "TZ=UTC 0 3 * * *"),
    ],
    "values_are_known": [
        lambda c: c.own.update(restartPolicy="Alwayss"),
        lambda c: c.own.update(terminationMessagePolicy="FallbackToLogs"),
        lambda c: c.own.update(imagePullPolicy="Allways"),
        lambda c: c.own["ports"][0].update(protocol="tcp"),
        lambda c: c.volume("flagstaff-overrides")["emptyDir"].update(medium="memory"),
        lambda c: c.pod.update(restartPolicy="Never"),
        lambda c: c.app.update(restartPolicy="Always"),
        lambda c: c.one("NetworkPolicy")["spec"].update(policyTypes=["ingress"]),
    ],
    "pods_are_restricted": [
        lambda c: c.pod.update(hostNetwork=True),
        lambda c: c.pod["volumes"].append({"name": "node", "hostPath": {"path": "/"}}),
        lambda c: c.own["securityContext"].update(allowPrivilegeEscalation=True),
        lambda c: c.own["securityContext"].pop("allowPrivilegeEscalation"),
        lambda c: c.own["securityContext"]["capabilities"].update(add=["SYS_PTRACE"]),
        lambda c: c.own["securityContext"].update(runAsUser=0),
        lambda c: c.own["securityContext"].update(privileged=True),
        lambda c: c.app["securityContext"].pop("capabilities"),
        lambda c: c.pod["securityContext"].pop("seccompProfile"),
        lambda c: c.own["ports"][0].update(hostPort=8014),
    ],
    "the_sidecar_is_hardened": [
        lambda c: c.own["securityContext"].update(readOnlyRootFilesystem=False),
        lambda c: c.own["securityContext"].update(runAsUser=65532),
        lambda c: c.own.pop("securityContext"),
        lambda c: c.own.pop("terminationMessagePolicy"),
    ],
    "images_are_pinned_and_of_no_registry": [
        lambda c: c.own.update(image="flagstaff"),
        lambda c: c.own.update(image="flagstaff:latest"),
        lambda c: c.own.update(image="registry.example/flagstaff:0.1.0"),
        lambda c: c.own.pop("image"),
        lambda c: c.one("ConfigMap", "flagstaff-flags").update(immutable=True),
    ],
    "workloads_have_one": [
        lambda c: c.pod["initContainers"].clear(),
        lambda c: c.one("Deployment")["metadata"]["labels"].update(flagstaff="disabled"),
    ],
    "it_is_whole": [
        lambda c: c.own.pop("image"),
        lambda c: c.own.pop("args"),
        lambda c: c.own.update(volumeMounts=[]),
        lambda c: c.documents.append(
            workload("Job", pod={"initContainers": [{"name": "flagstaff", "env": []}]})
        ),
    ],
    "it_comes_first": [
        lambda c: c.pod["initContainers"].insert(0, {"name": "migrate", "image": "app:1"}),
        lambda c: c.own.pop("restartPolicy"),
    ],
    "it_is_probed": [
        lambda c: c.own.pop("startupProbe"),
        lambda c: c.own.pop("livenessProbe"),
        lambda c: c.own["startupProbe"]["httpGet"].update(path="/livez"),
        lambda c: c.own["livenessProbe"]["httpGet"].update(path="/readyz"),
        lambda c: c.own["startupProbe"].pop("periodSeconds"),
        lambda c: c.own["startupProbe"].update(failureThreshold=60),
        lambda c: c.own["livenessProbe"].update(terminationGracePeriodSeconds=1),
        lambda c: c.own["livenessProbe"].update(failureThreshold=1),
        lambda c: c.own["livenessProbe"].update(timeoutSeconds=1),
        lambda c: c.own["livenessProbe"].update(periodSeconds=300),
    ],
    "it_is_not_asked_for_readiness": [
        lambda c: c.own.update(readinessProbe=c.own["startupProbe"]),
    ],
    "probes_reach_it": [
        lambda c: c.own["startupProbe"]["httpGet"].update(port="management"),
        lambda c: c.own["livenessProbe"]["httpGet"].update(port=8013),
        lambda c: c.own["livenessProbe"]["httpGet"].update(host="127.0.0.1"),
        lambda c: c.app["readinessProbe"]["httpGet"].update(port="web"),
        lambda c: c.own["args"].remove("--management-bind=any"),
    ],
    "options_exist": [
        lambda c: c.own["args"].append("--drain=1s"),
        lambda c: c.own["args"].remove("serve"),
        lambda c: c.own.update(command=["/flagstaff"]),
    ],
    "environment_exists": [
        lambda c: c.variable("FLAGSTAFF_UDS_MODE").update(name="FLAGSTAFF_SOCKET_MODE"),
        lambda c: c.variable("FLAGD_DEADLINE_MS", c.app).update(name="FLAGD_DEADLINE"),
    ],
    "ports_are_those_it_opens": [
        lambda c: c.own["ports"][0].update(containerPort=8015),
        lambda c: c.own["args"].append("--management-port=9014"),
        lambda c: c.own["env"].append({"name": "FLAGSTAFF_MANAGEMENT_PORT", "value": "9014"}),
        lambda c: c.own["ports"].append({"name": "flags", "containerPort": 8013}),
    ],
    "flags_can_be_updated": [
        lambda c: c.mount("flagstaff-flags").update(subPath="flags.json"),
        lambda c: c.mount("flagstaff-flags").update(mountPath="/etc/flags"),
        lambda c: c.mount("flagstaff-flags").pop("readOnly"),
        lambda c: _replace_argument(c, "/etc/flagstaff/flags", "/etc/flagstaff"),
        lambda c: c.own["args"].remove("/etc/flagstaff/flags"),
        lambda c: c.mount("flagstaff-flags").update(name="flagstaff-overrides"),
    ],
    "overrides_can_be_written": [
        lambda c: c.mount("flagstaff-overrides").update(readOnly=True),
        lambda c: _replace_argument(c, "/run/flagstaff/overrides", "/run/overrides"),
        lambda c: c.own["args"].remove("--overrides=/run/flagstaff/overrides"),
        lambda c: c.volume("flagstaff-overrides").update(emptyDir={}),
        lambda c: c.volume("flagstaff-socket")["emptyDir"].pop("sizeLimit"),
        lambda c: c.volume("flagstaff-overrides")["emptyDir"].update(sizeLimit="100Gi"),
    ],
    "it_stops_in_time": [
        lambda c: c.pod.update(terminationGracePeriodSeconds=2),
        lambda c: c.own["args"].append("--drain-delay=5s"),
        lambda c: c.own["env"].append({"name": "FLAGSTAFF_DRAIN_DELAY", "value": "28s"}),
    ],
    "resources_are_bounded": [
        lambda c: c.own.pop("resources"),
        lambda c: c.own["resources"]["limits"].pop("memory"),
        lambda c: c.own["resources"]["limits"].update(cpu="500m"),
        lambda c: [one.update(cpu="1m", memory="64Mi") for one in c.own["resources"].values()],
        lambda c: c.own["resources"]["limits"].update(memory="32Mi"),
    ],
    "flags_are_good": [
        lambda c: _flags(c, "{"),
        lambda c: _flags(c, " " * 1_100_000),
        lambda c: c.one("ConfigMap", "flagstaff-flags")["data"].update(README="flags"),
    ],
}

CLASSIC: dict[str, list[Mutation]] = {
    "it_comes_first": [lambda c: c.pod["containers"].reverse()],
    "it_stops_in_time": [
        lambda c: c.own["args"].remove("--drain-delay=10s"),
        lambda c: c.pod.update(terminationGracePeriodSeconds=12),
    ],
}
"""For the sidecar that is an ordinary container."""
