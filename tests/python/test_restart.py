"""The sidecar restarts under a running service."""

import signal
import time

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent
from openfeature.flag_evaluation import Reason
from sidecar import eventually


def flags(variant):
    return {
        "flags": {
            "static": {
                "state": "ENABLED",
                "variants": {"old": "old", "new": "new"},
                "defaultVariant": variant,
            },
            "targeted": {
                "state": "ENABLED",
                "variants": {"on": True, "off": False},
                "defaultVariant": "off",
                "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "on"]},
            },
        }
    }


PRO = EvaluationContext("user-1", {"plan": "pro"})


def test_a_cached_static_answer_heals_after_a_quick_restart(sidecar, flag_file, connect):
    """The provider keeps its cache over a quick restart; only a list of all keys clears it.

    It opens its stream again 5 s after it broke, which no server can hurry.
    """
    target = flag_file(flags("old"))
    server = sidecar(target.path)
    client = connect(server, deadline_ms=500)
    assert client.get_string_value("static", "") == "old"
    server.kill()
    broken = time.monotonic()
    target.rename_over(flags("new"))
    server.start()
    kept = client.get_string_details("static", "")
    assert (kept.value, kept.reason) == ("old", Reason.CACHED), "the trap this test is about"
    eventually(lambda: client.get_string_value("static", "") == "new", "the new value")
    healed = time.monotonic() - broken
    print(f"healed {healed:.2f} s after the restart")
    assert healed < 6.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_calls_and_events_go_on_after_a_restart(number, sidecar, flag_file, connect, changes):
    target = flag_file(flags("old"))
    server = sidecar(target.path)
    client = connect(server, retry_backoff_ms=100, retry_backoff_max_ms=200)
    told = changes(client)
    assert client.get_boolean_value("targeted", False, PRO) is True
    if number == signal.SIGTERM:
        code, seconds = server.stop()
        assert code == 0
        assert seconds < 2.5, "a drain with an open stream takes 2 s at most"
    else:
        server.kill()
    server.start()
    assert client.get_boolean_details("targeted", False, PRO).reason == Reason.TARGETING_MATCH
    told.wait_for("static", "targeted")
    target.rename_over(flags("new"))
    told.wait_for("static")
    assert client.get_string_value("static", "") == "new"


def test_the_provider_is_told_of_an_outage_and_of_its_end(sidecar, flag_file, connect):
    server = sidecar(flag_file(flags("old")).path)
    client = connect(server, retry_backoff_ms=100, retry_backoff_max_ms=200, deadline_ms=500)
    told = []
    client.add_handler(ProviderEvent.PROVIDER_STALE, lambda _: told.append("stale"))
    server.stop()
    eventually(lambda: "stale" in told, "the provider reports STALE")
    absent = client.get_boolean_details("targeted", True, PRO)
    assert (absent.value, absent.error_code) == (True, "GENERAL"), "the code default meanwhile"
    client.add_handler(ProviderEvent.PROVIDER_READY, lambda _: told.append("ready"))
    server.start()
    eventually(lambda: told[-1] == "ready", "the provider reports READY")
    eventually(
        lambda: client.get_boolean_details("targeted", False, PRO).value is True,
        "targeted answers come from the sidecar again",
    )
