"""One worker of the shop: serves the pages of many users and exports what came of them.

It prints the port of its metrics, serves until its standard input says `stop`, prints what it
served, and ends with its standard input. That way nothing of it outlives the demo.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter, defaultdict

from hook import Met, begins, ends
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.evaluation_context import EvaluationContext
from prometheus_client import start_http_server

FLAG = "enable_new_pricing_page"


class Calculator:
    """The service behind the new page, too small for a quarter of all users.

    It copes with one request in eight, and for a while with more. That is counted in requests of
    the shop and not in seconds, so that it comes out the same on a slow machine.
    """

    def __init__(self, stock: float) -> None:
        self.limit = self.stock = stock

    def recover(self) -> None:
        self.stock = min(self.limit, self.stock + 1 / 8)

    def calculate(self) -> bool:
        if self.stock < 1:
            return False
        self.stock -= 1
        return True


class Worker:
    def __init__(self, calculator: Calculator) -> None:
        self.flags = api.get_client()
        self.calculator = calculator
        self.codes: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self.met: defaultdict[str, set[str]] = defaultdict(set)

    def request(self, user: str) -> None:
        """What a web framework would call; its middleware would have begins and ends."""
        begins()
        new = self.flags.get_boolean_details(FLAG, False, EvaluationContext(user))
        self.calculator.recover()
        code = 503 if new.value and not self.calculator.calculate() else 200
        ends(code)
        # The demo's own books, to hold against what Prometheus says.
        variant = new.variant or ""
        self.codes[variant][code] += 1
        self.met[variant].add(user)


def serve(worker: Worker, users: int, rate: float, seed: int, stop: threading.Event) -> None:
    """Lets users come at random, at this rate."""
    choice = random.Random(seed)
    begin = time.monotonic()
    n = 0
    while not stop.wait(max(0.0, begin + n / rate - time.monotonic())):
        worker.request(f"user-{choice.randrange(users)}")
        n += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flags-port", type=int, required=True)
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--stock", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()

    # A patient deadline: what the sidecar answered, the books shall have too.
    provider = FlagdProvider(host="127.0.0.1", port=options.flags_port, deadline_ms=10_000)
    api.set_provider_and_wait(provider)
    api.add_hooks([Met()])
    metrics, _ = start_http_server(0, addr="127.0.0.1")
    print(json.dumps({"port": metrics.server_port}), flush=True)

    sys.stdin.readline()  # begin
    stop = threading.Event()
    worker = Worker(Calculator(options.stock))
    load = (worker, options.users, options.rate, options.seed, stop)
    serving = threading.Thread(target=serve, args=load, daemon=True)
    serving.start()
    if sys.stdin.readline():  # stop; at the end of the input nobody wants to know any more
        stop.set()
        serving.join()
        met = {variant: sorted(users) for variant, users in worker.met.items()}
        print(json.dumps({"codes": worker.codes, "met": met}), flush=True)
        sys.stdin.read()
    api.shutdown()


if __name__ == "__main__":
    main()
