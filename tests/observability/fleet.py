"""Three pods of a shop under a load that is counted as it is sent, and one that is not there.

Whatever a dashboard or an alert is to show is the case somewhere: a ramp, a file that did not
arrive, a quarantine, an override, errors, unknown flags, a variant that does harm.
"""

import copy
import json
import os
import re
import socket
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.schemas.protobuf.flagd.evaluation.v1 import evaluation_pb2 as v1_pb
from openfeature.schemas.protobuf.flagd.evaluation.v1 import evaluation_pb2_grpc as v1_grpc
from prometheus import Prometheus, Target
from prometheus_client import Counter as Metric
from prometheus_client import start_http_server
from shipped import DOCS, REPOSITORY, RULES
from sidecar import DEADLINE, FlagFile, Sidecar, eventually
from wire import connected, pb, struct

RAMP = "enable_new_pricing_page"
ODD = 'an "odd" key \\ with\na line'
UP = {"shop-0": 1.0, "shop-1": 1.0, "shop-2": 1.0, "shop-3": 0.0}
N_USERS = 250

BOOLEAN = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
OF_ENTERPRISE = {"if": [{"==": [{"var": "plan"}, "enterprise"]}, "on"]}

MORE: dict[str, Any] = {
    "expired_banner": BOOLEAN
    | {
        "targeting": OF_ENTERPRISE,
        "metadata": {"owner": "team-shop", "kind": "release", "expires": "2020-01-31"},
    },
    "mistyped_rule": BOOLEAN | {"targeting": {"fracional": [["on", 1]]}},
    "always_on": BOOLEAN | {"targeting": {"fractional": [["on", 100], ["off", 0]]}},
    "counted_exactly": BOOLEAN | {"metadata": {"exposures": "exact"}},
    "never_asked": BOOLEAN | {"targeting": OF_ENTERPRISE},
    "asked_once": BOOLEAN | {"targeting": OF_ENTERPRISE},
    ODD: BOOLEAN | {"targeting": OF_ENTERPRISE},
}


KILLED = """flagstaff: 1
bucketing: v2
flags:
  killed_page: { owner: team-shop, kind: ops, killed: true, serve: on }
"""
"""A file of its own: flagd's format, in which the others are, has no kill."""


def definitions() -> dict[str, Any]:
    """The example flags, and those whose answers the example does not have."""
    document = json.loads((REPOSITORY / "config" / "flags.json").read_text())
    document["flags"] |= copy.deepcopy(MORE)
    return document


class Fleet:
    def __init__(self, directory: Path) -> None:
        self.documents = definitions()
        self.evaluations: Counter[tuple[str, str, str]] = Counter()
        """Answers of shop-0 by flag, variant and reason."""
        self.met: set[tuple[str, str, str]] = set()
        """Which variant of which flag which unit met, in shop-0."""
        self.errors: Counter[tuple[str, str]] = Counter()
        self.unknown = 0
        self.bulk = 0
        self._closing: list[Any] = []
        try:
            self._start(directory)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for close in reversed(self._closing):
            close()

    def _start(self, directory: Path) -> None:
        self.files = []
        for n in range(3):
            (directory / f"shop-{n}").mkdir()
            self.files.append(FlagFile(directory / f"shop-{n}", self.documents))
        stale = copy.deepcopy(self.documents)
        stale["flags"]["always_on"]["defaultVariant"] = "onn"
        self.files[2].write_in_place(stale)

        killed = directory / "killed.yaml"
        killed.write_text(KILLED)
        overrides = directory / "overrides"
        overrides.mkdir()
        self.pods = [
            self._pod(0, "--overrides", str(overrides), str(killed)),
            # One of its files is missing, so it never had all, and no flag is broken.
            self._pod(1, "--start-without-flags", str(directory / "never-there.json"), str(killed)),
            self._pod(2, "--watch", "poll", "--metrics-max-series", "12", str(killed)),
        ]
        # Bound and not listening, for as long as the test lasts: nobody else gets the port.
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))
        self._closing.append(nobody.close)
        self.shop = Shop(self)
        self._closing.append(self.shop.close)

        targets = [Target(pod.management_port, f"shop-{n}") for n, pod in enumerate(self.pods)]
        targets += [Target(nobody.getsockname()[1], "shop-3")]
        targets += [Target(self.shop.port, "shop-0", container="shop")]
        self.prometheus = Prometheus(directory, targets, RULES)
        self._closing.append(self.prometheus.close)
        self.scraped()

    def _pod(self, n: int, *options: str) -> Sidecar:
        pod = Sidecar(self.files[n].path, options=options)
        self._closing.append(pod.close)
        return pod.start()

    def scraped(self) -> float:
        return self.prometheus.scraped(UP)

    def change(self, *pods: int) -> None:
        """Gives these pods the documents as they are now, and waits until they serve them."""
        for n in pods:
            before = self.pods[n].metric("flagstaff_config_generation")
            self.files[n].rename_over(self.documents)
            eventually(
                lambda n=n, before=before: (
                    self.pods[n].metric("flagstaff_config_generation") != before
                ),
                f"shop-{n} serves the changed file",
            )

    def override(self, flag: str, variant: str) -> None:
        binary = os.environ["FLAGSTAFF_BIN"]
        address = f"127.0.0.1:{self.pods[0].management_port}"
        command = [binary, "override", "set", flag, variant, "--for", "1h", "--why", "a test"]
        done = subprocess.run(
            [*command, "--address", address],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def load(self) -> None:
        """Everything that clients do, once."""
        with connected(self.pods[0].port) as stub:
            for flag in (
                RAMP,
                "show_beta_checkout_flow",
                "enable_premium_dashboard",
                "enable_recommendations",
                "enable_gift_cards",
                "always_on",
                "expired_banner",
                "counted_exactly",
                ODD,
            ):
                self.ask(stub.ResolveBoolean, pb.ResolveBooleanRequest, flag, users(N_USERS) * 2)
            for rpc, request, flag in (
                (stub.ResolveString, pb.ResolveStringRequest, "checkout_button_test"),
                (stub.ResolveInt, pb.ResolveIntRequest, "upload_limit_mb"),
                (stub.ResolveFloat, pb.ResolveFloatRequest, "trace_sample_ratio"),
                (stub.ResolveObject, pb.ResolveObjectRequest, "payment_gateway_config"),
            ):
                self.ask(rpc, request, flag, users(N_USERS))
            # Nobody to bucket: an evaluation, and no exposure.
            self.ask(stub.ResolveBoolean, pb.ResolveBooleanRequest, RAMP, [{}] * 3)
            failing = (
                ("mistyped_rule", grpc.StatusCode.DATA_LOSS, "parse_error", 7),
                ("upload_limit_mb", grpc.StatusCode.INVALID_ARGUMENT, "type_mismatch", 5),
                ("new_pricing_pgae", grpc.StatusCode.NOT_FOUND, None, 11),
            )
            for flag, code, error, times in failing:
                self.fail(stub, flag, code, error, times)
        # Only v1 has it.
        with grpc.insecure_channel(f"127.0.0.1:{self.pods[0].port}") as channel:
            stub = v1_grpc.ServiceStub(channel)
            for _ in range(4):
                stub.ResolveAll(v1_pb.ResolveAllRequest(), timeout=DEADLINE)
                self.bulk += 1
        with connected(self.pods[2].port) as stub:
            # Not counted here: the pod is the one that is short of series.
            for flag in (RAMP, "upload_limit_mb", ODD):
                request = pb.ResolveBooleanRequest(flag_key=flag)
                stub.ResolveBoolean.future(request, timeout=DEADLINE).exception()
        self.shop.serve(N_USERS)

    def ask(self, rpc: Any, request: Any, flag: str, contexts: list[dict[str, Any]]) -> None:
        """Asks shop-0 with a hundred calls in flight, and counts what it answers."""
        for start in range(0, len(contexts), 100):
            some = contexts[start : start + 100]
            calls = [
                rpc.future(request(flag_key=flag, context=struct(context)), timeout=DEADLINE)
                for context in some
            ]
            for call, context in zip(calls, some, strict=True):
                answer = call.result()
                unit = context.get("targetingKey", "")
                self.count(flag, answer.variant, answer.reason, unit)

    def count(self, flag: str, variant: str, reason: str, unit: str) -> None:
        self.evaluations[flag, variant, reason.lower()] += 1
        if variant and unit:
            self.met.add((flag, variant, unit))

    def fail(
        self, stub: Any, flag: str, code: grpc.StatusCode, error: str | None, times: int
    ) -> None:
        for _ in range(times):
            call = stub.ResolveBoolean.future(
                pb.ResolveBooleanRequest(flag_key=flag, context=struct(users(1)[0])),
                timeout=DEADLINE,
            )
            assert call.exception().code() == code, call.exception()
            if error:
                self.errors[flag, error] += 1
            else:
                self.unknown += 1


def users(number: int) -> list[dict[str, Any]]:
    """Every fifth is of the plan enterprise, and some are beta testers."""
    return [
        {
            "targetingKey": f"user-{n}",
            "plan": "basic" if n % 5 else "enterprise",
            "app_version": "2.5.0",
            "email": f"{n}@{'beta.example.com' if n % 7 == 0 else 'example.com'}",
        }
        for n in range(number)
    ]


class Response:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


class Shop:
    """The application: the hook of docs/dashboards.md as it stands there, with the real provider."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        example = re.search(r"```python\n(.+?)```", DOCS.read_text(), re.DOTALL)
        assert example, "docs/dashboards.md has no example of a hook"
        self._example: dict[str, Any] = {}
        exec(compile(example[1], str(DOCS), "exec"), self._example)
        # A second one in the same process, as some libraries keep: no query may fail of it.
        self._again = Metric("shop_pages_requests", "The same", ["flag", "variant", "code"])
        # The stream opens with a change of all keys: the provider is connected, and stays so.
        api.set_provider_and_wait(
            FlagdProvider(host="127.0.0.1", port=fleet.pods[0].port, deadline_ms=5000)
        )
        self._server, self._thread = start_http_server(0, "127.0.0.1")
        self.port = self._server.server_port

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        api.shutdown()
        api.clear_hooks()

    def serve(self, number: int) -> None:
        """Each user once; with the new page one request in two fails."""
        for n, user in enumerate(users(number)):
            self._example["counted"](lambda request, n=n: self._handle(request, n), user)

    def _handle(self, user: dict[str, Any], n: int) -> Response:
        attributes = {name: value for name, value in user.items() if name != "targetingKey"}
        context = EvaluationContext(user["targetingKey"], attributes)
        details = api.get_client().get_boolean_details(RAMP, False, context)
        assert details.error_code is None, details
        self._fleet.count(RAMP, details.variant, str(details.reason), user["targetingKey"])
        response = Response(500 if details.value and n % 2 else 200)
        self._again.labels(RAMP, details.variant, response.status_code).inc()
        return response
