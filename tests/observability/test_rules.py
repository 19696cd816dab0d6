"""The rules: what promtool says of them, and that none is without a test."""

import pytest
import yaml
from shipped import MONITORING, RULES, rules

TESTS = MONITORING / "rules_test.yaml"

ALERTS = [
    "ReloadFailed",
    "ConfigInconsistent",
    "Stale",
    "Quarantined",
    "Down",
    "ErrorRatio",
    "UnknownFlag",
    "WatchDegraded",
    "SeriesDropped",
    "FlagExpired",
    "OverrideActive",
    "FlagKilled",
    "ScansStopped",
    "VariantErrorRatio",
]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def test_promtool_accepts_the_rules_and_their_tests_pass(promtool):
    promtool("check", "rules", RULES)
    promtool("test", "rules", TESTS)


def test_the_alerts_are_those_that_are_documented():
    assert [rule["alert"] for rule in alerts()] == [f"Flagstaff{name}" for name in ALERTS]


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tested_to_fire_and_not_to_fire(name):
    cases = [
        case
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for case in test["promql_expr_test"]
        if f'alertname="Flagstaff{name}"' in case["expr"]
    ]
    assert any(case["exp_samples"] for case in cases), "never seen to fire"
    assert any(not case["exp_samples"] for case in cases), "never seen not to fire"


def test_every_recording_is_tested():
    text = TESTS.read_text()
    used = "\n".join(rule["expr"] for rule in rules())
    for rule in rules():
        name = rule.get("record")
        if name:
            assert name in text or name in used, f"{name} is neither tested nor used"


def test_recordings_know_neither_pod_nor_instance():
    for rule in rules():
        if "record" in rule:
            level = rule["record"].split(":")[0].split("_")
            assert not {"pod", "instance"} & set(level), rule["record"]
            assert " by (" in rule["expr"] or rule["record"].startswith("namespace_job_")


def test_every_alert_says_what_is_the_case_and_what_to_do():
    for rule in alerts():
        assert set(rule["annotations"]) == {"summary", "runbook"}, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert "for" in rule
        for text in rule["annotations"].values():
            assert len(text) > 60, f"{rule['alert']} says too little"


def test_the_operators_rules_are_the_same():
    resource = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text())
    assert (resource["apiVersion"], resource["kind"]) == (
        "monitoring.coreos.com/v1",
        "PrometheusRule",
    )
    same = resource["spec"] == yaml.safe_load(RULES.read_text())
    assert same, "prometheusrule.yaml is not made from rules.yaml: see README.md beside it"


def test_the_kustomization_has_every_file_and_the_label_grafana_looks_for():
    kustomization = yaml.safe_load((MONITORING / "kustomization.yaml").read_text())
    [dashboards] = kustomization["configMapGenerator"]
    assert dashboards["options"]["labels"] == {"grafana_dashboard": "1"}
    shipped = {f"dashboards/{path.name}" for path in (MONITORING / "dashboards").iterdir()}
    assert set(dashboards["files"]) == shipped
    resources = {"networkpolicy.yaml", "podmonitor.yaml", "prometheusrule.yaml"}
    assert set(kustomization["resources"]) == resources
    monitor = yaml.safe_load((MONITORING / "podmonitor.yaml").read_text())
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
