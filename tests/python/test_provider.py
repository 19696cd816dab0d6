"""The official provider against the real binary: what a Python service gets for its calls."""

import pytest
from openfeature.contrib.provider.flagd.config import CacheType
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from sidecar import eventually


def flag(variants, default, **more):
    return {"state": "ENABLED", "variants": variants, "defaultVariant": default, **more}


BOOLEAN = {"on": True, "off": False}

FLAGS = {
    "metadata": {"fractional": "v2"},
    "flags": {
        "bool": flag(BOOLEAN, "on"),
        "string": flag({"hello": "hi", "empty": ""}, "hello"),
        "integer": flag({"ten": 10, "big": 9007199254740991}, "ten"),
        "float": flag({"half": 0.5}, "half"),
        "object": flag({"one": {"a": 1, "b": ["x", None, {"c": True}]}, "none": {}}, "one"),
        "empty_string": flag({"empty": "", "full": "x"}, "empty"),
        "zero": flag({"zero": 0, "one": 1}, "zero"),
        "big": flag({"big": 9007199254740991}, "big"),
        "empty_object": flag({"empty": {}}, "empty"),
        "targeted": flag(
            BOOLEAN, "off", targeting={"if": [{"==": [{"var": "plan"}, "pro"]}, "on"]}
        ),
        "split": flag(BOOLEAN, "off", targeting={"fractional": [["on", 1]]}),
        "null_key": flag(
            BOOLEAN, "off", targeting={"if": [{"==": [{"var": "targetingKey"}, None]}, "on"]}
        ),
        "disabled": flag(BOOLEAN, "off") | {"state": "DISABLED"},
        "disabled_object": flag({"one": {"a": 1}}, "one") | {"state": "DISABLED"},
        "undecided": {"state": "ENABLED", "variants": BOOLEAN},
        "no_such_variant": flag(BOOLEAN, "off", targeting={"if": [True, "purple"]}),
        "no_such_operator": flag(BOOLEAN, "off", targeting={"shrug": [1]}),
    },
}


@pytest.fixture
def client(sidecar, flag_file, connect):
    return connect(sidecar(flag_file(FLAGS).path))


def test_all_five_types_arrive(client):
    assert client.get_boolean_details("bool", False).value is True
    assert client.get_string_details("string", "").value == "hi"
    assert client.get_integer_details("integer", 0).value == 10
    assert client.get_float_details("float", 0.0).value == 0.5
    assert client.get_object_details("object", {}).value == {"a": 1, "b": ["x", None, {"c": True}]}


def test_the_first_answer_is_static_and_the_next_comes_from_the_cache(client):
    first = client.get_string_details("string", "")
    assert (first.variant, first.reason, first.error_code) == ("hello", Reason.STATIC, None)
    assert client.get_string_details("string", "").reason == Reason.CACHED


def test_empty_values_are_values(client):
    assert client.get_string_details("empty_string", "mine").value == ""
    assert client.get_integer_details("zero", 7).value == 0
    assert client.get_object_details("empty_object", {"mine": 1}).value == {}


def test_numbers_serve_both_number_types_and_integers_are_exact_to_2_53(client):
    assert client.get_float_details("integer", 0.0).value == 10.0
    assert client.get_integer_details("big", 0).value == 9007199254740991


def test_targeting_decides_by_the_context(client):
    pro = client.get_boolean_details("targeted", False, EvaluationContext("u", {"plan": "pro"}))
    assert (pro.value, pro.variant, pro.reason) == (True, "on", Reason.TARGETING_MATCH)
    free = client.get_boolean_details("targeted", True, EvaluationContext("u", {"plan": "free"}))
    assert (free.value, free.variant, free.reason) == (False, "off", Reason.DEFAULT)
    nobody = client.get_boolean_details("targeted", True)
    assert (nobody.value, nobody.variant, nobody.reason) == (False, "off", Reason.DEFAULT)


@pytest.mark.parametrize("context", [None, EvaluationContext(), EvaluationContext(None, {"a": 1})])
def test_an_unset_targeting_key_counts_as_missing(client, context):
    """The provider sends `targetingKey: null` then."""
    split = client.get_boolean_details("split", True, context)
    assert (split.value, split.variant, split.reason) == (False, "off", Reason.DEFAULT)
    assert client.get_boolean_value("null_key", False, context) is True
    known = EvaluationContext("user-1")
    assert client.get_boolean_value("split", False, known) is True
    assert client.get_boolean_value("null_key", True, known) is False


@pytest.mark.parametrize("mine", [True, False])
def test_a_disabled_flag_leaves_the_decision_to_the_code(client, mine):
    answer = client.get_boolean_details("disabled", mine)
    assert (answer.value, answer.variant, answer.reason) == (mine, None, Reason.DISABLED)
    assert answer.error_code is None


def test_a_disabled_object_leaves_the_decision_to_the_code(client):
    answer = client.get_object_details("disabled_object", {"mine": True})
    assert (answer.value, answer.reason) == ({"mine": True}, Reason.DISABLED)


@pytest.mark.parametrize("mine", [True, False])
def test_a_flag_without_a_default_leaves_the_decision_to_the_code(client, mine):
    answer = client.get_boolean_details("undecided", mine)
    assert (answer.value, answer.variant, answer.reason) == (mine, None, Reason.DEFAULT)


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("nowhere", ErrorCode.FLAG_NOT_FOUND),
        ("string", ErrorCode.TYPE_MISMATCH),
        ("no_such_operator", ErrorCode.PARSE_ERROR),
        ("no_such_variant", ErrorCode.GENERAL),
    ],
)
@pytest.mark.parametrize("mine", [True, False])
def test_an_error_gives_the_code_default_and_names_the_cause(client, key, error, mine):
    answer = client.get_boolean_details(key, mine)
    assert (answer.value, answer.reason, answer.error_code) == (mine, Reason.ERROR, error)


def test_every_type_refuses_every_other(client):
    ask = {
        "bool": lambda key: client.get_boolean_details(key, False),
        "string": lambda key: client.get_string_details(key, ""),
        "integer": lambda key: client.get_integer_details(key, 0),
        "float": lambda key: client.get_float_details(key, 0.0),
        "object": lambda key: client.get_object_details(key, {}),
    }
    numbers = {"integer", "float"}
    for asked, question in ask.items():
        for key in ask:
            if asked == key or {asked, key} == numbers:
                continue
            assert question(key).error_code == ErrorCode.TYPE_MISMATCH, f"{key} as {asked}"


def test_a_general_error_is_not_retried(sidecar, flag_file, connect):
    """The provider's retry policy repeats UNKNOWN twice unless the server says not to."""
    server = sidecar(flag_file(FLAGS).path)
    client = connect(server)
    assert client.get_boolean_details("no_such_variant", True).error_code == ErrorCode.GENERAL
    counted = server.metric("flagstaff_flag_errors_total", flag="no_such_variant", error="general")
    assert counted == 1


def test_evaluations_are_counted_by_flag_variant_and_reason(sidecar, flag_file, connect):
    server = sidecar(flag_file(FLAGS).path)

    def counted(key, variant, reason):
        return server.metric(
            "flagstaff_flag_evaluations_total", flag=key, variant=variant, reason=reason
        )

    # From load, at 0: a counter that first appears at 3 shows no increase.
    assert counted("bool", "on", "static") == 0
    assert counted("targeted", "on", "targeting_match") == 0
    assert counted("targeted", "off", "default") == 0
    client = connect(server, cache=CacheType.DISABLED)
    for _ in range(3):
        client.get_boolean_value("bool", False)
    for plan in ["pro", "free", "pro", "pro"]:
        client.get_boolean_value("targeted", False, EvaluationContext("u", {"plan": plan}))
    client.get_boolean_value("disabled", False)
    client.get_boolean_value("string", False)
    client.get_boolean_value("nowhere", False)
    assert counted("bool", "on", "static") == 3
    assert counted("targeted", "on", "targeting_match") == 3
    assert counted("targeted", "off", "default") == 1
    assert counted("disabled", "", "disabled") == 1
    assert counted("string", "hello", "static") == 0
    mismatches = server.metric("flagstaff_flag_errors_total", flag="string", error="type_mismatch")
    assert mismatches == 1
    assert server.metric("flagstaff_unknown_flag_requests_total") == 1
    assert 'flag="nowhere"' not in server.get("/metrics")[1]


def test_the_cache_hides_repeated_static_answers_from_the_counts(sidecar, flag_file, connect):
    server = sidecar(flag_file(FLAGS).path)
    client = connect(server)
    for _ in range(5):
        assert client.get_boolean_value("bool", False) is True
    counted = server.metric(
        "flagstaff_flag_evaluations_total", flag="bool", variant="on", reason="static"
    )
    assert counted == 1


def test_the_provider_speaks_over_a_unix_socket(sidecar, flag_file, connect, directory):
    socket = directory / "flags.sock"
    server = sidecar(flag_file(FLAGS).path, uds=socket)
    assert f"unix:{socket}" in [fields["address"] for fields in server.events("listening")]
    client = connect(server, host="unix", port=str(socket))
    assert client.get_string_value("string", "") == "hi"
    pro = EvaluationContext("u", {"plan": "pro"})
    assert client.get_boolean_value("targeted", False, pro) is True


def test_a_client_that_goes_away_ends_its_stream(sidecar, flag_file, connect):
    server = sidecar(flag_file(FLAGS).path)
    client = connect(server)

    def streams():
        text = server.get("/metrics")[1].splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in text
            if line.startswith("flagstaff_streams_active")
        )

    assert streams() == 1
    client.provider.shutdown()
    eventually(lambda: streams() == 0, "no stream is open")
