"""The end of a pod: who is told first, how long it takes, and what the exit codes are."""

import re


def test_on_deletion_the_app_ends_first_and_the_sidecar_last(shop, claim):
    shop.kubelet.delete()
    deleted = shop.when("", "deleted")
    assert shop.run("shop").code == 0
    assert shop.run("flagstaff").code == 0
    app, sidecar = shop.when("shop", "ended with 0"), shop.when("flagstaff", "ended with 0")
    told = shop.when("flagstaff", "terminated")
    assert shop.when("shop", "terminated") <= app <= told <= sidecar
    claim("sidecar told to stop -> ended", 2, sidecar - told)
    claim("pod deleted -> all ended", 3, sidecar - deleted)
    assert sidecar - deleted < shop.spec.grace
    # The last line is for what happened since the last scrape.
    assert '"totals"' in shop.run("flagstaff").output().splitlines()[-1]


def test_a_pod_that_waits_for_flags_is_deleted_at_once(make, claim):
    pod = make("deployment")
    name, _ = pod.config_maps.popitem()
    pod.apply(name, {})
    pod.start()
    pod.eventually(lambda: pod.get("flags-mgmt", "/livez")[0] == 200, "the sidecar is there")
    pod.kubelet.delete()
    assert pod.run("flagstaff").code == 0
    ended = pod.when("flagstaff", "ended with 0")
    claim("pod deleted while it waits for flags -> ended", 2, ended - pod.when("", "deleted"))


def test_a_job_completes_beside_a_running_sidecar(make, claim):
    pod = make("job").start()
    pod.eventually(lambda: pod.kubelet.phase in ("Succeeded", "Failed"), "the job ends")
    assert pod.kubelet.phase == "Succeeded", pod.report()
    assert pod.started() == ["flagstaff", "invoices"]
    output = pod.run("invoices").output()
    assert re.match(r"enable_new_pricing_page: \w+ \(variant \w+, TARGETING_MATCH\)", output)
    # The sidecar was told when the job was over, and not before.
    done, told = pod.when("invoices", "ended with 0"), pod.when("flagstaff", "terminated")
    assert done <= told
    assert pod.run("flagstaff").code == 0
    ended = pod.when("flagstaff", "ended with 0")
    claim("job over -> noticed, and the sidecar ended", 3, ended - done)
