"""A small shop whose pages ask the flag sidecar on localhost.

One OpenFeature client serves the whole process, each request brings its own context, and every
default in this file is what a customer gets when there is no sidecar.
"""

import json
import logging
import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import OpenFeatureError

log = logging.getLogger("shop")
flags = api.get_client("shop")

GATEWAY = {"timeout_ms": 3000, "retries": 0, "methods": ["invoice"]}


def prices(user: EvaluationContext) -> dict:
    if flags.get_boolean_value("enable_new_pricing_page", False, user):
        return {"layout": "plans", "plans": {"starter": 0, "team": 19, "enterprise": 99}}
    return {"layout": "list", "monthly": 19}


def checkout(user: EvaluationContext) -> dict:
    gateway = flags.get_object_value("payment_gateway_config", GATEWAY, user)
    beta = flags.get_boolean_value("show_beta_checkout_flow", False, user)
    return {
        "flow": "beta" if beta else "classic",
        "button": flags.get_string_value("checkout_button_test", "Buy now", user),
        "methods": gateway["methods"],
        # Numbers inside an object arrive as floats: protobuf's Struct knows no integers.
        "timeout_ms": int(gateway["timeout_ms"]),
        "gift_cards": flags.get_boolean_value("enable_gift_cards", False, user),
        "support": flags.get_string_value("support_contact", "help@example.com", user),
    }


def dashboard(user: EvaluationContext) -> dict:
    return {
        "premium": flags.get_boolean_value("enable_premium_dashboard", False, user),
        "upload_limit_mb": flags.get_integer_value("upload_limit_mb", 25, user),
        "recommendations": flags.get_boolean_value("enable_recommendations", False, user),
    }


def health(_user: EvaluationContext) -> dict:
    """Asks for no flag: the shop sells on without."""
    return {"selling": True}


PAGES = {"/prices": prices, "/checkout": checkout, "/dashboard": dashboard, "/healthz": health}


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        page = PAGES.get(url.path)
        if page is None:
            self.send_error(404)
            return
        # A real shop knows its user from the session; this one reads ?user=ada&plan=enterprise.
        attributes = {name: values[-1] for name, values in parse_qs(url.query).items()}
        user = EvaluationContext(attributes.pop("user", None), attributes)
        body = json.dumps(page(user)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


def flags_changed(event: EventDetails) -> None:
    log.info("flags changed: %s", ", ".join(sorted(event.flags_changed or [])))


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())

    try:
        # The provider reads FLAGD_HOST, FLAGD_PORT, FLAGD_DEADLINE_MS and friends by itself.
        api.set_provider_and_wait(FlagdProvider(), domain="shop")
    except OpenFeatureError as error:
        # Selling goes on without flags; the provider keeps trying and reports when it is ready.
        log.warning("no flags yet, using the defaults: %s", error)
    flags.add_handler(ProviderEvent.PROVIDER_READY, lambda _: log.info("flags ready"))
    flags.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, flags_changed)

    host = os.environ.get("SHOP_HOST", "127.0.0.1")
    ThreadingHTTPServer.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = ThreadingHTTPServer((host, int(os.environ.get("SHOP_PORT", "8080"))), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, server.server_port)
    stopped.wait()
    server.shutdown()
    api.shutdown()


if __name__ == "__main__":
    main()
