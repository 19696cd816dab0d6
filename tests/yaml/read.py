"""Reads YAML documents with PyYAML and writes the structure and the data of each.

The streams are those of read.go. Each line of the output also has "data": the documents with
content, their scalars resolved by the core schema of YAML 1.2, and `<<` merged; or "refused": why
they have none. A mapping stays a list of pairs, since JSON's objects lose duplicate keys. A line
that read.go wrote is resolved in the same way.
"""

import json
import re
import sys

import yaml

CORE = "tag:yaml.org,2002:"
NULL = re.compile(r"null|Null|NULL|~|")
BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
INT = re.compile(r"[-+]?[0-9]+")
OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


class Refused(Exception):
    """A documented reason not to read a document."""


def resolve(text):
    """Returns the core type of a plain scalar, and its value."""
    if NULL.fullmatch(text):
        return "null", None
    if BOOL.fullmatch(text):
        return "bool", text.lower() == "true"
    if INT.fullmatch(text):
        return "int", int(text)
    if OCTAL.fullmatch(text):
        return "int", int(text[2:], 8)
    if HEXADECIMAL.fullmatch(text):
        return "int", int(text[2:], 16)
    if FLOAT.fullmatch(text):
        return "float", float(text)
    if NOT_FINITE.fullmatch(text):
        raise Refused("not finite")
    return "str", text


def scalar(text, plain, tag):
    looks = resolve(text)[1] if plain else text
    if tag is None:
        return looks
    core = tag.removeprefix(CORE)
    if core not in {"null", "bool", "int", "float", "map", "seq"} or tag == core:
        return text
    kind, value = resolve(text)
    return value if kind == core or (core, kind) == ("float", "int") else looks


def merged(pairs):
    """Returns the pairs of a mapping with those of its `<<` behind them."""
    own = [(key, value) for key, value, is_merge in pairs if not is_merge]
    names = {key for key, _ in own}
    for _, value, is_merge in pairs:
        if not is_merge:
            continue
        sources = value["list"] if isinstance(value, dict) and "list" in value else [value]
        for source in sources:
            if not (isinstance(source, dict) and "mapping" in source):
                raise Refused("merges no mapping")
            # A key that one mapping has twice stays there twice: the format of flags decides.
            new = [(key, inner) for key, inner in source["mapping"] if key not in names]
            names.update(key for key, _ in new)
            own.extend(new)
    return own


class Reader:
    """Builds the structures of a text's documents from events."""

    def __init__(self, text):
        self.events = yaml.parse(text, Loader=yaml.BaseLoader)
        self.anchors = {}

    def documents(self):
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors = {}
                yield self.node(next(self.events))

    def node(self, event):
        if isinstance(event, yaml.AliasEvent):
            if self.anchors.get(event.anchor) is None:
                raise yaml.YAMLError("unknown anchor, or one that is not complete")
            return {"alias": self.anchors[event.anchor]}
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None and event.tag != "!"
            node = {"scalar": event.value, "plain": plain}
            if event.tag not in {None, "!"}:
                node["tag"] = event.tag
        elif isinstance(event, yaml.SequenceStartEvent):
            node = {"list": self.nodes(yaml.SequenceEndEvent)}
        else:
            nodes = iter(self.nodes(yaml.MappingEndEvent))
            node = {"mapping": [list(pair) for pair in zip(nodes, nodes, strict=True)]}
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def nodes(self, end):
        nodes = []
        while not isinstance(event := next(self.events), end):
            nodes.append(self.node(event))
        return nodes


def data(node):
    """Returns the data of a structure."""
    if "alias" in node:
        return data(node["alias"])
    if "scalar" in node:
        return scalar(node["scalar"], node["plain"], node.get("tag"))
    if "list" in node:
        return {"list": [data(child) for child in node["list"]]}
    pairs = []
    for key, value in node["mapping"]:
        if "scalar" not in key:
            raise Refused("a key is an alias or a collection")
        is_merge = key == {"scalar": "<<", "plain": True}
        pairs.append((key["scalar"], data(value), is_merge))
    return {"mapping": merged(pairs)}


def with_data(documents):
    present = [node for node in documents if node != {"scalar": "", "plain": True}]
    try:
        answer = {"data": [data(node) for node in present]}
    except Refused as why:
        answer = {"refused": str(why)}
    return {"documents": documents, **answer}


def read(line):
    """Reads a text, or resolves the documents that read.go wrote."""
    try:
        if isinstance(line, dict):
            return with_data(line["documents"])
        return with_data(list(Reader(line).documents()))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        return {"error": str(error)}


for line in sys.stdin:
    print(json.dumps(read(json.loads(line))), flush=True)
