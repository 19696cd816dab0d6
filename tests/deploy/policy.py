"""What a schema does not see: each rule says what is wrong with a rendering, in words.

`test_policy.py` breaks each rule in a copy.
"""

from collections.abc import Callable, Iterator

import references
import security
import sidecars
import syntax
from program import Program
from render import Document

Rule = Callable[[list[Document], Program], Iterator[str]]

RULES: list[Rule] = [
    references.volumes_are_there,
    references.volumes_are_used,
    references.config_maps_are_there,
    references.selectors_match,
    references.ports_are_there,
    references.names_are_unique,
    references.sockets_meet,
    references.monitors_find_the_sidecar,
    references.who_is_scraped_is_open_otherwise,
    syntax.names_are_valid,
    syntax.quantities_are_valid,
    syntax.probes_are_valid,
    syntax.schedules_are_valid,
    security.values_are_known,
    security.pods_are_restricted,
    security.the_sidecar_is_hardened,
    security.images_are_pinned_and_of_no_registry,
    sidecars.workloads_have_one,
    sidecars.it_is_whole,
    sidecars.it_comes_first,
    sidecars.it_is_probed,
    sidecars.it_is_not_asked_for_readiness,
    sidecars.probes_reach_it,
    sidecars.options_exist,
    sidecars.environment_exists,
    sidecars.ports_are_those_it_opens,
    sidecars.flags_can_be_updated,
    sidecars.overrides_can_be_written,
    sidecars.it_stops_in_time,
    sidecars.resources_are_bounded,
    sidecars.flags_are_good,
]


def problems(documents: list[Document], program: Program) -> list[str]:
    return [f"{rule.__name__}: {problem}" for rule in RULES for problem in rule(documents, program)]
