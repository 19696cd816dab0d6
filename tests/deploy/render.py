"""Renders kustomizations, with `kustomize` or with the one inside `kubectl`."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
K8S = REPOSITORY / "deploy" / "k8s"
COMPONENTS = K8S / "components"
EXAMPLES = K8S / "examples"

Document = dict[str, Any]

ADVICE = "neither kustomize 5 nor a kubectl of 1.27 or newer is here; with Go: go install " + (
    "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
)

ASKED = {
    ("kustomize", "build"): ["kustomize", "version"],
    ("kubectl", "kustomize"): ["kubectl", "version", "--client"],
}
"""What can render, and how it is asked for its version of kustomize."""

NEW = re.compile(r"^(Kustomize Version: )?v([5-9]|[1-9][0-9]+)\.", re.MULTILINE)


def renderers() -> list[list[str]]:
    """The commands that can render here: the components need kustomize 5."""
    return [list(command) for command, question in ASKED.items() if NEW.search(answer(question))]


def answer(question: list[str]) -> str:
    try:
        return subprocess.run(question, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def render(directory: Path, renderer: list[str] | None = None) -> list[Document]:
    """All documents of a rendering; what kustomize complains of is the error."""
    command = renderer or next(iter(renderers()), None)
    if command is None:
        raise FileNotFoundError(ADVICE)
    done = subprocess.run(
        [*command, str(directory)], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise ValueError(done.stderr)
    return list(yaml.safe_load_all(done.stdout))


def name(document: Document) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def of_kind(documents: list[Document], *kinds: str) -> list[Document]:
    return [document for document in documents if document["kind"] in kinds]


def template(document: Document) -> Document | None:
    """The pod template of a workload."""
    spec = document.get("spec", {})
    return spec.get("jobTemplate", {}).get("spec", {}).get("template") or spec.get("template")


def workloads(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Each workload's name and pod template."""
    for document in documents:
        found = template(document)
        if found:
            yield name(document), found


def containers(pod: Document) -> list[Document]:
    """All containers of a pod's spec, in the order in which they start."""
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def sidecar(pod: Document) -> Document | None:
    return next((one for one in containers(pod) if one["name"] == "flagstaff"), None)
