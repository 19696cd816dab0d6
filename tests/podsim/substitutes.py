"""What the images of the manifests are in these tests: the one place where an image is replaced."""

import json
import shlex
import sys
from pathlib import Path

import oci
from manifest import Fields, Unsimulated
from render import REPOSITORY


def unpacked(sidecar: oci.Image, directory: Path) -> dict[str, oci.Image]:
    """All images, by name."""
    shop = python_app(directory / "shop", REPOSITORY / "examples/python")
    return {"flagstaff": sidecar, "flagstaff-example-shop": shop}


def python_app(directory: Path, sources: Path) -> oci.Image:
    """An application with a Dockerfile, on this Python with its packages instead of python's image.

    The directory that the Dockerfile copies from is there as a whole.
    """
    config = dockerfile(sources / "Dockerfile")
    prefixes = {sys.base_prefix, sys.prefix} - {"/usr"}
    binds = {prefix: Path(prefix) for prefix in prefixes} | {config["WorkingDir"]: sources}
    directory.mkdir(parents=True)
    for path in map(Path, ("/usr", "/bin", "/lib", "/lib64")):
        # What is a link into /usr is one here.
        if path.is_symlink():
            (directory / path.name).symlink_to(path.readlink())
        elif path.exists():
            binds[str(path)] = path
    config["Env"].append(f"PATH={sys.prefix}/bin:/usr/bin:/bin")
    return oci.Image(directory, config, binds)


def dockerfile(path: Path) -> Fields:
    """The configuration that a Dockerfile gives to its image."""
    config: Fields = {"Env": []}
    for line in path.read_text().splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction == "ENV":
            config["Env"] += shlex.split(rest)
        elif instruction == "WORKDIR":
            config["WorkingDir"] = rest
        elif instruction == "USER":
            config["User"] = rest
        elif instruction in ("CMD", "ENTRYPOINT"):
            config[instruction.capitalize()] = json.loads(rest)
        elif instruction not in ("", "#", "FROM", "COPY", "RUN", "EXPOSE"):
            raise Unsimulated(f"{path}: {instruction}")
    return config
