"""The dashboards as files: what Grafana needs, and what a reader does."""

import itertools
import re

import pytest
from shipped import DASHBOARDS, VARIABLES, dashboard, panels

SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@pytest.fixture(params=DASHBOARDS, ids=lambda path: path.stem)
def board(request):
    return dashboard(request.param) | {"stem": request.param.stem}


def texts(value):
    """Every text in the document."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def test_both_dashboards_are_there():
    assert {path.stem for path in DASHBOARDS} == {"flagstaff-fleet", "flagstaff-flags"}
    uids = [dashboard(path)["uid"] for path in DASHBOARDS]
    assert uids == [path.stem for path in DASHBOARDS]


def test_the_schema_is_current_and_the_document_no_export(board):
    assert board["schemaVersion"] >= 39
    assert board["id"] is None
    assert board["title"].startswith("Flagstaff: ")
    assert "__inputs" not in board


def test_panels_have_ids_of_their_own_and_do_not_overlap(board):
    every = board["panels"] + [inner for row in board["panels"] for inner in row.get("panels", [])]
    ids = [panel["id"] for panel in every]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in every]
    assert len(set(titles)) == len(titles)
    cells = [
        (x, y)
        for panel in board["panels"]
        for grid in [panel["gridPos"]]
        for x, y in itertools.product(
            range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
        )
    ]
    assert len(set(cells)) == len(cells), "panels overlap"
    assert max(x for x, _ in cells) < 24


def test_every_panel_says_what_to_conclude_and_has_a_unit(board):
    for panel in panels(board):
        assert len(panel["description"]) > 60, f"{panel['title']} says too little"
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


def test_no_data_source_is_hard_coded(board):
    assert board["templating"]["list"][0]["type"] == "datasource"
    for panel in panels(board):
        assert panel["datasource"] == SOURCE, panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == SOURCE, panel["title"]
    for variable in board["templating"]["list"][1:]:
        assert variable["datasource"] == SOURCE, variable["name"]


def test_ranges_follow_the_dashboard(board):
    """A range that is written out is wrong as soon as someone zooms or scrapes more rarely."""
    for panel in panels(board):
        for target in panel["targets"]:
            # Without the step of a subquery.
            ranges = [re.split("[]:]", part)[0] for part in target["expr"].split("[")[1:]]
            assert set(ranges) <= {"$__rate_interval", "$__range"}, panel["title"]
            if panel["type"] == "timeseries":
                assert "$__range" not in ranges, f"{panel['title']} is no total"


def test_variables_offer_all_and_every_query_obeys_them(board):
    variables = {each["name"]: each for each in board["templating"]["list"]}
    assert {"datasource", "namespace", "job"} <= set(variables)
    assert ("flag" in variables) == (board["stem"] == "flagstaff-flags")
    for name, variable in variables.items():
        if variable["type"] == "query":
            assert variable["includeAll"], name
            assert variable["allValue"] == VARIABLES[f"${name}"], name
    for panel in panels(board):
        for target in panel["targets"]:
            by_flag = "flag" in variables and 'flag=~"$flag"' in target["expr"]
            assert target["expr"].count("{") == target["expr"].count('namespace=~"$namespace"')
            about_flags = "flagstaff_flag_" in target["expr"]
            assert by_flag or not about_flags, f"{panel['title']} ignores the variable flag"


def test_changes_of_flags_are_annotated(board):
    [annotation] = [each for each in board["annotations"]["list"] if "expr" in each]
    assert annotation["datasource"] == SOURCE
    assert "flagstaff_flag_changed_timestamp_seconds" in annotation["expr"]
    # Grafana takes a value for a time in milliseconds.
    assert annotation["useValueForTime"] is True
    assert annotation["expr"].endswith("* 1000")


def test_nobody_calls_exposures_users(board):
    for panel in panels(board):
        shown = [panel["title"], *[target["legendFormat"] for target in panel["targets"]]]
        shown += texts(panel.get("transformations", []))
        for text in shown:
            assert "user" not in text.lower(), f"{panel['title']}: {text}"
