"""Every shipped query runs and has data, and would not with a name mistyped."""

import pytest
from promql import parsed
from prometheus import Refused
from shipped import of_docs, of_rules, queries


def problems(prometheus, expr, known_labels):
    """What is wrong with a query, judged by a Prometheus that has whatever it should find."""
    query = parsed(expr)
    assert query.selectors, f"reads nothing: {expr}"
    found = [
        f"no series has a label {name.text}"
        for name in query.names
        if name.kind == "label" and name.text not in known_labels
    ]
    try:
        found += [f"no series: {each}" for each in query.selectors if not prometheus.query(each)]
        if not prometheus.has_data(expr):
            found.append("no data")
    except Refused as error:
        found.append(str(error))
    return found


@pytest.fixture(scope="module")
def known_labels(prometheus):
    return prometheus.labels()


def test_every_query_has_data(prometheus, known_labels):
    shipped = queries()
    assert len(shipped) > 80, "the queries were not found"
    failed = [
        f"{what}: {found}"
        for what, expr in shipped
        if (found := problems(prometheus, expr, known_labels))
    ]
    assert not failed, "\n".join(failed)


def test_a_name_mistyped_anywhere_is_noticed(prometheus, known_labels):
    n_tried = 0
    unnoticed = []
    for what, expr in queries():
        for name in parsed(expr).names:
            n_tried += 1
            if not problems(prometheus, name.mistyped(expr), known_labels):
                unnoticed.append(f"{what}: {name.kind} {name.text} at {name.start}")
    assert n_tried > 300
    assert not unnoticed, "\n".join(unnoticed)


def test_there_are_ten_questions():
    titles = list(dict.fromkeys(title for title, _ in of_docs()))
    assert [title.split(".")[0] for title in titles] == [str(n) for n in range(1, 11)]


def test_prometheus_evaluates_every_rule(prometheus):
    loaded = [rule for group in prometheus.groups() for rule in group["rules"]]
    assert len(loaded) == len(list(of_rules()))
    for rule in loaded:
        assert rule["health"] == "ok", f"{rule['name']}: {rule.get('lastError')}"


def test_alerts_say_in_full_what_is_the_case(prometheus):
    """As Alertmanager would get them, whether they wait or fire."""
    alerts = prometheus.api("alerts")["alerts"]
    names = {alert["labels"]["alertname"] for alert in alerts}
    owned = {alert["labels"]["alertname"] for alert in alerts if "owner" in alert["labels"]}
    assert owned == {
        f"Flagstaff{name}"
        for name in (
            "ErrorRatio",
            "FlagExpired",
            "FlagKilled",
            "OverrideActive",
            "VariantErrorRatio",
        )
    }
    # The scans of the fleet cannot be stopped for a quarter of an hour; promtool tests that alert.
    shipped = {what for what, _ in of_rules() if what.startswith("Flagstaff")}
    assert names == shipped - {"FlagstaffScansStopped"}
    owners = prometheus.values("namespace_job_flag_owner:flagstaff_flag_info:most", "flag", "owner")
    owner = dict(owners.keys())
    for alert in alerts:
        labels = alert["labels"]
        assert labels.get("owner", "") == owner.get(labels.get("flag"), ""), labels
        for text in alert["annotations"].values():
            assert "<no value>" not in text, text
            assert "  " not in text.strip(), f"something is missing in: {text}"
            assert "{{" not in text, text


def test_one_pod_is_told_apart_as_the_one_that_is_stale(prometheus):
    behind, failing = [expr for title, expr in of_docs() if title.endswith("Is any pod stale?")]
    assert set(prometheus.values(behind, "pod")) == {"shop-2"}
    assert set(prometheus.values(failing, "pod")) == {"shop-1", "shop-2"}


def test_the_flag_that_nobody_asked_is_named_and_static_ones_are_not(prometheus):
    [never] = [expr for title, expr in of_docs() if "never evaluated" in title]
    named = set(prometheus.values(never, "flag"))
    assert "never_asked" in named
    assert not named & {"enable_search_suggestions", "always_on", "mistyped_rule"}, named


def test_the_flag_that_is_one_variant_for_all_is_named(prometheus):
    [one_variant] = [expr for title, expr in of_docs() if "100 % one variant" in title]
    named = set(prometheus.values(one_variant, "flag", "variant"))
    assert ("always_on", "on") in named
    assert not {flag for flag, _ in named} & {"enable_new_pricing_page", "checkout_button_test"}
