"""The policy holds for everything that is shipped, and each of its rules can fail."""

import copy
import os

import pytest
from applications import Applications, workload
from mutations import CLASSIC, MUTATIONS, Copy, Mutation
from policy import RULES, problems
from program import Program
from render import EXAMPLES, K8S, Document, render

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


@pytest.mark.parametrize("example", ["deployment", "job", "cronjob"])
def test_examples(example: str, program: Program) -> None:
    assert problems(render(EXAMPLES / example), program) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [[], ["uds"], ["guaranteed-qos"], ["python-env", "uds"]])
def test_components(
    kind: str, more: list[str], applications: Applications, program: Program
) -> None:
    documents = applications.rendered([workload(kind)], ["sidecar", *more])
    assert problems(documents, program) == []


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_the_classic_component(kind: str, applications: Applications, program: Program) -> None:
    documents = applications.rendered([workload(kind)], ["classic-sidecar", "python-env"])
    assert problems(documents, program) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("half", ["uds", "guaranteed-qos"])
@pytest.mark.parametrize("before", [[], ["classic-sidecar"]])
def test_half_a_sidecar_is_an_error(
    kind: str, half: str, before: list[str], applications: Applications
) -> None:
    """Alone, with the other one, or too early: said here by kustomize."""
    with pytest.raises(ValueError, match=f"components/{half}': test operation does not apply"):
        applications.rendered([workload(kind)], [*before, half, "sidecar"])


def test_two_sidecars_are_noticed(applications: Applications, program: Program) -> None:
    documents = applications.rendered([workload("Deployment")], ["sidecar", "classic-sidecar"])
    twice = "names_are_unique: Deployment/app: container flagstaff is there twice"
    assert twice in problems(documents, program)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """The shop with all that can go with it: an overlay that adds a component."""
    home = tmp_path_factory.mktemp("everything").resolve()
    way = os.path.relpath(K8S, home)
    (home / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        f"resources: [{way}/examples/deployment, {way}/monitoring]\n"
        f"components: [{way}/components/uds]\n"
    )
    return render(home)


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    applications = Applications(tmp_path_factory.mktemp("classic"))
    return applications.rendered([workload("Deployment")], ["classic-sidecar"])


def cases(mutations: dict[str, list[Mutation]]) -> list[object]:
    return [
        pytest.param(rule, mutation, id=f"{rule}-{n}")
        for rule, several in mutations.items()
        for n, mutation in enumerate(several)
    ]


def test_everything_together(everything: list[Document], program: Program) -> None:
    assert problems(everything, program) == []


@pytest.mark.parametrize(("rule", "mutation"), cases(MUTATIONS))
def test_what_is_broken_is_noticed(
    rule: str, mutation: Mutation, everything: list[Document], program: Program
) -> None:
    documents = copy.deepcopy(everything)
    mutation(Copy(documents))
    assert rule in {problem.partition(":")[0] for problem in problems(documents, program)}


@pytest.mark.parametrize(("rule", "mutation"), cases(CLASSIC))
def test_what_is_broken_in_the_classic_one_is_noticed(
    rule: str, mutation: Mutation, classic: list[Document], program: Program
) -> None:
    documents = copy.deepcopy(classic)
    mutation(Copy(documents))
    assert rule in {problem.partition(":")[0] for problem in problems(documents, program)}


def test_every_rule_is_broken_once() -> None:
    assert {rule.__name__ for rule in RULES} == MUTATIONS.keys()
