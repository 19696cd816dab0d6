"""A sidecar that dies or hangs under an app that goes on."""

import json
import signal
import time


def recommends(pod):
    return json.loads(pod.get("http", "/dashboard")[1])["recommendations"]


def test_a_killed_sidecar_is_back_and_heals_what_the_app_cached(shop, claim):
    # STATIC, so the provider caches it, and no longer asks.
    assert recommends(shop) is False
    asked = shop.metric("flagstaff_flag_evaluations_total", flag="enable_recommendations")
    assert recommends(shop) is False
    assert shop.metric("flagstaff_flag_evaluations_total", flag="enable_recommendations") == asked

    # The flag changes while nobody is there to say so.
    run = shop.run("flagstaff")
    began = time.monotonic()
    run.kill()
    definitions = shop.definitions("flags.json")
    definitions["flags"]["enable_recommendations"]["defaultVariant"] = "on"
    name = shop.source_of("flagstaff-flags")
    shop.apply(name, {"flags.json": json.dumps(definitions)})
    assert shop.started() == ["flagstaff", "shop"], "the sidecar was back too soon for the test"

    shop.eventually(lambda: recommends(shop), "the app sees what changed meanwhile")
    healed = time.monotonic()
    assert shop.started() == ["flagstaff", "shop", "flagstaff"]
    back = shop.when("flagstaff", "started")
    claim("sidecar killed -> started again by the kubelet", 1, back - began)
    claim("sidecar started again -> app's cache healed", 1.5, healed - back)
    assert run.code == 128 + signal.SIGKILL


def test_a_sidecar_that_hangs_is_killed_and_is_back(make, claim):
    def hurry(pod):
        probe = pod["initContainers"][0]["livenessProbe"]
        probe |= {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 2}
        probe["terminationGracePeriodSeconds"] = 1

    pod = make("deployment", edit=hurry).start()
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    began = time.monotonic()
    pod.run("flagstaff").signal(signal.SIGSTOP)
    # The kubelet's probe gives up twice, and it does not hear SIGTERM either.
    pod.eventually(lambda: pod.started()[2:] == ["flagstaff"], "the sidecar is started again")
    pod.eventually(lambda: pod.kubelet.is_ready, "the pod is ready")
    assert pod.get("http", "/dashboard")[0] == 200
    claim("sidecar hung -> pod ready again, with short probes", 8, time.monotonic() - began)
