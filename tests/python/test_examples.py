"""examples/python does what its README says."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from sidecar import DEADLINE, REPOSITORY, eventually

EXAMPLES = REPOSITORY / "examples" / "python"
FLAGS = (REPOSITORY / "config" / "flags.yaml").read_text()


def environment(port, **more):
    return dict(os.environ) | {"FLAGD_HOST": "127.0.0.1", "FLAGD_PORT": str(port)} | more


class Shop:
    """The example service in a process of its own."""

    def __init__(self, flag_port):
        self.output = []
        self._process = subprocess.Popen(
            [sys.executable, EXAMPLES / "shop.py"],
            # Short back-off, so that a late sidecar is found quickly.
            env=environment(
                flag_port,
                SHOP_PORT="0",
                FLAGD_RETRY_BACKOFF_MS="100",
                FLAGD_RETRY_BACKOFF_MAX_MS="200",
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for(r"listening on (http://\S+)")[1]

    def wait_for(self, pattern):
        def found():
            lines = (re.search(pattern, line) for line in self.output)
            return next(filter(None, lines), None)

        return eventually(found, f"the shop prints {pattern!r}")

    def get(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, timeout=DEADLINE) as response:
            return json.load(response)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(DEADLINE)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self):
        with self._process.stderr as lines:
            for line in lines:
                self.output.append(line)


@pytest.fixture
def shop():
    opened = []

    def open_shop(flag_port):
        opened.append(Shop(flag_port))
        return opened[-1]

    yield open_shop
    for one in opened:
        one.close()
        print("".join(one.output))


def test_the_shop_serves_by_flags_and_hears_of_changes(sidecar, flag_file, shop):
    target = flag_file(FLAGS, name="flags.yaml")
    one = shop(sidecar(target.path).port)
    one.wait_for("flags ready")
    assert one.get("/prices?user=user-6") == {"layout": "list", "monthly": 19}
    target.edit("rollout: 5%", "rollout: 25%")
    one.wait_for("flags changed: enable_new_pricing_page$")
    assert one.get("/prices?user=user-6")["layout"] == "plans"

    checkout = one.get("/checkout?user=user-1&locale=de-CH")
    assert checkout == {
        "flow": "classic",
        "button": "Buy now",
        "methods": ["card", "invoice"],
        "timeout_ms": 800,
        "gift_cards": False,
        "support": "hilfe@example.com",
    }
    assert one.get("/checkout?user=user-1&email=ada@beta.example.com")["flow"] == "beta"

    free = one.get("/dashboard?user=user-1&plan=free&app_version=2.5.0")
    assert free == {"premium": False, "upload_limit_mb": 25, "recommendations": False}
    paying = one.get("/dashboard?user=user-1&plan=enterprise&app_version=2.5.0")
    assert paying == {"premium": True, "upload_limit_mb": 250, "recommendations": False}

    assert one.stop() == 0


def test_the_shop_opens_without_a_sidecar_and_finds_it_later(sidecar, flag_file, shop):
    server = sidecar(flag_file(FLAGS, name="flags.yaml").path)
    server.stop()
    one = shop(server.port)
    one.wait_for("no flags yet")
    query = "/dashboard?user=user-1&plan=enterprise&app_version=2.5.0"
    assert one.get("/healthz") == {"selling": True}
    assert one.get(query) == {"premium": False, "upload_limit_mb": 25, "recommendations": False}
    server.start()
    one.wait_for("flags ready")
    eventually(lambda: one.get(query)["premium"], "the flags decide again")


def test_the_quickstart_prints_one_flag_for_one_user(sidecar, flag_file):
    target = flag_file(FLAGS, name="flags.yaml")
    server = sidecar(target.path)

    def run():
        result = subprocess.run(
            [sys.executable, EXAMPLES / "quickstart.py"],
            env=environment(server.port),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert run() == "enable_new_pricing_page: False (variant off, TARGETING_MATCH)\n"
    # What the README promises of its edit holds for the user of its snippet.
    target.edit("rollout: 5%", "rollout: 25%")
    begin = time.monotonic()
    while (output := run()) != "enable_new_pricing_page: True (variant on, TARGETING_MATCH)\n":
        assert time.monotonic() < begin + DEADLINE, output


def test_the_readme_shows_the_quickstart_as_it_is():
    quickstart = (EXAMPLES / "quickstart.py").read_text()
    assert quickstart.strip() in (REPOSITORY / "README.md").read_text()
    assert len(quickstart.splitlines()) <= 15


def test_the_example_asks_for_the_versions_under_test():
    def pins(path):
        return {line for line in path.read_text().splitlines() if line[:1].isalpha()}

    assert pins(EXAMPLES / "requirements.txt") <= pins(REPOSITORY / "tests/python/requirements.txt")
