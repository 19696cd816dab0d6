"""The volumes of a pod: ConfigMaps, written as the kubelet's AtomicWriter does, and emptyDirs."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from manifest import Fields, Pod, Unsimulated, check

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


class Missing(Exception):
    """A ConfigMap that a volume needs is not there (yet)."""


def size(quantity: str) -> int:
    """Bytes of a quantity such as 64Mi."""
    match = re.fullmatch(r"(\d+)(\D*)", quantity)
    if not match or match[2] not in UNITS:
        raise Unsimulated(f"quantity {quantity}")
    return int(match[1]) * UNITS[match[2]]


class Volumes:
    """The volumes of one pod, each a directory on the node."""

    def __init__(self, directory: Path, pod: Pod, config_maps: dict[str, Fields]) -> None:
        self._directory = directory
        self._pod = pod
        self._config_maps = config_maps
        self._mounted: list[Path] = []
        self.is_set_up = False

    def path(self, name: str) -> Path:
        return self._directory / name

    def set_up(self) -> None:
        """Makes all volumes, or says which ConfigMap is missing."""
        volumes = list(self._pod.volumes.values())
        # Those that can fail come first.
        for volume in sorted(volumes, key=lambda volume: "configMap" not in volume):
            check(volume, f"volume {volume['name']}", "name configMap emptyDir")
            path = self.path(volume["name"])
            path.mkdir(parents=True, exist_ok=True)
            if "configMap" in volume:
                self._write_config_map(path, volume["configMap"])
            else:
                self._make_empty(path, volume["emptyDir"] or {})
        self.is_set_up = True

    def sync(self) -> None:
        """Writes what changed in ConfigMaps, as the kubelet does in each of its rounds."""
        for volume in self._pod.volumes.values():
            if "configMap" in volume:
                self._write_config_map(self.path(volume["name"]), volume["configMap"])

    def close(self) -> None:
        for path in self._mounted:
            subprocess.run(["umount", "--lazy", path], check=True)

    def _make_empty(self, path: Path, source: Fields) -> None:
        check(source, f"emptyDir {path.name}", "medium sizeLimit")
        if source.get("medium") == "Memory":
            options = f"size={size(source['sizeLimit'])}" if "sizeLimit" in source else "size=50%"
            command = ["mount", "-t", "tmpfs", "-o", options, "podsim", path]
            subprocess.run(command, check=True)
            self._mounted.append(path)
        path.chmod(0o777)
        if group := self._pod.security.get("fsGroup"):
            os.chown(path, -1, group)
            path.chmod(0o2777)

    def _write_config_map(self, path: Path, source: Fields) -> None:
        check(source, f"configMap {path.name}", "name optional defaultMode")
        found = self._config_maps.get(source["name"])
        if found is None and not source.get("optional", False):
            raise Missing(f'configmap "{source["name"]}" not found')
        data = (found or {}).get("data", {})
        mode = source.get("defaultMode", 0o644)
        atomic_write(path, data, mode, self._pod.security.get("fsGroup"))


def atomic_write(target: Path, payload: dict[str, str], mode: int, group: int | None) -> bool:
    """Writes a payload in the steps of the kubelet's AtomicWriter; returns whether it changed."""
    link = target / "..data"
    before = target / os.readlink(link) if link.is_symlink() else None
    old = {one.name: one.read_text() for one in before.iterdir()} if before else None
    if old == payload:
        return False

    # All of it, in a new directory.
    stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime())
    after = Path(tempfile.mkdtemp(prefix=stamp, dir=target))
    after.chmod(0o755)
    for name, text in payload.items():
        file = after / name
        file.write_text(text)
        file.chmod(mode)
    if group is not None:
        for one in (after, *after.iterdir()):
            os.chown(one, -1, group)
            one.chmod(one.stat().st_mode | (0o2550 if one.is_dir() else 0o440))

    # One rename shows it.
    draft = target / "..data_tmp"
    draft.symlink_to(after.name)
    draft.rename(link)

    # The names that a container sees: those that are new, and no longer those that are gone.
    for name in payload:
        visible = target / name
        if not visible.is_symlink():
            visible.symlink_to(Path("..data", name))
    for name in set(old or {}) - set(payload):
        (target / name).unlink()
    if before is not None:
        shutil.rmtree(before)
    return True
