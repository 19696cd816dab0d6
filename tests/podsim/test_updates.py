"""Flags that change while the pod runs: by a ConfigMap, and by an override."""

import json
import time


def layout(pod):
    return json.loads(pod.get("http", "/prices?user=user-6")[1])["layout"]


def test_the_app_answers_by_an_updated_config_map(shop, claim):
    definitions = shop.definitions("flags.json")
    name = shop.source_of("flagstaff-flags")
    for n, share in enumerate((100, 0, 100)):
        definitions["flags"]["enable_new_pricing_page"]["targeting"] = {
            "fractional": [["on", share], ["off", 100 - share]]
        }
        began = shop.apply(name, {"flags.json": json.dumps(definitions)})
        wanted = "plans" if share else "list"
        shop.eventually(lambda: layout(shop) == wanted, f"the app shows {wanted}")
        claim(f"ConfigMap written -> app answers by it, {n}", 0.1, time.monotonic() - began)
    assert shop.started() == ["flagstaff", "shop"]


def test_a_bad_config_map_hurts_nobody_and_is_told(shop, claim):
    name = shop.source_of("flagstaff-flags")
    good = shop.config_maps[name]["data"]
    successful = "flagstaff_config_last_reload_successful"
    shop.eventually(lambda: shop.kubelet.is_ready, "the pod is ready")
    assert shop.metric(successful) == 1

    began = shop.apply(name, {"flags.json": good["flags.json"][:-100]})
    shop.eventually(lambda: shop.metric(successful) == 0, "the metric says that it is bad")
    claim("bad ConfigMap written -> the metric says so", 0.5, time.monotonic() - began)

    asked = shop.kubelet.statuses["shop"].probes[-1].asked
    before = asked["readiness"]
    shop.eventually(lambda: asked["readiness"] > before, "the readiness probe looked again")
    assert shop.kubelet.is_ready
    assert shop.get("flags-mgmt", "/readyz")[0] == 200
    assert layout(shop) == "list"
    assert shop.started() == ["flagstaff", "shop"]

    shop.apply(name, good)
    shop.eventually(lambda: shop.metric(successful) == 1, "the metric says that it is good")


def test_an_override_reaches_the_app_and_outlives_the_sidecar(shop, claim):
    began = time.monotonic()
    command = ["/flagstaff", "override", "set", "enable_recommendations", "on"]
    done = shop.execute("flagstaff", *command, "--for", "1h", "--why", "they are well again")
    assert done.returncode == 0, done.stderr

    def recommends():
        return json.loads(shop.get("http", "/dashboard")[1])["recommendations"]

    shop.eventually(recommends, "the app sees the override")
    claim("`override set` called -> app answers by it", 1, time.monotonic() - began)

    shop.run("flagstaff").kill()
    shop.eventually(lambda: shop.started() == ["flagstaff", "shop", "flagstaff"], "a restart")
    shop.eventually(lambda: shop.kubelet.is_ready, "the pod is ready")
    assert shop.metric("flagstaff_flag_override_active", flag="enable_recommendations") == 1
    shop.eventually(recommends, "the app still sees the override")
