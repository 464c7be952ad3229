"""Turns the text of a bank file into a tree of nodes with their line and column.

A bank file may use a subset of YAML: mappings, lists and text. It may not use anchors, aliases, tags, merge keys,
duplicate keys or a second document. The tree is built from PyYAML's event stream, because PyYAML's loaders crash on
deep nesting, grow on aliases and guess types.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from seedbed.bank.syntax import syntax_problem
from seedbed.bank.text import FORBIDDEN, Path, Remark, path_text, quote
from seedbed.errors import Problem

__all__ = ["MAX_BYTES", "Document", "YamlNode", "read_document"]

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
MERGE = "<<"
TOO_DEEP = f"the nesting is deeper than {MAX_DEPTH} levels"
# The message of PyYAML 6.0.4 and later about a thousand levels or more. It comes before any event.
SCANNER_TOO_DEEP = "exceeded maximum nesting depth"
MAX_NODES = 200_000
MAX_ITEMS = 20_000
MAX_SCALAR = 64 * 1024
MAX_REPORTED = 50

# The scanner in C if PyYAML has it (every wheel does), else the same grammar in Python.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Position = tuple[int, int]


@dataclass(slots=True)
class YamlNode:
    """A value and its line and column, from 1. `keys` holds the positions of a mapping's keys."""

    value: "dict[str, YamlNode] | list[YamlNode] | str | None"
    line: int
    column: int
    keys: dict[str, Position] | None = None

    def plain(self) -> Any:
        """The value as dicts, lists, text and None."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class _Refused(Exception):  # noqa: N818 - a signal within this module, not an error that anyone sees
    """No part of the document can be used."""

    def __init__(self, rule: str, message: str, line: int, column: int) -> None:
        super().__init__(rule, message, line, column)


@dataclass(kw_only=True)
class Document:
    """A bank file's text as a tree, with all problems of its YAML.

    `root` is None where nothing could be read. `refused` are the paths whose value stands for something that this
    subset does not have; whatever else is wrong with them is not worth a message. `incomplete` says that a part of
    the bank was written by reference, so that what the rest names may have been there. `written` leads from paths of
    the canonical form to those of the file, where they differ.
    """

    file: str
    root: YamlNode | None
    problems: list[Problem] = field(default_factory=list)
    refused: set[Path] = field(default_factory=set)
    incomplete: bool = False
    written: Mapping[Path, Path] = field(default_factory=dict)

    def as_written(self, remark: Remark) -> Remark:
        """A remark on the canonical form as one on the file."""
        path = remark.path
        for length in range(len(path), 0, -1):
            if path[:length] in self.written:
                return remark._replace(path=(*self.written[path[:length]], *path[length:]))
        return remark

    def locate(self, path: Path) -> tuple[Position, Path]:
        """The position of the longest part of a path that exists, and that part. For a missing key it is the mapping.

        A step into a list may be the text of the item. A last step `[key]` means the key itself.
        """
        node = self.root
        if node is None:
            return (0, 0), path
        position, found = (node.line, node.column), 0
        steps: list[str | int] = []
        for step in path:
            child, where = _step(node, step)
            if child is None:
                break
            steps.append(where)
            position, found = (child.line, child.column), found + 1
            if isinstance(where, str) and node.keys and path[found:] == ("[key]",):
                position = node.keys[where]
            node = child
        return position, tuple(steps)

    def problem(self, remark: Remark) -> Problem:
        """A remark on the file with its line and column."""
        (line, column), path = self.locate(remark.path)
        return Problem(
            file=self.file, line=line, column=column, path=path_text(path), rule=remark.rule, message=remark.message
        )


def _step(node: YamlNode, step: str | int) -> tuple[YamlNode | None, str | int]:
    if isinstance(node.value, dict) and isinstance(step, str):
        return node.value.get(step), step
    if isinstance(node.value, list):
        if isinstance(step, str):
            step = next((index for index, item in enumerate(node.value) if item.value == step), -1)
        if 0 <= step < len(node.value):
            return node.value[step], step
    return None, step


@dataclass(kw_only=True, slots=True)
class _Open:
    """A mapping or list whose end the stream has not reached. `key` is the key whose value comes next."""

    node: YamlNode
    path: Path
    key: str | None = None
    key_position: Position = (0, 0)
    key_usable: bool = True


class _Builder:
    """Builds the tree in `document` from the events of its text, one after another."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Open] = []
        self.nodes = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        """Handles one event. Raises _Refused if the event makes the whole document unusable."""
        position = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _Refused(
                    "yaml-second-document", "a second YAML document begins here; write one bank per file", *position
                )
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, position)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()

    def _report(self, position: Position, path: Path, rule: str, message: str) -> None:
        if len(self.document.problems) >= MAX_REPORTED:
            raise _Refused("yaml-too-many-problems", "there are too many problems to list", *position)
        line, column = position
        self.document.problems.append(
            Problem(
                file=self.document.file, line=line, column=column, path=path_text(path), rule=rule, message=message
            )
        )

    def _node(self, event: Any, position: Position) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Refused("yaml-too-large", f"the file has more than {MAX_NODES:,} values", *position)
        parent = self.stack[-1] if self.stack else None
        if parent and isinstance(parent.node.value, dict) and parent.key is None:
            self._key(parent, event, position)
            return
        path = () if parent is None else _child_path(parent)
        node = self._value(event, position, path)
        if parent is None:
            self.document.root = node
        else:
            _attach(parent, node)
            if isinstance(parent.node.value, list | dict) and len(parent.node.value) > MAX_ITEMS:
                raise _Refused("yaml-too-large", f"a list or mapping has more than {MAX_ITEMS:,} items", *position)
        self._descend(node, path, position)

    def _descend(self, node: YamlNode, path: Path, position: Position) -> None:
        if isinstance(node.value, dict | list):
            self.stack.append(_Open(node=node, path=path))
            if len(self.stack) > MAX_DEPTH:
                raise _Refused("yaml-too-deep", TOO_DEEP, *position)

    def _key(self, parent: _Open, event: Any, position: Position) -> None:
        """Notes the key of the next value. The value of an unusable key stays out of the tree."""
        mapping = parent.node.value
        assert isinstance(mapping, dict) and parent.node.keys is not None
        parent.key, parent.key_position, parent.key_usable = "", position, False
        if isinstance(event, yaml.CollectionStartEvent):
            self._report(position, parent.path, "yaml-complex-key", "a key is a mapping or a list")
            node = YamlNode({} if isinstance(event, yaml.MappingStartEvent) else [], *position, keys={})
            self._descend(node, parent.path, position)
            return
        if isinstance(event, yaml.AliasEvent) or _is_empty(event):
            self._report(position, parent.path, "yaml-complex-key", "a key is empty or an alias")
            return
        parent.key = event.value
        if event.value == MERGE and event.implicit[0]:
            self._report(position, parent.path, "yaml-merge-key", "merge keys are not allowed; write the keys again")
            self._refuse(parent.path)
        elif event.value in mapping:
            line = parent.node.keys[event.value][0]
            message = f"the key {quote(event.value)} is already on line {line}"
            self._report(position, parent.path, "yaml-duplicate-key", message)
        else:
            self._check(event, position, (*parent.path, event.value))
            parent.key_usable = True

    def _value(self, event: Any, position: Position, path: Path) -> YamlNode:
        if isinstance(event, yaml.AliasEvent):
            # Values of a refused key are not reported.
            if all(step.key_usable for step in self.stack):
                self._report(position, path, "yaml-alias", "aliases are not allowed; write the value again")
            self._refuse(path)
            return YamlNode(None, *position)
        self._check(event, position, path)
        if isinstance(event, yaml.MappingStartEvent):
            return YamlNode({}, *position, keys={})
        if isinstance(event, yaml.SequenceStartEvent):
            return YamlNode([], *position)
        return YamlNode(None if _is_empty(event) else event.value, *position)

    def _refuse(self, path: Path) -> None:
        self.document.refused.add(path)
        self.document.incomplete = True

    def _check(self, event: Any, position: Position, path: Path) -> None:
        """Reports an anchor, a tag, a text that is too long, and forbidden characters."""
        if event.anchor is not None:
            self._report(position, path, "yaml-anchor", f"anchors are not allowed: {quote('&' + event.anchor)}")
        if event.tag is not None:
            self._report(position, path, "yaml-tag", f"tags are not allowed: {quote(event.tag)}")
            self.document.refused.add(path)
        if not isinstance(event, yaml.ScalarEvent):
            return
        if len(event.value) > MAX_SCALAR:
            message = f"a text is longer than {MAX_SCALAR:,} characters"
            self._report(position, path, "yaml-long-text", message)
            self.document.refused.add(path)
        elif found := FORBIDDEN.search(event.value):
            message = f"the character U+{ord(found[0]):04X} is not allowed"
            self._report(position, path, "yaml-character", message)
            self.document.refused.add(path)


def _child_path(parent: _Open) -> Path:
    if isinstance(parent.node.value, list):
        return (*parent.path, len(parent.node.value))
    return (*parent.path, parent.key or "")


def _attach(parent: _Open, node: YamlNode) -> None:
    if isinstance(parent.node.value, list):
        parent.node.value.append(node)
        return
    assert isinstance(parent.node.value, dict) and parent.node.keys is not None and parent.key is not None
    if parent.key_usable:
        parent.node.value[parent.key] = node
        parent.node.keys[parent.key] = parent.key_position
    parent.key = None


def _is_empty(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value in ("", "~", "null")


def _forbidden_characters(text: str) -> Iterator[tuple[int, int, str]]:
    for count, match in enumerate(FORBIDDEN.finditer(text)):
        if count == MAX_REPORTED:
            return
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        yield line, column, f"the character U+{ord(match[0]):04X} is not allowed"


def read_document(text: str, file: str) -> Document:
    """Reads a bank file's text. Skips a leading byte order mark. Never raises on bad text."""
    document = Document(file=file, root=None)
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        document.problems.append(
            Problem(
                file=file,
                line=0,
                column=0,
                path="",
                rule="file-too-large",
                message=f"more than {MAX_BYTES:,} characters",
            )
        )
        return document
    for line, column, message in _forbidden_characters(text):
        document.problems.append(
            Problem(file=file, line=line, column=column, path="", rule="yaml-character", message=message)
        )
    if document.problems:
        return document
    builder = _Builder(document)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except _Refused as refused:
        rule, message, line, column = refused.args
        document.root = None
        document.problems.append(Problem(file=file, line=line, column=column, path="", rule=rule, message=message))
    except yaml.YAMLError as error:
        document.root = None
        problem = syntax_problem(error, file, text)
        if getattr(error, "problem", None) == SCANNER_TOO_DEEP:
            problem = replace(problem, rule="yaml-too-deep", message=TOO_DEEP)
        document.problems.append(problem)
    return document
