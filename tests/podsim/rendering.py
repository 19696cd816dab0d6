"""Renderings of the examples, with other components and other fields where a test needs them."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml
from render import COMPONENTS, EXAMPLES, Document, render, workloads


def rendered(
    directory: Path,
    example: str,
    components: Sequence[str] | None = None,
    edit: Callable[[Document], None] | None = None,
    services: Sequence[str] = (),
) -> list[Document]:
    """Renders an example: as it is, or with these components instead of its own.

    `edit` changes the rendered spec of the pod; `services` are in the namespace as well.
    """
    source = EXAMPLES / example
    if components is not None:
        copy = directory / "kustomization"
        shutil.copytree(source, copy)
        file = copy / "kustomization.yaml"
        kustomization = yaml.safe_load(file.read_text())
        paths = [os.path.relpath(COMPONENTS / name, copy) for name in components]
        file.write_text(yaml.safe_dump({**kustomization, "components": paths}))
        source = copy
    documents = render(source)
    if edit is not None:
        for _, template in workloads(documents):
            edit(template["spec"])
    ports = [{"port": 8013}]
    for name in services:
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}
        documents.append(service | {"spec": {"ports": ports}})
    return documents
