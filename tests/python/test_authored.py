"""A readable file, exported, answers in flagd's in-process evaluator as the sidecar does.

Attributes have the type that a condition asks for, or are missing: docs/authoring.md tells where
implementations part over others.
"""

import itertools
import json
import logging
import os
import re
import subprocess
from datetime import datetime, timedelta

import grpc
import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.schemas.protobuf.flagd.evaluation.v1 import evaluation_pb2, evaluation_pb2_grpc
from sidecar import DEADLINE, REPOSITORY
from wire import struct

SAMPLE = (REPOSITORY / "tests/authoring/flags.yaml").read_text()
assert "bucketing: v2" in SAMPLE
# Python's evaluator hashes as the third generation does.
SAMPLE = SAMPLE.replace("bucketing: v2", "bucketing: v3")
N_STEPS = 4


@pytest.fixture(autouse=True)
def quiet():
    """Python's evaluator logs an error with its stack wherever an attribute is missing."""
    logger = logging.getLogger("openfeature.contrib")
    logger.disabled = True
    yield
    logger.disabled = False


def export(path):
    command = [os.environ["FLAGSTAFF_BIN"], "export", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stderr == "", "nothing is wrong with it"
    return done.stdout


class Evaluators:
    """The sidecar on a readable file, and the in-process evaluator on what it exports."""

    def __init__(self, sidecar, path):
        exported = export(path)
        self.flags = list(json.loads(exported)["flags"])
        self._core = FlagdCore()
        self._core.set_flags(exported)
        self._port = sidecar(path).port

    def compare(self, contexts, skip=lambda flag, context: False):
        seen = {flag: set() for flag in self.flags}
        with grpc.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            stub = evaluation_pb2_grpc.ServiceStub(channel)
            for context in contexts:
                request = evaluation_pb2.ResolveAllRequest(context=struct(context))
                answers = stub.ResolveAll(request, timeout=DEADLINE).flags
                for flag in self.flags:
                    if skip(flag, context):
                        continue
                    expected = self._in_process(flag, context)
                    assert answers[flag].variant == expected, (flag, context)
                    seen[flag].add(expected)
        return seen

    def _in_process(self, flag, context):
        attributes = dict(context)
        key = attributes.pop("targetingKey", None)
        context = EvaluationContext(key, attributes)
        # Nothing checks the type of an answer here but its own.
        return self._core._resolve(flag, None, context).variant


def users(count):
    """Users of all kinds, some of whom lack what rules ask for."""
    countries = itertools.cycle([None, "DE", "AT", "FR", "NO", "de"])
    plans = itertools.cycle([None, "enterprise", "free", "", "enterprise"])
    versions = itertools.cycle([None, "4.2.0", "4.1.9", "v4.10.0", "4.2.0-rc.1", "4", "", "x"])
    emails = itertools.cycle(
        [None, "ana@example.com", "bo@example.com", "Ana@example.com"] * 2 + [""]
    )
    for n in range(count):
        attributes = {
            "country": next(countries),
            "plan": next(plans),
            "app_version": next(versions),
            "email": next(emails),
        }
        # Missing, and there without a value.
        context = {k: v for k, v in attributes.items() if v is not None or n % 2}
        if n % 7:
            context["targetingKey"] = f"user-{n}"
        elif n % 2:
            context["targetingKey"] = ""
        yield context


def moved(text, step):
    """The sample with all its moments moved, so that `step` of the steps have begun by now."""
    begins = [datetime.fromisoformat(found) for found in re.findall(r"from (\S+ \S+)", text)]
    assert len(begins) == N_STEPS
    by = timedelta(days=1)
    if step:
        by = datetime.now() - begins[step - 1] - timedelta(days=1)
    elif begins[0] < datetime.now():
        by = datetime.now() - begins[0] + timedelta(days=2)
    at = lambda found: f"from {datetime.fromisoformat(found[1]) + by:%Y-%m-%d %H:%M}"  # noqa: E731
    return re.sub(r"from (\S+ \S+)", at, text)


@pytest.mark.parametrize("step", range(N_STEPS + 1))
def test_the_sample_answers_in_process_as_it_does_here(sidecar, directory, step):
    path = directory / "flags.yaml"
    path.write_text(moved(SAMPLE, step))
    seen = Evaluators(sidecar, path).compare(users(300))
    assert seen["enable_new_pricing_page"] == {"on", "off"}
    assert seen["test_checkout_layout"] == {"classic", "short", "single", "outside"}
    assert seen["enable_premium_dashboard"] == {"on", "off"}


CONDITIONS = """
text: { a: x }
digits: { a: "5" }
word: { a: "true" }
number: { a: 5 }
decimal: { a: 4.2 }
truth: { a: true }
falsehood: { a: false }
texts: { a: [x, y] }
numbers: { a: [5, 10] }
mixed: { a: [x, 5] }
nested: { o.a: x }
both: { a: x, b: y }
any: { any: [{ a: x }, { b: y }] }
not_both: { not: { a: x, b: y } }
other: { a: { not: x } }
others: { a: { not: [x, 5] } }
not_above: { a: { not: "> 5" } }
exists: { a: { exists: yes } }
absent: { a: { exists: no } }
contains: { a: { contains: [x, "5"] } }
starts: { a: { starts_with: x } }
ends: { a: { ends_with: [y, "0"] } }
matches: { a: { matches_any: ["*y", "x*", "*4.2*", me] } }
above: { a: "> 4" }
from_zero: { a: ">= 0" }
below: { a: "< 6" }
below_zero: { a: "<= -1" }
equal: { a: "= 5" }
unequal: { a: "!= 5" }
between: { a: "> 1 < 10" }
version: { a: ">= 4.2.0" }
version_below: { a: "< 4.2.0" }
version_not: { a: "!= 4.2.0" }
version_caret: { a: "^ 4.2.0" }
version_tilde: { a: "~ 4.2.0" }
version_early: { a: ">= 4.2.0-rc.1" }
since: { a: ">= 2026-12-01T00:00:00Z" }
before: { a: "< 2026-12-01T00:00:00Z" }
list: { a: { in_list: ids.txt } }
segment: some
no_segment: { not: some }
"""

FLAGS = """
plain: { rollout: 50% }
salted: { rollout: 50%, salt: other }
by_b: { rollout: 50%, by: b }
by_nested: { rollout: 50%, by: o.a }
for_some: { rules: [{ if: { b: y }, rollout: { serve: off, to: 30% } }], otherwise: on }
trial: { experiment: { traffic: 50%, split: { on: 1, off: 1 }, outside: off } }
trial_by: { by: b, experiment: { traffic: 50%, split: { on: 1, off: 1 }, outside: off } }
trial_for_all: { experiment: { split: { on: 1, off: 1 }, outside: off } }
needs: { requires: plain, serve: on }
needs_off: { requires: { by_b: off }, serve: on }
needs_outside: { requires: { trial: outside }, rollout: 50% }
needs_two: { requires: [salted, needs], serve: on }
needs_rule: { requires: is_above, serve: on }
"""


def every_form():
    flags = [line for line in FLAGS.splitlines() if line]
    for line in CONDITIONS.splitlines():
        name, colon, condition = line.partition(": ")
        if colon:
            flags.append(f"is_{name}: {{ rules: [{{ if: {condition}, serve: on }}] }}")
    segments = "segments: { some: { a: [x, me], b: { not: y } } }"
    body = "".join(f"  {flag}\n" for flag in flags)
    return f"flagstaff: 1\nbucketing: v3\n{segments}\nflags:\n{body}"


TEXTS = ["x", "y", "xy", "axa", "me", "X", "5", "10", "-1", "5.5", "4.2.0", "v4.2.0", "4.2"]
TEXTS += ["4.1.9", "4.10.0", "4.2.0-rc.1", "4.2.0+b", "04.2.0", "true", "é"]
NUMBERS = [5, -1, 0.5, 4.2, 4, 5.5, 10, 1796083200, 1796083199, 3_000_000_000]


def contexts():
    units = [{}, {"targetingKey": ""}, {"targetingKey": "user-1"}, {"targetingKey": "user-2"}]
    for unit in units:
        yield unit
        for value in [None, True, False, *TEXTS, *NUMBERS]:
            yield {"a": value, **unit}
            yield {"a": value, "b": "y", **unit}
    for n in range(100):
        yield {"targetingKey": f"user-{n}", "b": f"company-{n % 10}", "o": {"a": f"team-{n % 20}"}}
        yield {"b": n + 1, "o": {"a": "x"}}
    yield {"o": None}
    yield {"o": "x"}
    yield {"o": {}}


def test_every_form_answers_in_process_as_it_does_here(sidecar, directory):
    (directory / "ids.txt").write_text("x\nme\n")
    path = directory / "flags.yaml"
    path.write_text(every_form())

    # A version is a text: numbers are written out in different ways.
    def is_odd(flag, context):
        value = context.get("a")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "version" in flag and is_number

    seen = Evaluators(sidecar, path).compare(contexts(), is_odd)
    for flag, variants in seen.items():
        assert len(variants) > 1, f"{flag} always answers {variants}"
