"""Kustomizations of made-up applications that use the components, in a directory of the test."""

import os
from pathlib import Path

import yaml
from render import COMPONENTS, Document, render

POD = {"containers": [{"name": "app", "image": "app:1"}]}
FLAGS = '{"flags": {"one": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}'


def workload(kind: str, name: str = "app", pod: Document | None = None) -> Document:
    """As small as its kind allows, with a pod of one container or as given."""
    labels = {"app": name}
    spec: Document = {"template": {"metadata": {"labels": labels}, "spec": pod or POD}}
    if kind in ("Job", "CronJob"):
        spec["template"]["spec"] = {"restartPolicy": "Never"} | spec["template"]["spec"]
    else:
        spec["selector"] = {"matchLabels": labels}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "CronJob":
        spec = {"schedule": "0 3 * * *", "jobTemplate": {"spec": spec}}
    version = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


class Applications:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(
        self,
        documents: list[Document],
        components: list[str],
        name: str = "app",
        **more: object,
    ) -> Path:
        """Writes a kustomization with flags as the README shows it; `more` are fields of it."""
        home = self.directory / name
        home.mkdir()
        (home / "workloads.yaml").write_text(yaml.safe_dump_all(documents))
        (home / "flags.json").write_text(FLAGS)
        # kustomize takes no absolute path.
        way = os.path.relpath(COMPONENTS, home.resolve())
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": ["workloads.yaml"],
            "components": [f"{way}/{component}" for component in components],
            "configMapGenerator": [
                {
                    "name": "flagstaff-flags",
                    "files": ["flags.json"],
                    "options": {"disableNameSuffixHash": True},
                }
            ],
        }
        (home / "kustomization.yaml").write_text(yaml.safe_dump(kustomization | more))
        return home

    def rendered(self, documents: list[Document], components: list[str], **more: object) -> list:
        return render(self.write(documents, components, **more))
