"""Policy: the sidecar is where, and started as, the program can do its work."""

import json
import re
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from openfeature.contrib.provider.flagd import config
from program import Program
from references import environment
from render import Document, containers, of_kind, sidecar, workloads
from syntax import quantity

PROVIDER = {value for name, value in vars(config).items() if name.startswith("ENV_VAR_")}
"""What the provider for Python reads."""

OTHER_CLIENTS = {"FLAGD_SOCKET_PATH", "no_grpc_proxy"}
"""The providers of other languages, and gRPC itself."""

DRAIN_SECONDS = 2
"""From the end of --drain-delay to the exit, whatever clients do."""

PATIENCE_SECONDS = 12 * 60 * 60
"""How long it may wait for flags, at least: somebody has to wake up and mend them."""

LEAST_CPU, LEAST_MEMORY = Decimal("0.05"), 64 * 2**20
"""What the measurements in the README are for."""

MOST_IN_MEMORY = 4 * 2**20
"""What a volume of files as small as overrides and sockets may hold."""

FLAG_FILES = (".json", ".yaml", ".yml")


def _sidecars(documents: list[Document]) -> Iterator[tuple[str, Document, Document]]:
    for owner, template in workloads(documents):
        one = sidecar(template["spec"])
        if one and not _lacks(one):
            yield owner, template["spec"], one


def _lacks(container: Document) -> list[str]:
    """What a patch that meets no sidecar leaves out of the container that it makes."""
    return [key for key in ("image", "args", "volumeMounts") if not container.get(key)]


def arguments(container: Document) -> dict[str, str]:
    """The options of a command line, with their values."""
    options = (part.partition("=") for part in container["args"] if part.startswith("--"))
    return {option: value for option, _, value in options}


def setting(container: Document, option: str, program: Program) -> str:
    """An option's value, from the command line, the environment or the program's default."""
    variable = f"FLAGSTAFF_{option.strip('-').replace('-', '_').upper()}"
    by_environment = environment(container).get(variable, program.defaults.get(option, ""))
    return arguments(container).get(option, by_environment)


def workloads_have_one(documents: list[Document], _: Program) -> Iterator[str]:
    for document in documents:
        labels = document["metadata"].get("labels", {})
        wanted = labels.get("flagstaff") != "disabled"
        for owner, template in workloads([document]):
            if (sidecar(template["spec"]) is not None) != wanted:
                yield f"{owner} has {'no' if wanted else 'a'} sidecar"


def it_is_whole(documents: list[Document], _: Program) -> Iterator[str]:
    """The other rules speak of whole ones."""
    for owner, template in workloads(documents):
        one = sidecar(template["spec"])
        for key in _lacks(one) if one else ():
            yield f"{owner}: of the sidecar there is no {key}"


def it_comes_first(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, pod, one in _sidecars(documents):
        init = pod.get("initContainers", [])
        if one in init and (init[0] is not one or one.get("restartPolicy") != "Always"):
            yield f"{owner}: it is not the first init container, or is none that stays"
        is_of_job = pod.get("restartPolicy") in ("Never", "OnFailure")
        if one not in init and (pod["containers"][0] is not one or is_of_job):
            yield f"{owner}: it is not the first container, or keeps a Job from ending"


def it_is_probed(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, _, one in _sidecars(documents):
        startup, liveness = one.get("startupProbe", {}), one.get("livenessProbe", {})
        if startup.get("httpGet", {}).get("path") != "/readyz":
            yield f"{owner}: the application does not wait for the flags"
        if liveness.get("httpGet", {}).get("path") != "/livez":
            yield f"{owner}: nobody notices when it hangs"
        patience = startup.get("periodSeconds", 10) * startup.get("failureThreshold", 3)
        if startup.get("periodSeconds") != 1:
            yield f"{owner}: the application waits longer than it must"
        if patience < PATIENCE_SECONDS:
            yield f"{owner}: flags that are wrong for {patience} s bring it into back-off"
        # A node that is busy for a moment is no reason, nor one answer that is lost.
        if liveness.get("failureThreshold", 3) < 3 or liveness.get("timeoutSeconds", 1) < 2:
            yield f"{owner}: it is killed for being slow"
        if liveness.get("periodSeconds", 10) * liveness.get("failureThreshold", 3) > 60:
            yield f"{owner}: it may hang for long"
        if liveness.get("terminationGracePeriodSeconds", 0) <= DRAIN_SECONDS:
            yield f"{owner}: a probe that fails leaves it no time to stop"


def it_is_not_asked_for_readiness(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, _, one in _sidecars(documents):
        if "readinessProbe" in one:
            yield f"{owner}: its readiness would take the whole pod out of its Service"


def probes_reach_it(documents: list[Document], program: Program) -> Iterator[str]:
    for owner, template in workloads(documents):
        for container in containers(template["spec"]):
            ports = {port["name"] for port in container.get("ports", [])}
            ports |= {port["containerPort"] for port in container.get("ports", [])}
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                probe = container.get(kind, {})
                action = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc")
                if action and action["port"] not in ports:
                    yield f"{owner}: {container['name']} has no such port as its {kind} asks"
                if action and "host" in action:
                    yield f"{owner}: the {kind} of {container['name']} leaves the pod"
    for owner, _, one in _sidecars(documents):
        if setting(one, "--management-bind", program) != "any":
            yield f"{owner}: probes come to the pod's address, where it does not listen"


def options_exist(documents: list[Document], program: Program) -> Iterator[str]:
    for owner, _, one in _sidecars(documents):
        if "command" in one or one["args"][0] != "serve":
            yield f"{owner}: it does not run `flagstaff serve`"
        for option in arguments(one).keys() - program.options:
            yield f"{owner}: there is no option {option}"


def environment_exists(documents: list[Document], program: Program) -> Iterator[str]:
    for owner, pod, one in _sidecars(documents):
        for variable in environment(one).keys() - program.environment - PROVIDER - OTHER_CLIENTS:
            yield f"{owner}: the sidecar knows no {variable}"
        for container in pod["containers"]:
            for variable in environment(container):
                is_ours = variable.startswith(("FLAGD_", "no_grpc"))
                if is_ours and variable not in PROVIDER | OTHER_CLIENTS:
                    yield f"{owner}: no client reads {variable}"


def ports_are_those_it_opens(documents: list[Document], program: Program) -> Iterator[str]:
    for owner, _, one in _sidecars(documents):
        opened = setting(one, "--management-port", program)
        said = [str(port["containerPort"]) for port in one.get("ports", [])]
        if said != [opened]:
            yield f"{owner}: it opens {opened} to the pod's address and says {said}"


def flags_can_be_updated(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, pod, one in _sidecars(documents):
        mounts = {mount["mountPath"]: mount for mount in one["volumeMounts"]}
        for mount in one["volumeMounts"]:
            if "subPath" in mount or "subPathExpr" in mount:
                yield f"{owner}: {mount['mountPath']} is a subPath, which never updates"
        paths = [part for part in one["args"][1:] if not part.startswith("--")]
        if not paths:
            yield f"{owner}: it is told of no flags"
        for path in paths:
            mount = mounts.get(path)
            if not mount or not mount.get("readOnly"):
                yield f"{owner}: {path} is not mounted, read-only and as a directory"
                continue
            volume = next((v for v in pod.get("volumes", []) if v["name"] == mount["name"]), {})
            if not volume.keys() & {"configMap", "projected"}:
                yield f"{owner}: {path} is of no ConfigMap"


def overrides_can_be_written(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, pod, one in _sidecars(documents):
        path = arguments(one).get("--overrides")
        mount = next((m for m in one["volumeMounts"] if m["mountPath"] == path), {"name": None})
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        directory = volumes.get(mount["name"], {}).get("emptyDir")
        if directory is None or mount.get("readOnly"):
            yield f"{owner}: overrides cannot be written to {path}"
    for owner, template in workloads(documents):
        for volume in template["spec"].get("volumes", []):
            # Other media hold back the cluster autoscaler, and no limit takes the node's memory.
            if "emptyDir" not in volume:
                continue
            if volume["emptyDir"].keys() != {"medium", "sizeLimit"}:
                yield f"{owner}: {volume['name']} is not of memory, with a limit"
            # What is written there counts as memory of who writes it.
            if (quantity(volume["emptyDir"].get("sizeLimit")) or 0) > MOST_IN_MEMORY:
                yield f"{owner}: {volume['name']} may take the sidecar's memory"


def it_stops_in_time(documents: list[Document], program: Program) -> Iterator[str]:
    for owner, pod, one in _sidecars(documents):
        delay = setting(one, "--drain-delay", program)
        drain = float(delay.removesuffix("s")) + DRAIN_SECONDS
        grace = pod.get("terminationGracePeriodSeconds", 30)
        if grace <= drain:
            yield f"{owner}: it may take {drain} s to stop, and the pod has {grace}"
        is_native = one in pod.get("initContainers", [])
        if is_native and drain > DRAIN_SECONDS:
            yield f"{owner}: it stops last, and may have only the 2 s after the grace period"
        if not is_native and drain <= DRAIN_SECONDS:
            yield f"{owner}: it stops while the application still asks"


def resources_are_bounded(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, _, one in _sidecars(documents):
        resources = one.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        if requests.keys() != {"cpu", "memory"} or "memory" not in limits:
            yield f"{owner}: no requests, or no limit of memory"
        if "cpu" in limits and requests != limits:
            yield f"{owner}: a limit of CPU throttles it, and still is not Guaranteed"
        if (quantity(limits.get("cpu", 1)) or 0) < LEAST_CPU:
            yield f"{owner}: with so little CPU it answers late"
        if (quantity(limits.get("memory", 0)) or 0) < LEAST_MEMORY:
            yield f"{owner}: its memory does not do for many flags"


def flags_are_good(documents: list[Document], program: Program) -> Iterator[str]:
    used = {
        volume["configMap"]["name"]
        for _, pod, _ in _sidecars(documents)
        for volume in pod.get("volumes", [])
        if volume["name"] == "flagstaff-flags" and "configMap" in volume
    }
    for document in of_kind(documents, "ConfigMap"):
        if document["metadata"]["name"] not in used:
            continue
        # The API server takes 1 MiB; what it is in JSON is close enough.
        if len(json.dumps(document)) > 1_000_000:
            yield "the ConfigMap is too large"
        with tempfile.TemporaryDirectory() as home:
            for key, text in document["data"].items():
                if not key.endswith(FLAG_FILES) or not re.fullmatch(r"[-._a-zA-Z0-9]+", key):
                    yield f"{key} is not served: its name is not that of a flag file"
                (Path(home) / key).write_text(text)
            # Who owns a flag is not what Kubernetes asks.
            checked = program.run("check", "--strict", "--no-lints", home)
            if checked.returncode != 0:
                yield f"{checked.stdout}{checked.stderr}"
