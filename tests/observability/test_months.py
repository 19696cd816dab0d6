"""The queries about 30 days, on months that were made up: what the fleet's seconds cannot show."""

import pytest
import yaml
from shipped import RULES, of_docs

SHARE = "namespace_job_flag_variant_reason:flagstaff_flag_evaluations:rate5m"


@pytest.fixture
def answer(promtool, tmp_path):
    """Runs the queries of a question on series, and compares what flags they name."""

    def check(question, series, flags, interval, at, rule_files):
        [expr] = [expr for title, expr in of_docs() if question in title]
        test = {
            "interval": interval,
            "input_series": [{"series": name, "values": values} for name, values in series],
            "promql_expr_test": [
                {
                    "expr": f"group by (flag) ({expr})",
                    "eval_time": at,
                    "exp_samples": [{"labels": f'{{flag="{flag}"}}', "value": 1} for flag in flags],
                }
            ],
        }
        file = tmp_path / "test.yaml"
        document = {"rule_files": rule_files, "evaluation_interval": "1m", "tests": [test]}
        file.write_text(yaml.safe_dump(document))
        promtool("test", "rules", file)

    return check


def rates(job, flag, variant):
    labels = f'namespace="n", job="{job}", flag="{flag}", variant="{variant}"'
    return f'{SHARE}{{{labels}, reason="targeting_match"}}'


def test_a_variant_weighs_what_it_was_served(answer):
    series = [
        (rates("shop", "moment", "on"), "1x720"),
        (rates("shop", "moment", "off"), "0.01 stale"),
        (rates("shop", "day", "on"), "1x720"),
        (rates("shop", "day", "off"), "1x23 stale"),
        (rates("cart", "both", "on"), "1x720"),
        (rates("cart", "both", "off"), "1x720"),
    ]
    # What is read here are recordings, so there is nothing to record.
    answer("100 % one variant", series, ["moment"], "1h", "29d", [])


def evaluations(pod, flag, reason):
    labels = f'namespace="n", job="shop", pod="{pod}", flag="{flag}", variant="on"'
    return f'flagstaff_flag_evaluations_total{{{labels}, reason="{reason}"}}'


def test_what_was_asked_before_the_first_scrape_was_asked(answer):
    series = [
        (evaluations("a", "at_start", "targeting_match"), "1x100"),
        (evaluations("b", "at_start", "targeting_match"), "0x200"),
        (evaluations("a", "never", "targeting_match"), "0x200"),
        (evaluations("a", "static", "static"), "0x200"),
        (evaluations("a", "removed", "targeting_match"), "0x200"),
    ]
    series += [
        (f'flagstaff_flag_info{{namespace="n", job="shop", pod="a", flag="{flag}"}}', "1x200")
        for flag in ("at_start", "never", "static")
    ]
    answer("never evaluated", series, ["never"], "1m", "180m", [str(RULES)])
