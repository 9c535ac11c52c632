"""Read a YAML file so that every value still knows its line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

FieldPath = tuple[str | int, ...]

_INT = "tag:yaml.org,2002:int"
_FLOAT, _TIMESTAMP = "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"
# No number of a definition has more digits; Python cannot print those of thousands.
_MOST_DIGITS = 18


class _Loader(yaml.SafeLoader):
    """SafeLoader that leaves 0.10 and 2023-05-01 as they are written.

    YAML 1.1 takes an unquoted 0.10 for the number 0.1, and a day for a date object.  No field of
    a definition is either, and a version that loses its last digit is a wrong version.
    It takes no aliases: a definition needs none, and a few lines of them can stand for gigabytes.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node, but for an alias and for one with a tag."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        reason = ""
        if isinstance(event, yaml.AliasEvent):
            reason = "aliases are not allowed here"
        elif getattr(event, "tag", None) is not None:
            reason = f"tags are not allowed here, and this is {event.tag[:60]!r}"
        if reason:
            raise yaml.composer.ComposerError(None, None, reason, event.start_mark)
        return super().compose_node(parent, index)

    def construct_int(self, node: yaml.ScalarNode) -> int:
        """Construct a whole number, but for a huge one."""
        if len(node.value) > _MOST_DIGITS:
            reason = "a number with too many digits"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)
        try:
            return int(self.construct_yaml_int(node))
        except ValueError as error:  # 0x_ has the form of one
            reason = f"'{node.value}' is not a number"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark) from error


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in (_FLOAT, _TIMESTAMP)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(_INT, _Loader.construct_int)


class _TextLoader(_Loader):
    """A loader for which 1.0 and no are text, too."""


_TextLoader.yaml_implicit_resolvers = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinedDocument:
    """A YAML document as plain data, and the line (from 1) of each field by its path."""

    text: bytes
    data: Any
    lines: dict[FieldPath, int]
    repeated: tuple[FieldPath, ...]

    def line(self, path: FieldPath) -> int:
        """Return the line of a field, or of the nearest field around it that is there."""
        return line_of(path, self.lines)


def line_of(path: FieldPath, lines: Mapping[FieldPath, int]) -> int:
    """Return the line of a field, or of the nearest field around it that is there."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def load_text(text: str) -> Any:
    """Parse one YAML document in which every value is text; aliases and tags are refused.

    Raises `yaml.YAMLError`, or RecursionError.
    """
    loader = _TextLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def load_yaml(text: bytes) -> LinedDocument:
    """Parse one YAML document in UTF-8.

    Raises UnicodeDecodeError, or `yaml.YAMLError` with a mark where it is malformed.
    """
    loader = _Loader(text.decode("utf-8-sig"))
    try:
        root = loader.get_single_node()
        if root is None:
            return LinedDocument(text=text, data=None, lines={}, repeated=())
        lines: dict[FieldPath, int] = {}
        repeated: list[FieldPath] = []
        _note_lines(root, (), lines, repeated)
        data = loader.construct_document(root)
    finally:
        loader.dispose()
    return LinedDocument(text=text, data=data, lines=lines, repeated=tuple(repeated))


def _note_lines(
    node: yaml.Node, path: FieldPath, lines: dict[FieldPath, int], repeated: list[FieldPath]
) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            if below in lines:
                repeated.append(below)
            # A field is where its key is, even when its value begins a line further down.
            lines[below] = key.start_mark.line + 1
            _note_lines(value, below, lines, repeated)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*path, index), lines, repeated)
