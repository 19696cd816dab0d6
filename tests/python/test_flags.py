"""config/flags.json does what each flag's `why` says, and teaches no trap.

The expected variants come from here and from an independent hash, never from the sidecar.
"""

import json
import re
import time

import mmh3
import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import Reason
from sidecar import REPOSITORY, eventually
from wire import ask_many, connected, pb

TEXT = (REPOSITORY / "config" / "flags.json").read_text()
DOCUMENT = json.loads(TEXT)
FLAGS = DOCUMENT["flags"]

INVOICE_ARCHIVE_OPENS = 1801440000
"""2027-02-01T00:00:00Z"""

TYPES = {bool: "boolean", str: "string", int: "integer", float: "float", dict: "object"}


def person(key=None, **attributes):
    return EvaluationContext(key, attributes)


CASES = [
    # Dark launch: everybody off, testers on.
    ("show_beta_checkout_flow", person("user-1", email="ada@beta.example.com"), "on"),
    ("show_beta_checkout_flow", person("user-1002"), "on"),
    ("show_beta_checkout_flow", person("user-1", email="ada@example.com"), None),
    ("show_beta_checkout_flow", person("user-1"), None),
    ("show_beta_checkout_flow", person(), None),
    # Enterprise or beta, and a new enough app.
    ("enable_premium_dashboard", person("u", plan="enterprise", app_version="2.4.0"), "on"),
    ("enable_premium_dashboard", person("u", plan="enterprise", app_version="v10.0.1"), "on"),
    ("enable_premium_dashboard", person("user-1003", app_version="2.10.0"), "on"),
    ("enable_premium_dashboard", person("u", email="a@beta.example.com", app_version="3.0"), "on"),
    ("enable_premium_dashboard", person("u", plan="enterprise", app_version="2.3.9"), None),
    ("enable_premium_dashboard", person("u", plan="enterprise", app_version="nightly"), None),
    ("enable_premium_dashboard", person("u", plan="enterprise"), None),
    ("enable_premium_dashboard", person("u", plan="free", app_version="2.4.0"), None),
    ("enable_premium_dashboard", person(), None),
    # Part of a plan.
    ("upload_limit_mb", person("u", plan="enterprise"), "large"),
    ("upload_limit_mb", person("u", plan="free"), None),
    ("upload_limit_mb", person(), None),
    ("support_contact", person("u", locale="de-AT"), "german"),
    ("support_contact", person("u", locale="en-GB"), None),
    ("support_contact", person(), None),
    # Nobody to bucket: the safe side of the rollout, outside of the test.
    ("enable_new_pricing_page", person(), None),
    ("enable_new_pricing_page", person("", plan="enterprise"), None),
    ("checkout_button_test", person(plan="enterprise"), "outside"),
    # The same for all, whoever asks.
    ("enable_recommendations", person("u"), "off"),
    ("enable_search_suggestions", person("u"), "on"),
    ("payment_gateway_config", person("u"), "normal"),
    ("trace_sample_ratio", person("u"), "normal"),
]


@pytest.fixture(scope="module")
def reference():
    """flagd's own evaluator in Python: what a service with in-process flags makes of the file."""
    core = FlagdCore()
    core.set_flags(TEXT)
    return core


def expectation(key, variant):
    """The variant served and why; None in a case means that no rule matched."""
    flag = FLAGS[key]
    if "targeting" not in flag:
        return variant, Reason.STATIC
    if variant is None:
        return flag["defaultVariant"], Reason.DEFAULT
    return variant, Reason.TARGETING_MATCH


def test_each_flag_does_what_its_why_says(sidecar, flag_file, connect, reference):
    client = connect(sidecar(flag_file(TEXT).path))
    for key, context, variant in CASES:
        variants = FLAGS[key]["variants"]
        kind = TYPES[type(next(iter(variants.values())))]
        default = type(next(iter(variants.values())))()
        answer = getattr(client, f"get_{kind}_details")(key, default, context)
        variant, reason = expectation(key, variant)
        assert answer.variant == variant, (key, context, answer)
        assert answer.value == variants[variant], (key, context, answer)
        assert answer.reason in (reason, Reason.CACHED), (key, context, answer)
        local = getattr(reference, f"resolve_{kind}_value")(key, default, context)
        assert (local.variant, local.value) == (answer.variant, answer.value), (key, context)


def test_every_flag_is_among_the_cases_or_has_its_own_test():
    own_test = {"enable_invoice_archive", "enable_gift_cards"}
    assert {key for key, _, _ in CASES} | own_test == set(FLAGS)


def test_the_invoice_archive_opens_on_its_day(sidecar, flag_file, connect):
    client = connect(sidecar(flag_file(TEXT).path))
    opened = time.time() >= INVOICE_ARCHIVE_OPENS
    answer = client.get_boolean_details("enable_invoice_archive", not opened, person("u"))
    assert answer.value is opened
    assert answer.reason == (Reason.TARGETING_MATCH if opened else Reason.DEFAULT)
    yesterday = flag_file(TEXT.replace(f", {INVOICE_ARCHIVE_OPENS}]", f", {int(time.time()) - 1}]"))
    assert yesterday.text != TEXT
    eventually(
        lambda: client.get_boolean_value("enable_invoice_archive", False, person("u")),
        "the archive is open when its day was yesterday",
    )


@pytest.mark.parametrize("mine", [True, False])
def test_gift_cards_are_left_to_each_client(sidecar, flag_file, connect, mine):
    client = connect(sidecar(flag_file(TEXT).path))
    answer = client.get_boolean_details("enable_gift_cards", mine, person("u"))
    assert (answer.value, answer.reason) == (mine, Reason.DISABLED)


def test_a_flag_never_fails_for_lack_of_an_attribute(sidecar, flag_file, connect):
    client = connect(sidecar(flag_file(TEXT).path))
    odd = [None, "", "x", 7, 0.5, True, [], ["x"], {}, {"x": 1}]
    for key, flag in FLAGS.items():
        kind = TYPES[type(next(iter(flag["variants"].values())))]
        default = type(next(iter(flag["variants"].values())))()
        for value in odd:
            context = person("u", email=value, plan=value, app_version=value, locale=value)
            answer = getattr(client, f"get_{kind}_details")(key, default, context)
            assert answer.error_code is None, (key, value, answer)


def bucket(text, total):
    """Fractional v2: the top of murmur3 of the text, scaled to the sum of weights."""
    return (mmh3.hash(text.encode(), signed=False) * total) >> 32


def pricing(user, percent):
    return "on" if bucket("enable_new_pricing_page" + user, 100) < percent else "off"


def button(user, percent):
    if bucket("checkout_button_test/traffic/" + user, 100) >= percent:
        return "outside"
    arms = ["control", "friendly", "short"]
    return arms[bucket("checkout_button_test/arms/" + user, 3)]


TRAFFIC = """\
                  ["in", 20],
                  ["out", 80]"""

USERS = [f"user-{n}" for n in range(2000)]


def test_the_rollout_stands_at_5_percent_and_grows_to_25(sidecar, flag_file):
    """The edit of the README, in the plain twin: whoever is in stays in."""
    target = flag_file(TEXT)
    with connected(sidecar(target.path).port) as stub:
        flag = "enable_new_pricing_page"
        before = ask_many(stub.ResolveBoolean, pb.ResolveBooleanRequest, flag, USERS)
        assert before == {user: pricing(user, 5) for user in USERS}
        target.edit('["on", 5], ["off", 95]', '["on", 25], ["off", 75]')
        wait_for_variant(stub.ResolveBoolean, pb.ResolveBooleanRequest, flag, pricing, 5, 25)
        after = ask_many(stub.ResolveBoolean, pb.ResolveBooleanRequest, flag, USERS)
    assert after == {user: pricing(user, 25) for user in USERS}
    on_before = {user for user in USERS if before[user] == "on"}
    on_after = {user for user in USERS if after[user] == "on"}
    assert on_before < on_after
    # Four standard deviations of 2 000 draws.
    assert 61 <= len(on_before) <= 139
    assert 423 <= len(on_after) <= 577


def test_more_traffic_moves_nobody_between_the_arms_of_the_test(sidecar, flag_file):
    target = flag_file(TEXT)
    with connected(sidecar(target.path).port) as stub:
        flag = "checkout_button_test"
        before = ask_many(stub.ResolveString, pb.ResolveStringRequest, flag, USERS)
        assert before == {user: button(user, 20) for user in USERS}
        target.edit(TRAFFIC, TRAFFIC.replace("20", "60").replace("80", "40"))
        wait_for_variant(stub.ResolveString, pb.ResolveStringRequest, flag, button, 20, 60)
        after = ask_many(stub.ResolveString, pb.ResolveStringRequest, flag, USERS)
    assert after == {user: button(user, 60) for user in USERS}
    inside = {user: arm for user, arm in before.items() if arm != "outside"}
    assert {user: after[user] for user in inside} == inside
    assert 1_100 < sum(arm != "outside" for arm in after.values()) < 1_300
    # Equal arms before and after, 400 ± 65 of 1 200: four standard deviations.
    for arm in ("control", "short", "friendly"):
        assert 335 < sum(one == arm for one in after.values()) < 465
        assert 95 < sum(one == arm for one in before.values()) < 172


def wait_for_variant(rpc, request, flag, variant, before, after):
    """Waits until a user whom the change moves gets the new variant."""
    moved = next(user for user in USERS if variant(user, before) != variant(user, after))
    eventually(
        lambda: ask_many(rpc, request, flag, [moved])[moved] == variant(moved, after),
        f"{flag} at {after} %",
    )


def test_the_new_pricing_page_and_the_test_are_independent():
    together = sum(pricing(u, 25) == "on" and button(u, 60) != "outside" for u in USERS)
    # 15 % of 2 000, four standard deviations.
    assert 236 <= together <= 364


# === The file itself ===


def test_every_flag_has_a_safe_shape():
    for key, flag in FLAGS.items():
        assert flag["state"] in ("ENABLED", "DISABLED"), key
        assert flag["defaultVariant"] in flag["variants"], key
        kinds = {TYPES[type(value)] for value in flag["variants"].values()}
        assert len(kinds) == 1, f"{key} has variants of several types: {kinds}"


def test_every_flag_says_who_why_what_and_how_long():
    for key, flag in FLAGS.items():
        metadata = flag["metadata"]
        assert all(isinstance(value, str) for value in metadata.values()), key
        assert metadata["owner"], key
        assert metadata["why"], key
        assert metadata["kind"] in ("release", "experiment", "ops", "permission"), key
        short_lived = metadata["kind"] in ("release", "experiment")
        assert ("expires" in metadata) == short_lived, key
        if short_lived:
            assert re.fullmatch(r"2027-\d\d-\d\d", metadata["expires"]), key


def test_the_kill_is_the_safe_variant_without_targeting():
    killed = FLAGS["enable_recommendations"]
    assert "targeting" not in killed
    assert killed["state"] == "ENABLED"
    assert killed["defaultVariant"] == "off"


def test_outside_looks_like_control_under_its_own_name():
    variants = FLAGS["checkout_button_test"]["variants"]
    assert variants["outside"] == variants["control"]
    assert FLAGS["checkout_button_test"]["defaultVariant"] == "outside"


def test_the_fractional_generation_is_pinned():
    assert DOCUMENT["metadata"] == {"fractional": "v2"}


def test_no_key_is_written_twice():
    def unique(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), keys
        return dict(pairs)

    json.loads(TEXT, object_pairs_hook=unique)
