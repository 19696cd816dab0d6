"""What a query is made of: enough of PromQL to find, and to mistype, each name in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[a-zA-Z_:][\w:]*|[\d.]+\w*|=~|!~|!=|==|>=|<=|\S')
NAME = re.compile(r"[a-zA-Z_:][\w:]*")
GROUPINGS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
POSITIVE = {"!=": "=", "!~": "=~"}
WORDS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True)
class Name:
    """The name of a metric or of a label, or a label's value, and where it stands in its query."""

    kind: str
    text: str
    start: int

    def mistyped(self, expr: str) -> str:
        """The query with one letter of this name left out."""
        end = self.start + len(self.text)
        return expr[: self.start] + self.text[:-1] + expr[end:]


@dataclass(frozen=True)
class Query:
    names: tuple[Name, ...]
    selectors: tuple[str, ...]
    """What is read (a metric with its matchers, without a range), and what is left out of it."""


def parsed(expr: str) -> Query:
    tokens = list(TOKEN.finditer(expr))
    names: list[Name] = []
    selectors: list[str] = []
    n = 0
    while n < len(tokens):
        token, text = tokens[n], tokens[n][0]
        after = tokens[n + 1][0] if n + 1 < len(tokens) else ""
        if text == "[":
            n = closing(tokens, n, "]")
        elif text in GROUPINGS and after == "(":
            end = closing(tokens, n, ")")
            names += labels(tokens[n + 1 : end])
            n = end
        elif text == "{" or (NAME.fullmatch(text) and is_metric(text, after)):
            end = n
            if text != "{":
                names.append(Name("metric", text, token.start()))
                end = n + 1 if after == "{" else n
            if tokens[end][0] == "{":
                begin, end = end, closing(tokens, end, "}")
                for label, operator, value in matchers(tokens[begin + 1 : end]):
                    if label[0] == "__name__":
                        continue
                    names.append(Name("label", label[0], label.start()))
                    if operator in {"=", "!="} and value[0] != '""':
                        names.append(Name("value", value[0][1:-1], value.start() + 1))
                    if operator in {"!=", "!~"} and value[0] != '""':
                        metric = text if text != "{" else ""
                        selectors.append(f"{metric}{{{label[0]}{POSITIVE[operator]}{value[0]}}}")
            selectors.append(expr[token.start() : tokens[end].end()])
            n = end
        n += 1
    return Query(tuple(names), tuple(dict.fromkeys(selectors)))


def is_metric(word: str, after: str) -> bool:
    """No function or aggregation, which are followed by their arguments or a grouping."""
    return after != "(" and after not in GROUPINGS and word not in WORDS | GROUPINGS


def closing(tokens: list[re.Match[str]], start: int, bracket: str) -> int:
    return next(n for n in range(start, len(tokens)) if tokens[n][0] == bracket)


def matchers(tokens: list[re.Match[str]]) -> Iterator[tuple[re.Match[str], str, re.Match[str]]]:
    """Label, operator and value of each matcher between braces."""
    tokens = [token for token in tokens if token[0] != ","]
    for n in range(0, len(tokens), 3):
        label, operator, value = tokens[n : n + 3]
        yield label, operator[0], value


def labels(tokens: list[re.Match[str]]) -> Iterator[Name]:
    for token in tokens:
        if NAME.fullmatch(token[0]):
            yield Name("label", token[0], token.start())
