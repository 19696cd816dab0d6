"""What Prometheus has is exactly what was sent, counted by the one who sent it."""

from collections import Counter

from fleet import RAMP
from sidecar import DEADLINE
from wire import connected, pb, struct


def whole(values):
    return {key: int(value) for key, value in values.items() if value}


def test_evaluations_are_those_that_were_answered(fleet, prometheus):
    counted = prometheus.values(
        'flagstaff_flag_evaluations_total{pod="shop-0"}', "flag", "variant", "reason"
    )
    assert whole(counted) == dict(fleet.evaluations)


def test_exposures_are_the_distinct_units(fleet, prometheus):
    counted = prometheus.values(
        'sum by (flag, variant) (flagstaff_flag_exposures_total{pod="shop-0"})', "flag", "variant"
    )
    assert whole(counted) == dict(Counter((flag, variant) for flag, variant, _ in fleet.met))


def test_exposures_tell_what_decided(prometheus):
    exposures = f'flagstaff_flag_exposures_total{{pod="shop-0", flag="{RAMP}"}}'
    by = whole(prometheus.values(f"sum by (by) ({exposures})", "by"))
    assert by.keys() == {"split"}, by
    flow = 'flagstaff_flag_exposures_total{pod="shop-0", flag="show_beta_checkout_flow"}'
    by = whole(prometheus.values(flow, "variant", "by"))
    assert by.keys() == {("on", "rule"), ("off", "default")}, by


def test_errors_unknown_flags_and_bulk_answers(fleet, prometheus):
    errors = prometheus.values('flagstaff_flag_errors_total{pod="shop-0"}', "flag", "error")
    assert whole(errors) == dict(fleet.errors)
    unknown = 'flagstaff_unknown_flag_requests_total{pod="shop-0"}'
    assert prometheus.value(unknown) == fleet.unknown
    bulk = prometheus.values('flagstaff_flag_bulk_evaluations_total{pod="shop-0"}', "flag")
    disabled_or_failing = {"enable_gift_cards", "mistyped_rule"}
    answered = {flag: n for flag, n in bulk.items() if flag not in disabled_or_failing}
    assert set(answered.values()) == {fleet.bulk}, bulk
    missing = 'flagstaff_flag_missing_targeting_key_total{pod="shop-0"}'
    # Three by themselves each time, and each bulk reply had no key either.
    assert prometheus.values(missing, "flag")[RAMP] >= 6


def test_repeated_sights_are_duplicates(fleet, prometheus):
    with_unit = sum(
        number
        for (_, variant, reason), number in fleet.evaluations.items()
        if variant and reason != "disabled"
    )
    without_unit = 6
    duplicates = prometheus.value('flagstaff_exposure_duplicates_total{pod="shop-0"}')
    assert duplicates == with_unit - without_unit - len(fleet.met)
    assert prometheus.value('flagstaff_exposure_evictions_total{pod="shop-0"}') == 0


def test_the_very_first_evaluation_shows_as_an_increase_of_one(fleet, prometheus):
    with connected(fleet.pods[0].port) as stub:
        request = pb.ResolveBooleanRequest(
            flag_key="asked_once", context=struct({"targetingKey": "user-0", "plan": "enterprise"})
        )
        answer = stub.ResolveBoolean(request, timeout=DEADLINE)
    fleet.count("asked_once", answer.variant, answer.reason, "user-0")
    fleet.scraped()
    for metric in ("flagstaff_flag_evaluations_total", "flagstaff_flag_exposures_total"):
        series = f'{metric}{{pod="shop-0", flag="asked_once", variant="on"}}'
        # At the moment of the last scrape there is nothing to extrapolate.
        at = prometheus.value(f"timestamp({series})")
        assert prometheus.value(f"increase({series}[1m])", at) == 1, metric


def test_the_former_owner_is_gone_at_the_next_scrape(fleet, prometheus):
    info = f'flagstaff_flag_info{{pod="shop-0", flag="{RAMP}"}}'
    assert prometheus.values(info, "owner") == {"team-pricing": 1}
    fleet.documents["flags"][RAMP]["metadata"]["owner"] = "team-checkout"
    fleet.change(0, 1)
    fleet.scraped()
    assert prometheus.values(info, "owner") == {"team-checkout": 1}


def test_keys_of_any_letters_arrive_unharmed(fleet, prometheus):
    flags = set(prometheus.values('flagstaff_flag_info{pod="shop-0"}', "flag"))
    assert flags == set(fleet.documents["flags"]) | {"killed_page"}


def test_promtool_has_nothing_to_say_about_the_metrics_page(fleet, promtool):
    for pod in fleet.pods:
        status, page = pod.get("/metrics")
        assert status == 200
        assert promtool("check", "metrics", text=page).strip() == ""
