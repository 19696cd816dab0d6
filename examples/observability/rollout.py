"""The story: a ramp, a fault in the new variant, an alert, the dial-back; and its numbers."""

import re
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shop import FLAG
from stage import Failed, Flagstaff, Process, Prometheus, Worker, eventually

__all__ = ["FULL", "QUICK", "Failed", "Story", "roll_out"]

REPOSITORY = Path(__file__).resolve().parents[2]
FLAGS = REPOSITORY / "config" / "flags.json"
RULES = REPOSITORY / "deploy" / "k8s" / "monitoring" / "rules.yaml"
ALERT = "FlagstaffVariantErrorRatio"
N_WORKERS = 2

EXPOSURES = f'sum by (variant) (flagstaff_flag_exposures_total{{flag="{FLAG}"}})'
REQUESTS = f'sum by (variant) (shop_requests_total{{flag="{FLAG}"}})'
# Of the last seconds. The alert looks at the last ten minutes, which are shorter here, but not as short.
FAILED = f'sum by (variant) (rate(shop_requests_total{{flag="{FLAG}",code=~"5.."}}[5s]))'
SERVED = f'sum by (variant) (rate(shop_requests_total{{flag="{FLAG}"}}[5s]))'
ERROR_RATIO = f"({FAILED} or 0 * {SERVED}) / ({SERVED} > 0)"


@dataclass(frozen=True)
class Pace:
    minute: float
    """Seconds that a minute of the rules lasts here."""
    hold: float
    """Seconds at each share that does no harm, and at the end."""
    stock: float
    """How long the service behind the new page copes with too much; see shop.py."""
    users: int
    rate: float = 80.0
    """Requests a second, of each worker."""


FULL = Pace(minute=2, hold=20, stock=160, users=2000)
QUICK = Pace(minute=0.6, hold=3, stock=10, users=1000)


@dataclass(frozen=True)
class Story:
    changes: list[tuple[float, int]]
    """When the flag changed, in seconds since the beginning, and the new share in per cent."""
    exposures: dict[str, list[tuple[float, float]]]
    error_ratio: dict[str, list[tuple[float, float]]]
    alert: tuple[float, float]
    """From when to when it fired."""
    pace: Pace
    numbers: dict[str, Any]


def shortened(rules: str, minute: float) -> str:
    """The rules as they are shipped, but a minute in them lasts fewer seconds.

    That goes for every range in brackets and every `for:`. A recording keeps its name: what is
    called increase10m looks back ten of these minutes.
    """
    seconds = {"s": 1 / 60, "m": 1, "h": 60}

    def shorten(found: re.Match[str]) -> str:
        before, number, unit = found.groups()
        return f"{before}{int(number) * seconds[unit] * minute * 1000:.0f}ms"

    return re.sub(r"(\[|\bfor: )(\d+)([smh])\b", shorten, rules)


def say(begin: float, text: str) -> None:
    print(f"{time.time() - begin:5.0f} s  {text}", flush=True)


class FlagFile:
    """The example flags, edited as a person does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text(FLAGS.read_text())

    def give_new_page_to(self, percent: int) -> None:
        split = f'[["on", {percent}], ["off", {100 - percent}]]'
        text, n = re.subn(r'\[\["on", \d+\], \["off", \d+\]\]', split, self.path.read_text())
        if n != 1:
            raise Failed(f"{FLAGS} has {n} splits of on and off, and the demo edits the only one")
        self.path.write_text(text)


def roll_out(binary: Path, server: str, pace: Pace) -> Story:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flagstaff-demo-")))
        flags = FlagFile(directory / "flags.json")
        flags.give_new_page_to(1)
        flagstaff = Flagstaff(stack, directory, binary, flags.path)
        workers = [worker(stack, directory, flagstaff, pace, n) for n in range(N_WORKERS)]
        targets = {w.metrics: "shop" for w in workers} | {flagstaff.management: "flagstaff"}
        rules = shortened(RULES.read_text(), pace.minute)
        prometheus = Prometheus(stack, directory, server, rules, targets)
        prometheus.scraped(len(targets))
        print(f"flagstaff on port {flagstaff.flags_port}, Prometheus at {prometheus.url}")
        return perform(pace, flags, flagstaff, workers, prometheus)


def worker(
    stack: ExitStack, directory: Path, flagstaff: Flagstaff, pace: Pace, n: int
) -> Worker:
    command = [sys.executable, str(Path(__file__).with_name("shop.py"))]
    command += ["--flags-port", str(flagstaff.flags_port), "--users", str(pace.users)]
    command += ["--rate", str(pace.rate), "--stock", str(pace.stock), "--seed", str(n)]
    return Worker(stack, directory / f"shop-{n}.log", command)


def perform(
    pace: Pace,
    flags: FlagFile,
    flagstaff: Flagstaff,
    workers: list[Worker],
    prometheus: Prometheus,
) -> Story:
    processes: list[Process] = [flagstaff, prometheus, *workers]
    begin = time.time()
    changes = [(0.0, 1)]

    def hold(seconds: float) -> None:
        time.sleep(seconds)
        for process in processes:
            process.check()

    def change(percent: int) -> None:
        before, at = flagstaff.generation(), time.monotonic()
        flags.give_new_page_to(percent)
        eventually(lambda: flagstaff.generation() != before, "the change is served")
        changes.append((time.time() - begin, percent))
        took = (time.monotonic() - at) * 1000
        say(begin, f"{percent} % of users get the new page (served {took:.0f} ms after the edit)")

    for one in workers:
        one.tell("begin")
    say(begin, f"{pace.users} users, 1 % of them get the new page")
    hold(pace.hold)
    for percent in (5, 25):
        change(percent)
        hold(pace.hold if percent == 5 else 0)
    alert = eventually(lambda: prometheus.firing(ALERT), "the alert fires", 90)
    fired = time.time() - begin
    labels = alert["labels"]
    say(begin, f"{ALERT} fires, for {labels['owner']}: {alert['annotations']['summary'].strip()}")
    hold(pace.hold / 4)
    change(1)
    eventually(lambda: not prometheus.firing(ALERT), "the alert is resolved", 90)
    resolved = time.time() - begin
    say(begin, "the alert is resolved")
    hold(pace.hold / 2)

    end = time.time()
    for one in workers:
        one.tell("stop")
    books = [one.says() for one in workers]
    prometheus.scraped(len(processes) - 1)
    numbers = compare(prometheus, books)
    error_ratio = prometheus.course(ERROR_RATIO, "variant", begin, end)
    numbers["alert"] = {"fired": fired, "resolved": resolved, "owner": labels["owner"]}
    numbers["error_ratio"] = {
        variant: {"worst": max(ratio for _, ratio in course), "at_last": course[-1][1]}
        for variant, course in error_ratio.items()
    }
    return Story(
        changes=changes,
        exposures=prometheus.course(EXPOSURES, "variant", begin, end),
        error_ratio=error_ratio,
        alert=(fired, resolved),
        pace=pace,
        numbers=numbers,
    )


def compare(prometheus: Prometheus, books: list[dict[str, Any]]) -> dict[str, Any]:
    """What Prometheus counted, and what the workers did; they are to be equal."""
    met: dict[str, set[str]] = {}
    requests: Counter[str] = Counter()
    for book in books:
        for variant, users in book["met"].items():
            met.setdefault(variant, set()).update(users)
        for variant, codes in book["codes"].items():
            requests[variant] += sum(codes.values())
    numbers = {
        "exposures": prometheus.now(EXPOSURES, "variant"),
        "users_met": {variant: len(users) for variant, users in met.items()},
        "requests": prometheus.now(REQUESTS, "variant"),
        "requests_served": dict(requests),
    }
    for variant in sorted(met):
        print(
            f"variant {variant}: {numbers['requests'][variant]:.0f} requests, "
            f"{numbers['exposures'][variant]:.0f} exposures, "
            f"{numbers['users_met'][variant]} different users in the books of the shop"
        )
    if numbers["exposures"] != numbers["users_met"]:
        raise Failed(f"exposures are not the users who met a variant: {numbers}")
    if numbers["requests"] != numbers["requests_served"]:
        raise Failed(f"Prometheus has other requests than were served: {numbers}")
    return numbers
