"""A changed file reaches the provider as an event, however the file was replaced."""

import statistics
import time

import pytest
from openfeature.flag_evaluation import Reason
from sidecar import eventually

N_CHANGES = 6


def flags(number):
    def constant(value):
        return {"state": "ENABLED", "variants": {"only": value}, "defaultVariant": "only"}

    return {"flags": {"moving": constant(number), "still": constant("same")}}


@pytest.mark.parametrize("way", ["swap", "rename_over", "write_in_place"])
def test_every_change_is_announced_and_served(
    way, sidecar, connect, changes, flag_file, config_map
):
    target = (config_map if way == "swap" else flag_file)(flags(0))
    client = connect(sidecar(target.path))
    told = changes(client)
    # Both answers are cached by now; only the event can bring the new one out.
    assert client.get_integer_value("moving", -1) == 0
    assert client.get_string_value("still", "") == "same"
    latencies = []
    for number in range(1, N_CHANGES + 1):
        begin = time.monotonic()
        getattr(target, way)(flags(number))
        latencies.append(told.wait_for("moving") - begin)
        assert client.get_integer_value("moving", -1) == number
        assert client.get_string_details("still", "").reason == Reason.CACHED
    assert told.seen == [{"moving"}] * N_CHANGES
    median = statistics.median(latencies)
    print(f"{way}: told the client after {median * 1000:.1f} ms (median of {N_CHANGES})")
    assert median < 0.5


def test_new_and_deleted_flags_are_announced(sidecar, connect, changes, flag_file):
    target = flag_file(flags(0))
    client = connect(sidecar(target.path))
    told = changes(client)
    assert client.get_integer_value("moving", -1) == 0
    more = flags(0)
    more["flags"]["newcomer"] = more["flags"]["still"]
    target.rename_over(more)
    told.wait_for("newcomer")
    assert client.get_string_value("newcomer", "") == "same"
    fewer = flags(0)
    del fewer["flags"]["moving"]
    target.rename_over(fewer)
    told.wait_for("moving", "newcomer")
    assert client.get_integer_details("moving", -1).error_code == "FLAG_NOT_FOUND"
    assert client.get_string_details("still", "").reason in (Reason.STATIC, Reason.CACHED)


def test_a_broken_file_changes_nothing_and_the_next_good_one_is_served(
    sidecar, connect, changes, flag_file
):
    target = flag_file(flags(0))
    server = sidecar(target.path)
    client = connect(server)
    told = changes(client)
    target.rename_over('{"flags": {"moving": ')
    eventually(
        lambda: server.metric("flagstaff_config_last_reload_successful") == 0,
        "the metrics say that the last reload failed",
    )
    assert server.get("/readyz")[0] == 200
    assert client.get_integer_value("moving", -1) == 0
    target.rename_over(flags(1))
    told.wait_for("moving")
    assert client.get_integer_value("moving", -1) == 1
    assert server.metric("flagstaff_config_last_reload_successful") == 1
