"""README.md does what it says: its files render, its commands run as far as no cluster allows."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from applications import workload
from policy import problems
from program import Program
from references import environment
from render import (
    COMPONENTS,
    EXAMPLES,
    K8S,
    REPOSITORY,
    Document,
    of_kind,
    render,
    sidecar,
    template,
)

README = (K8S / "README.md").read_text()
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for kind, text in FENCES if kind == "console" for line in text.splitlines() if line
]

BEFORE, AFTER = '["on", 5], ["off", 95]', '["on", 25], ["off", 75]'
"""The change that the README has its reader make."""

NEED_A_CLUSTER = (
    "kubectl create namespace shop",
    "kubectl rollout status --namespace shop deployment/shop",
    "kubectl port-forward --namespace shop deployment/shop 8080 8014",
)
"""What has no meaning without one. The names in them are checked."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of somebody's, with what the README has them write and copy."""
    home = tmp_path_factory.mktemp("repository")
    for kind, text in FENCES:
        if kind == "yaml":
            path = home / text.splitlines()[0].removeprefix("# ")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    pod = {"containers": [{"name": "shop", "image": "app:1"}]}
    deployment = workload("Deployment", "shop", pod)
    (home / "shop/deployment.yaml").write_text(yaml.safe_dump(deployment))
    flags = (EXAMPLES / "deployment/flags.json").read_text()
    (home / "shop/flags.json").write_text(flags)
    (home / "production/overlay.json").write_text(flags.replace(BEFORE, AFTER))
    copy = next(command for command in COMMANDS if command.startswith("cp "))
    source, target = shlex.split(copy)[-2:]
    subprocess.run(["cp", "-r", REPOSITORY / source, home / target], check=True)
    return home


def variant(program: Program, flags: Path) -> str:
    """What user-6 gets of the flag that the README speaks of."""
    arguments = ["--flag", "enable_new_pricing_page", "--context", '{"targetingKey": "user-6"}']
    return json.loads(program.run("eval", str(flags), *arguments, check=True).stdout)["variant"]


def deployment(documents: list[Document]) -> Document:
    (found,) = of_kind(documents, "Deployment")
    return template(found)["spec"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, shop: Path, program: Program) -> None:
    match shlex.split(command):
        case ["kubectl", "kustomize", directory]:
            assert sidecar(deployment(render(shop / directory)))
        case ["kubectl", "apply", "--namespace", "shop", "--kustomize", directory]:
            assert problems(render(REPOSITORY / directory), program) == []
        case ["docker", "build", "--file", dockerfile, "--tag", tag, "--build-arg", value, "."]:
            assert f"ARG {value.partition('=')[0]}=" in (REPOSITORY / dockerfile).read_text()
            assert tag == sidecar(deployment(render(EXAMPLES / "deployment")))["image"]
        case ["docker", "build", "--tag", tag, directory]:
            assert (REPOSITORY / directory / "Dockerfile").is_file()
            pod = deployment(render(EXAMPLES / "deployment"))
            assert tag == pod["containers"][0]["image"]
        case ["cp", "-r", source, _]:
            assert REPOSITORY / source == COMPONENTS
        case ["docker", "run", "--rm", "--volume", "$PWD/shop:/shop:ro", _, *arguments]:
            # The program in the image is the one that was built.
            done = program.run(*(one.replace("/shop/", f"{shop}/shop/") for one in arguments))
            assert done.returncode == 0, done.stdout + done.stderr
        case [script, "-l", selector, "-n", "shop", *arguments]:
            # What the scripts do with their arguments is in test_scripts.py.
            assert (REPOSITORY / script).stat().st_mode & 0o111
            label, _, value = selector.partition("=")
            (found,) = of_kind(render(EXAMPLES / "deployment"), "Deployment")
            assert template(found)["metadata"]["labels"][label] == value
            if arguments:
                assert program.run("override", *arguments[:1], "--help").returncode == 0
        case _:
            assert command in NEED_A_CLUSTER, f"no test runs {command}"


def test_the_application_of_the_readme_is_good(shop: Path, program: Program) -> None:
    documents = render(shop / "shop")
    assert sidecar(deployment(documents))["image"] == "my-registry/flagstaff:0.1.0"
    sidecar(deployment(documents))["image"] = "flagstaff:0.1.0"
    assert problems(documents, program) == []


def test_an_overlay_adds_a_layer(shop: Path, program: Program, tmp_path: Path) -> None:
    documents = render(shop / "production")
    (flags,) = of_kind(documents, "ConfigMap")
    assert flags["metadata"]["name"] == "flagstaff-flags"
    assert flags["data"].keys() == {"flags.json", "overlay.json"}
    for key, text in flags["data"].items():
        (tmp_path / key).write_text(text)
    assert variant(program, tmp_path) == "on", "the overlay's flag replaces that of the base"


def test_config_maps_come_together(shop: Path) -> None:
    pod = deployment(render(shop / "together"))
    (volume,) = [one for one in pod["volumes"] if one["name"] == "flagstaff-flags"]
    assert volume.keys() == {"name", "projected"}
    names = [source["configMap"]["name"] for source in volume["projected"]["sources"]]
    assert names == ["company-flags", "flagstaff-flags"]


def test_options_are_patched(shop: Path, program: Program) -> None:
    own = sidecar(deployment(render(shop / "patient")))
    assert {one["name"] for one in own["env"]} <= program.environment
    assert {one["name"]: one["value"] for one in own["env"]} == {
        "FLAGSTAFF_START_WITHOUT_FLAGS": "true",
        "FLAGSTAFF_LOG_LEVEL": "warn",
    }
    assert own["image"] and own["startupProbe"], "the patch takes nothing away"


def test_init_containers_come_after_it(shop: Path, program: Program) -> None:
    """Those that a patch adds, as the README has it, which gives the application a setting too."""
    documents = render(shop / "migrated")
    pod = deployment(documents)
    assert [one["name"] for one in pod["initContainers"]] == ["flagstaff", "migrate"]
    assert environment(pod["containers"][0])["FLAGD_DEADLINE_MS"] == "1000"
    assert not [one for one in problems(documents, program) if not one.startswith("images_")]


def test_everything_is_valid(shop: Path) -> None:
    for directory in ("shop", "production", "together", "patient", "migrated"):
        for document in render(shop / directory):
            kubernetes_validate.validate(document, "1.29", strict=True)
    for path in ("shop/migrations.yaml", "rbac/role.yaml"):
        document = yaml.safe_load((shop / path).read_text())
        kubernetes_validate.validate(document, "1.29", strict=True)


@pytest.mark.parametrize("directory", ["shop", "production", "together", "patient", "migrated"])
def test_who_is_left_out_is_left_as_it_is(directory: str, shop: Path) -> None:
    """By the components and by the patches that the README shows."""
    out = workload("Deployment", "out")
    out["metadata"]["labels"] = {"flagstaff": "disabled"}
    (shop / "shop/out.yaml").write_text(yaml.safe_dump(out))
    kustomization = shop / "shop/kustomization.yaml"
    text = kustomization.read_text()
    both = "  - deployment.yaml\n  - migrations.yaml\n  - out.yaml\n"
    kustomization.write_text(text.replace("  - deployment.yaml\n", both))
    try:
        documents = render(shop / directory)
    finally:
        kustomization.write_text(text)
    assert out in documents
    assert yaml.safe_load((shop / "shop/migrations.yaml").read_text()) in documents


def test_the_role_allows_what_the_scripts_ask() -> None:
    (text,) = [text for kind, text in FENCES if kind == "yaml" and "kind: Role\n" in text]
    allowed = {
        resource: set(rule["verbs"])
        for rule in yaml.safe_load(text)["rules"]
        for resource in rule["resources"]
    }
    # As kubectl does it: it looks for the pods, reads each one, and changes it or enters it.
    asked = {
        "get pods": {"pods": {"list"}},
        "annotate pods": {"pods": {"list", "get", "patch"}},
        "exec)": {"pods": {"get"}, "pods/exec": {"create", "get"}},
    }
    needed: dict[str, set[str]] = {}
    for path in K8S.glob("*.sh"):
        for call in re.findall(r'"\$\{kubectl\[@\]\}" (\w+ pods|exec\))', path.read_text()):
            for resource, verbs in asked[call].items():
                needed[resource] = needed.get(resource, set()) | verbs
    assert allowed == needed


def test_every_component_is_told_of() -> None:
    for path in COMPONENTS.iterdir():
        assert f"| `{path.name}` |" in README


def test_links_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        path, _, anchor = target.partition("#")
        assert (K8S / path).exists(), target
        assert path or anchor in anchors, target
    for path in re.findall(r"`((?:deploy|examples)/[\w./-]+)`", README):
        assert (REPOSITORY / path).exists() or (K8S / path).exists(), path


def test_the_answers_are_those_of_the_shop(program: Program, tmp_path: Path) -> None:
    """user-6 has the list of prices at 5 %, and the plans at 25 %."""
    flags = (EXAMPLES / "deployment/flags.json").read_text()
    assert flags.count(BEFORE) == 1
    assert f"`{BEFORE}` to `{AFTER}`" in README.replace("\n", " ")
    for text, expected in ((flags, "off"), (flags.replace(BEFORE, AFTER), "on")):
        (tmp_path / "flags.json").write_text(text)
        assert variant(program, tmp_path) == expected


def test_the_readme_of_the_project_says_the_same() -> None:
    text = (REPOSITORY / "README.md").read_text().partition("## In Kubernetes")[2]
    short = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    full = yaml.safe_load(next(text for kind, text in FENCES if kind == "yaml"))
    assert short["configMapGenerator"] == full["configMapGenerator"]
    assert short["components"] == full["components"][:1]
