"""Asks the sidecar on localhost:8013 for one flag."""
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.evaluation_context import EvaluationContext

api.set_provider_and_wait(FlagdProvider())
user = EvaluationContext(targeting_key="user-6", attributes={"plan": "enterprise"})
flag = api.get_client().get_boolean_details("enable_new_pricing_page", False, user)
print(f"{flag.flag_key}: {flag.value} (variant {flag.variant}, {flag.reason})")
api.shutdown()
