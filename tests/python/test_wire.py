"""What the provider cannot show: raw messages, and the frames under them."""

import socket

import grpc
import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.schemas.protobuf.flagd.evaluation.v1 import evaluation_pb2 as v1_pb
from openfeature.schemas.protobuf.flagd.evaluation.v1 import evaluation_pb2_grpc as v1_grpc
from sidecar import DEADLINE, eventually
from wire import EMPTY_SETTINGS, GOAWAY, PING, PREFACE, Frames, Tap, connected, pb, struct

BOOLEAN = {"on": True, "off": False}

FLAGS = {
    "flags": {
        "split": {
            "state": "ENABLED",
            "variants": BOOLEAN,
            "defaultVariant": "off",
            "targeting": {"fractional": [["on", 1]]},
        },
        "static": {"state": "ENABLED", "variants": BOOLEAN, "defaultVariant": "on"},
        "disabled": {"state": "DISABLED", "variants": BOOLEAN, "defaultVariant": "on"},
    }
}


@pytest.fixture
def server(sidecar, flag_file):
    return sidecar(flag_file(FLAGS).path)


@pytest.fixture
def tap(server):
    tap = Tap(server.port)
    yield tap
    tap.close()


@pytest.mark.parametrize("context", [None, {}, {"targetingKey": None}, {"targetingKey": ""}])
def test_a_split_without_a_targeting_key_serves_the_default(server, context):
    request = pb.ResolveBooleanRequest(flag_key="split")
    if context is not None:
        request.context.CopyFrom(struct(context))
    with connected(server.port) as stub:
        answer = stub.ResolveBoolean(request, timeout=DEADLINE)
    assert (answer.value, answer.variant, answer.reason) == (False, "off", "DEFAULT")


def test_v2_leaves_value_and_variant_unset_where_v1_has_zeros(server):
    with connected(server.port) as stub:
        answer = stub.ResolveBoolean(
            pb.ResolveBooleanRequest(flag_key="disabled"), timeout=DEADLINE
        )
        assert answer.reason == "DISABLED"
        assert not answer.HasField("value")
        assert not answer.HasField("variant")
        answer = stub.ResolveBoolean(pb.ResolveBooleanRequest(flag_key="static"), timeout=DEADLINE)
        assert answer.HasField("value")
        assert answer.HasField("variant")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        v1 = v1_grpc.ServiceStub(channel)
        old = v1.ResolveBoolean(v1_pb.ResolveBooleanRequest(flag_key="disabled"), timeout=DEADLINE)
        assert (old.value, old.variant, old.reason) == (False, "", "DISABLED")
        everything = v1.ResolveAll(
            v1_pb.ResolveAllRequest(context=struct({"targetingKey": "user-1"})), timeout=DEADLINE
        )
    answers = {key: (flag.bool_value, flag.variant) for key, flag in everything.flags.items()}
    assert answers == {"split": (True, "on"), "static": (True, "on"), "disabled": (False, "")}


def test_a_stream_opens_with_ready_and_all_keys_then_tells_changes_only(server, flag_file):
    with connected(server.port) as stub:
        stream = stub.EventStream(pb.EventStreamRequest(), timeout=DEADLINE)
        ready, everything = next(stream), next(stream)
        assert (ready.type, dict(ready.data)) == ("provider_ready", {})
        assert everything.type == "configuration_change"
        assert set(everything.data["flags"]) == {"split", "static", "disabled"}
        definitions = {"flags": dict(FLAGS["flags"])}
        definitions["flags"]["static"] = FLAGS["flags"]["static"] | {"defaultVariant": "off"}
        definitions["flags"]["born"] = FLAGS["flags"]["static"]
        del definitions["flags"]["disabled"]
        flag_file(definitions)
        change = next(stream)
        assert change.type == "configuration_change"
        kinds = {key: dict(value) for key, value in change.data["flags"].items()}
        assert {key: kind["type"] for key, kind in kinds.items()} == {
            "static": "update",
            "born": "write",
            "disabled": "delete",
        }
        stream.cancel()


def test_the_providers_1_ms_keepalive_is_not_punished(tap, connect):
    """Its default keep_alive_time of 0 ms becomes 1 ms: strict servers answer GOAWAY."""
    client = connect(tap)
    eventually(lambda: tap.sent[PING] >= 2, "the idle provider pings")
    for n in range(20):
        answer = client.get_boolean_details("split", False, EvaluationContext(f"user-{n}"))
        assert answer.value is True, answer
    assert tap.received[GOAWAY] == 0
    assert tap.n_connections == 1


def test_pings_on_an_idle_channel_are_answered_and_not_punished(tap):
    """grpcio sends one a second at most, and its own server ends the connection at the third."""
    options = {
        "grpc.keepalive_time_ms": 1,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.max_pings_without_data": 0,
    }
    with connected(tap.port, options) as stub:
        request = pb.ResolveBooleanRequest(flag_key="static")
        assert stub.ResolveBoolean(request, timeout=DEADLINE).value is True
        eventually(lambda: tap.sent[PING] >= 4, "four pings")
        assert stub.ResolveBoolean(request, timeout=DEADLINE).value is True
    assert tap.received[GOAWAY] == 0
    assert tap.n_connections == 1


def test_a_thousand_pings_in_a_row_get_a_thousand_answers(server):
    ping = bytes([0, 0, 8, PING, 0, 0, 0, 0, 0]) + b"8 octets"
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
        connection.sendall(PREFACE + EMPTY_SETTINGS + ping * 1000)
        received = Frames()
        while received.answers < 1000:
            chunk = connection.recv(65536)
            assert chunk, f"closed after {received.answers} answers, frames: {received.counts}"
            received.feed(chunk)
    assert received.counts[GOAWAY] == 0
