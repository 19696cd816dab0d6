"""Policy: what the API server refuses although the schema calls it any text or any number."""

import re
from collections.abc import Iterator
from decimal import Decimal

from program import Program
from render import Document, containers, name, workloads

UNITS = {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
UNITS |= {unit: Decimal(1000) ** n for n, unit in enumerate("kMGTPE", 1)}
UNITS |= {f"{unit}i": Decimal(1024) ** n for n, unit in enumerate("KMGTPE", 1)}

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""DNS-1123."""

SCHEDULE = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
"""Numbers only, although names of months and weekdays would do."""

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def quantity(value: object) -> Decimal | None:
    """What 64Mi is, or 100m; None where it is no quantity."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", str(value))
    return Decimal(match[1]) * UNITS[match[2]] if match and match[2] in UNITS else None


def names_are_valid(documents: list[Document], _: Program) -> Iterator[str]:
    for document in documents:
        if not all(_is_label(part) for part in document["metadata"]["name"].split(".")):
            yield f"{name(document)} is no name"
        if document["kind"] == "Service":
            for port in document["spec"]["ports"]:
                if not _is_label(port.get("name", "http")):
                    yield f"{name(document)}: port {port['name']} is no name"
    for owner, template in workloads(documents):
        pod = template["spec"]
        for one in (*containers(pod), *pod.get("volumes", [])):
            if not _is_label(one["name"]):
                yield f"{owner}: {one['name']} is no name"
        for port in (port for one in containers(pod) for port in one.get("ports", [])):
            called = port.get("name", "http")
            has_letter = re.search("[a-z]", called)
            if not _is_label(called) or len(called) > 15 or "--" in called or not has_letter:
                yield f"{owner}: port {called} is no name"
            if not 1 <= port["containerPort"] <= 65535:
                yield f"{owner}: {port['containerPort']} is no port"


def _is_label(text: str) -> bool:
    return len(text) <= 63 and LABEL.fullmatch(text) is not None


def quantities_are_valid(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, template in workloads(documents):
        pod = template["spec"]
        for volume in pod.get("volumes", []):
            limit = (volume.get("emptyDir") or {}).get("sizeLimit", "0")
            if quantity(limit) is None:
                yield f"{owner}: {volume['name']}: {limit} is no quantity"
        for one in containers(pod):
            resources = one.get("resources", {})
            limits, requests = resources.get("limits", {}), resources.get("requests", {})
            for value in (*limits.values(), *requests.values()):
                if quantity(value) is None:
                    yield f"{owner}: {one['name']}: {value} is no quantity"
            for key in limits.keys() & requests.keys():
                asked, most = quantity(requests[key]), quantity(limits[key])
                if asked is not None and most is not None and asked > most:
                    yield f"{owner}: {one['name']} asks for more {key} than its limit"


def probes_are_valid(documents: list[Document], _: Program) -> Iterator[str]:
    for owner, template in workloads(documents):
        for one in containers(template["spec"]):
            for kind in PROBES:
                probe = one.get(kind, {})
                at = f"{owner}: the {kind} of {one['name']}"
                if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
                    yield f"{at} has to succeed once"
                for key, value in probe.items():
                    least = 0 if key == "initialDelaySeconds" else 1
                    if isinstance(value, int) and not least <= value < 2**31:
                        yield f"{at}: {key} {value}"


def schedules_are_valid(documents: list[Document], _: Program) -> Iterator[str]:
    for document in documents:
        if document["kind"] == "CronJob":
            schedule = document["spec"]["schedule"]
            if not _is_schedule(schedule):
                yield f"{name(document)}: no such time as {schedule!r}"


def _is_schedule(text: str) -> bool:
    fields = text.split()
    return len(fields) == len(SCHEDULE) and all(
        _is_in(part, least, most)
        for field, (_, least, most) in zip(fields, SCHEDULE, strict=True)
        for part in field.split(",")
    )


def _is_in(part: str, least: int, most: int) -> bool:
    """One part of a list: `*`, `5` or `1-5`, each perhaps with a step."""
    match = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", part)
    if not match:
        return False
    first = int(match[1] or least)
    return least <= first <= int(match[2] or first) <= most
