"""Counts an application's requests by the variant they met: ten lines to copy.

The contract is one counter, `<app>_requests_total{flag,variant,code}`, where code is the HTTP
status. The rules and dashboards of `deploy/k8s/monitoring` find it by that name and by these
labels, whatever the application is called.

Add the hook once, `api.add_hooks([Met()])`, and call `begins()` and `ends(code)` around each
request. It works with threads and with asyncio: each request has a context of its own.
"""

from contextvars import ContextVar

from openfeature.hook import Hook
from prometheus_client import Counter

REQUESTS = Counter("shop_requests", "Requests by variant met", ["flag", "variant", "code"])
MET: ContextVar[dict] = ContextVar("met")  # what the request at hand was given, by flag


class Met(Hook):
    def after(self, hook_context, details, hints):
        MET.get({})[details.flag_key] = details.variant or ""


def begins():
    MET.set({})


def ends(code):
    for flag, variant in MET.get().items():
        REQUESTS.labels(flag, variant, code).inc()
