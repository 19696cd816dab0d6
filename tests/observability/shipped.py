"""Every query that is shipped: of panels, annotations and variables, of rules, of the docs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
MONITORING = REPOSITORY / "deploy" / "k8s" / "monitoring"
RULES = MONITORING / "rules.yaml"
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
DOCS = REPOSITORY / "docs" / "dashboards.md"

VARIABLES = {
    "$__rate_interval": "1m",
    "$__interval": "15s",
    "$__range": "1h",
    "$namespace": ".*",
    "$job": ".*",
    "$flag": ".*",
}
"""As Grafana fills them in where All is chosen."""


def dashboard(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """All panels but the rows."""
    inside = [panel for row in board["panels"] for panel in row.get("panels", [])]
    return [panel for panel in board["panels"] + inside if panel["type"] != "row"]


def filled_in(expr: str) -> str:
    for name in sorted(VARIABLES, key=len, reverse=True):
        expr = expr.replace(name, VARIABLES[name])
    assert "$" not in expr, f"a variable without a value: {expr}"
    # A subquery steps as often as is scraped, and here that is each second.
    return expr.replace(":15s]", ":1s]")


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def of_dashboards() -> Iterator[tuple[str, str]]:
    for path in DASHBOARDS:
        board = dashboard(path)
        for panel in panels(board):
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']} {target['refId']}", filled_in(target["expr"])
        for annotation in board["annotations"]["list"]:
            if "expr" in annotation:
                yield f"{path.stem}: annotation {annotation['name']}", filled_in(annotation["expr"])
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                # label_values(selector, label): the selector must match, and the label be there.
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
                assert found, f"{path.stem}: {variable['name']} is no label_values(…)"
                expr = f"count by ({found[2]}) ({filled_in(found[1])})"
                yield f"{path.stem}: variable {variable['name']}", expr


def of_rules() -> Iterator[tuple[str, str]]:
    for rule in rules():
        # A last scan is never a quarter of an hour ago here.
        yield rule.get("record") or rule["alert"], rule["expr"].replace("> 900", "> 0")


def of_docs() -> Iterator[tuple[str, str]]:
    text = DOCS.read_text()
    title = ""
    for found in re.finditer(
        r"^### ([^\n]+)$|^```promql\n(.+?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        title = found[1] or title
        if found[2]:
            yield title, found[2]


def queries() -> list[tuple[str, str]]:
    return [*of_dashboards(), *of_rules(), *of_docs()]
