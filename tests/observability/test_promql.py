"""The reader of queries finds every name."""

import pytest
from promql import parsed


@pytest.mark.parametrize(
    ("expr", "metrics", "labels", "selectors"),
    [
        ("up", ["up"], [], ["up"]),
        ('rate(a:b_total{x="y, {z}", w=~"v"}[5m])', ["a:b_total"], ["x", "w"], None),
        (
            "sum by (job, le) (a) / on (job) group_left () (sum(b) > bool 0)",
            ["a", "b"],
            ["job", "le", "job"],
            ["a", "b"],
        ),
        ('count_values by (job) ("hash", c{}) or d offset 1h', ["c", "d"], ["job"], ["c{}", "d"]),
        ('topk(1, {__name__=~".+_total", flag!=""})', [], ["flag"], None),
        ("time() - max_over_time(e[2m]) > 1e9 and f == 0", ["e", "f"], [], ["e", "f"]),
        (
            'h{x!="y", w!~"v|u", t!=""}',
            ["h"],
            ["x", "w", "t"],
            ['h{x="y"}', 'h{w=~"v|u"}', 'h{x!="y", w!~"v|u", t!=""}'],
        ),
        ("histogram_quantile(0.99, sum by (le) (g))", ["g"], ["le"], ["g"]),
    ],
)
def test_names_and_selectors(expr, metrics, labels, selectors):
    query = parsed(expr)
    assert [name.text for name in query.names if name.kind == "metric"] == metrics
    assert [name.text for name in query.names if name.kind == "label"] == labels
    if selectors is not None:
        assert list(query.selectors) == selectors
    for name in query.names:
        assert expr[name.start :].startswith(name.text)
        assert name.mistyped(expr) != expr
