"""The image: the last stage of deploy/Dockerfile, built here around a program compiled before.

The stage that compiles needs a base image, which there may be no network for. `buildah` is told
that what it leaves is in a directory; every line of the last stage is the Dockerfile's own.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oci

REPOSITORY = Path(__file__).parents[2]

PROGRAMS = {"buildah": "buildah", "umoci": "umoci"}
"""What has to be there, and the Debian package that has it."""

REVISION = "c0ffee15bad5"
"""What the image is told that it is made of."""


@dataclass(frozen=True)
class Built:
    """The image in a registry's terms, and unpacked."""

    unpacked: oci.Image
    digest: str
    """Of the manifest, which names everything else by digest."""
    size: int
    """Of all that is pulled, in bytes."""
    config: dict[str, Any]
    """All of the configuration, history included."""

    @property
    def rootfs(self) -> Path:
        return self.unpacked.rootfs


def missing() -> str | None:
    """Why no image can be built here; None where one can."""
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            return f"{program} is missing; on Debian or Ubuntu: apt-get install {package}"
    return None


def build(program: Path, directory: Path) -> Built:
    """Builds the image, in a directory that is there for nothing else."""
    compiled = directory / "compiled"
    (compiled / "src").mkdir(parents=True)
    # The mode is that of a program which root compiles in a container.
    Path(shutil.copy(program, compiled / "src/flagstaff")).chmod(0o755)
    # Nothing of the repository gets into the last stage: whatever it took would be missing.
    empty = directory / "empty"
    empty.mkdir()
    # A storage of its own, so that nothing is left from an earlier build.
    places = ["--root", directory / "storage", "--runroot", directory / "run"]
    buildah = ["buildah", *places, "--storage-driver", "vfs"]
    dockerfile = REPOSITORY / "deploy/Dockerfile"
    stage = ["--build-context", f"compile={compiled}", "--file", dockerfile]
    stage += ["--build-arg", f"REVISION={REVISION}"]
    how = ["--isolation", "chroot", "--timestamp", "0", "--tag", "image"]
    run(*buildah, "build", *how, *stage, empty)
    layout = directory / "layout"
    run(*buildah, "push", "image", f"oci:{layout}:image")
    bundle = directory / "bundle"
    run("umoci", "unpack", "--image", f"{layout}:image", bundle)

    def blob(digest: str) -> Path:
        return layout / "blobs" / digest.replace(":", "/")

    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(entry["digest"]).read_text())
    pulled = [entry, manifest["config"], *manifest["layers"]]
    config = json.loads(blob(manifest["config"]["digest"]).read_text())
    unpacked = oci.Image(bundle / "rootfs", config["config"])
    return Built(unpacked, entry["digest"], sum(one["size"] for one in pulled), config)


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
