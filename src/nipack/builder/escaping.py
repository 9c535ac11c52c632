"""One escaping function for each language that text passes into, and a type for its result.

A template takes nothing but these types (see `rendering`), so text that a stranger wrote is never
code: neither in a spec, a shell, make and Python, nor in the YAML that a builder expands.  What a
language cannot carry is refused with a reason and a remedy.
"""

import json
import re
import shlex
from collections.abc import Callable

from nipack.system.errors import RecipeError

# What YAML 1.1 and 1.2 take for something else than text: numbers, truth values, null, dates.
_OTHER_THAN_TEXT = re.compile(r"(?i)[-+.0-9].*|0[xo].*|y|n|yes|no|on|off|true|false|null|~|nan|inf")
_PLAIN = re.compile(r"[A-Za-z0-9_/.+-]([A-Za-z0-9_/.,()+'< -]*[A-Za-z0-9_/.()+'-])?")
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9_/.~%?=&+-]+")

_LINE_BREAK_OR_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+~/-]*")


class Escaped(str):
    """Text that has passed the escaping function of its language, which the subclass names."""

    __slots__ = ()


class Word(Escaped):
    """Letters, digits and `_.+~/-`, which mean nothing else in any of the languages here."""


class SpecText(Escaped):
    """Text of an RPM spec, in which rpm finds no macro, no section and no instruction."""


class ShellWord(Escaped):
    """One word of a POSIX shell."""


class MakeWord(Escaped):
    """One word of a makefile: there is none but a `Word`, since make has no quotes."""


class PythonText(Escaped):
    """A string literal of Python, or the text of a comment."""


class YamlText(Escaped):
    """A scalar of YAML."""


class RattlerYaml(Escaped):
    """A scalar of a recipe.yaml, in which rattler-build expands nothing."""


class CondaBuildYaml(Escaped):
    """A scalar of a meta.yaml, in which Jinja expands nothing and conda-build finds no selector."""


class ControlText(Escaped):
    """Text of a field of debian/control, in which dpkg-gencontrol(1) substitutes nothing."""


class WatchText(Escaped):
    """A part of debian/watch."""


class NotExpressible(RecipeError):
    """A language has no spelling for a text; `reason` and `remedy` say why and what helps."""

    def __init__(self, text: str, reason: str, remedy: str) -> None:
        self.reason, self.remedy = reason, remedy
        super().__init__(f"{text!r}: {reason}; {remedy}")


def word(text: str) -> Word:
    """Return a word that means nothing in any language; raises NotExpressible for another."""
    if not _WORD.fullmatch(text):
        reason = "it has other characters than letters, digits and '_.+~/-'"
        raise NotExpressible(text, reason, "rename it")
    return Word(text)


def spec_line(text: str) -> SpecText:
    """Return a text for the rest of a line of a spec."""
    return SpecText(_one_line(text).replace("%", "%%"))


def spec_text(text: str) -> SpecText:
    """Return whole lines of a spec's text.

    rpm looks for sections, `%include` and comments in each line once its macros are expanded, so
    that `%%` is no help where a line begins (rpm's build/parseSpec.c).
    """
    lines = text.split("\n")
    for line in lines:
        if re.match(r"\s*[%#]", line):
            reason = f"rpm reads a line that begins with '{line.strip()[0]}' as an instruction"
            raise NotExpressible(line, reason, "start it with another word")
    return SpecText("\n".join(spec_line(line) for line in lines))


# What rpm's versions take for a glob or a quote in a list of files, each in its own way.
_OF_LISTS = re.compile(r'[]["\\*?{}]')


def spec_path(path: str) -> SpecText:
    """Return a path as one word of a list of files, in which rpm expands macros as in a spec."""
    found = _OF_LISTS.search(path)
    if found:
        reason = f"rpm's lists of files have no spelling of '{found[0]}' that all its versions read"
        raise NotExpressible(path, reason, "rename it")
    return SpecText(f'"{spec_line(path)}"')


def spec_lua(text: str) -> SpecText:
    """Return a text as a literal of Lua in a spec's script: other bytes than a word's by number."""
    hidden = (
        chr(byte) if re.fullmatch(rb"[A-Za-z0-9_./ -]", bytes([byte])) else f"\\{byte:03}"
        for byte in _encodable(text).encode("utf-8")
    )
    return SpecText(f'"{"".join(hidden)}"')


def shell_word(text: str) -> ShellWord:
    """Return a text as one word of a shell."""
    return ShellWord(shlex.quote(_one_line(text)))


def shell_comment(text: str) -> ShellWord:
    """Return the rest of a line behind a # of a shell."""
    return ShellWord(_one_line(text))


def python_literal(text: str) -> PythonText:
    """Return a text as a literal of Python."""
    return PythonText(json.dumps(_encodable(text), ensure_ascii=False))  # JSON's are Python's


def python_comment(text: str) -> PythonText:
    """Return the rest of a line behind a #."""
    return PythonText(_one_line(text))


def control_line(text: str) -> ControlText:
    """Return a field's value on one line; `${}` is a dollar sign (deb-substvars(5))."""
    return ControlText(_one_line(text).replace("${", "${}{"))


def control_text(text: str) -> ControlText:
    """Return a value whose lines after the first are indented, none of them empty."""
    first, *more = text.split("\n")
    for line in more:
        if not re.match(r"[ \t]+\S", line):
            reason = "a line that is empty or not indented ends a field of a control file"
            raise NotExpressible(line, reason, "write '.' for an empty line")
    return ControlText("\n".join(map(control_line, [first, *more])))


def control_source_line(text: str) -> ControlText:
    """Return a value of the source's own paragraph, which is copied to where it is expanded."""
    if "${" in text:
        reason = "dpkg expands '${' of the maintainer and the homepage in one place and not another"
        raise NotExpressible(text, reason, "write it without '${'")
    return ControlText(_one_line(text))


def watch_text(text: str) -> WatchText:
    """Return one word of a line of debian/watch."""
    if re.search(r"\s", _one_line(text)):
        raise NotExpressible(text, "uscan(1) separates words with blanks", "write %20 for a blank")
    return WatchText(text)


def yaml_scalar(value: str | int) -> YamlText:
    """Return a value as YAML on one line, plain where that is read back as it was."""
    if isinstance(value, int):
        return YamlText(value)
    if _PLAIN_ADDRESS.fullmatch(value):
        return YamlText(value)
    if _PLAIN.fullmatch(value) and not _OTHER_THAN_TEXT.fullmatch(value):
        return YamlText(value)
    # JSON's strings are YAML's (YAML 1.2, 1.3), but for what YAML does not print (5.1).
    return YamlText(
        re.sub(
            "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]",
            lambda match: f"\\u{ord(match[0]):04x}",
            json.dumps(_encodable(value), ensure_ascii=False),
        )
    )


def yaml_block(text: str, indent: int) -> YamlText:
    """Return a text as a literal block of YAML, whose lines are indented by so many spaces."""
    lines = text.strip("\n").split("\n")
    if not all(line.isprintable() for line in lines) or lines[0].startswith(" "):
        return yaml_scalar(text)
    margin = " " * indent
    return YamlText("\n".join(["|-", *(f"{margin}{line}" if line else "" for line in lines)]))


def rattler_yaml(value: str | int) -> RattlerYaml:
    """Return a value as YAML on one line that rattler-build reads as it was.

    It expands the whole of a scalar that has `${{` in it, so that all of it becomes one literal.
    """
    if isinstance(value, str) and "${{" in value:
        literal = json.dumps(_encodable(value), ensure_ascii=False)
        hidden = re.sub(r"[{}]", lambda match: f"\\u{ord(match[0]):04x}", literal)
        return RattlerYaml(yaml_scalar(f"${{{{ {hidden} }}}}"))
    return RattlerYaml(yaml_scalar(value))


def rattler_yaml_block(text: str, indent: int) -> RattlerYaml:
    """Return a text as a literal block, or on one line where rattler-build would expand it."""
    return rattler_yaml(text) if "${{" in text else RattlerYaml(yaml_block(text, indent))


# conda-build renders meta.yaml as a template before it reads it as YAML, and takes a line that ends
# with brackets for one with a selector.
_OF_TEMPLATES = re.compile(r"[{}#\[\]]")


def conda_build_yaml(value: str | int) -> CondaBuildYaml:
    """Return a value as YAML on one line, in which no template engine finds anything."""
    scalar = str(yaml_scalar(value))
    if not _OF_TEMPLATES.search(scalar):
        return CondaBuildYaml(scalar)
    quoted = scalar if scalar.startswith('"') else f'"{scalar}"'
    hidden = _OF_TEMPLATES.sub(lambda match: f"\\x{ord(match[0]):02x}", quoted)
    return CondaBuildYaml(hidden)


def conda_build_yaml_block(text: str, indent: int) -> CondaBuildYaml:
    """Return a text as a literal block, or on one line where a block could not hide a template."""
    if _OF_TEMPLATES.search(text):
        return conda_build_yaml(text)
    return CondaBuildYaml(yaml_block(text, indent))


# conda-forge's bot finds the version of a recipe by this name, and writes it anew.
_RATTLER_VERSION, _CONDA_BUILD_VERSION = (
    RattlerYaml("${{ version }}"),
    CondaBuildYaml("{{ version }}"),
)


def rattler_address(address: str, version: str) -> RattlerYaml:
    """Return an address in which the recipe's version stands by its name."""
    return RattlerYaml(_with_version(rattler_yaml(address), version, _RATTLER_VERSION))


def conda_build_address(address: str, version: str) -> CondaBuildYaml:
    """Return an address in which the recipe's version stands by its name."""
    return CondaBuildYaml(_with_version(conda_build_yaml(address), version, _CONDA_BUILD_VERSION))


def conda_build_version(version: str) -> CondaBuildYaml:
    """Return the line that gives the recipe's version its name."""
    return CondaBuildYaml(f'{{% set version = "{word(version)}" %}}')


def _with_version(scalar: str, version: str, name: str) -> str:
    """Put a name in the place of a version, but for a number that is a part of another."""
    stated = rf"(?<![0-9])(?<![0-9]\.){re.escape(word(version))}(?!\.?[0-9])"
    return re.sub(stated, lambda match: name, scalar)


def has_controls(text: str) -> bool:
    """Tell whether a text has a line break or a control character, or is not UTF-8."""
    return _LINE_BREAK_OR_CONTROL.search(text) is not None


def _one_line(text: str) -> str:
    found = _LINE_BREAK_OR_CONTROL.search(text)
    if found:
        reason = f"the character U+{ord(found[0]):04X} is not allowed in it"
        raise NotExpressible(text, reason, "remove it")
    return text


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotExpressible(text, "it is not UTF-8", "rename it") from error
    return text


# What a template may call for a value, by the language that it is written in.
FILTERS: dict[type[Escaped], dict[str, Callable[..., Escaped]]] = {
    SpecText: {
        "line": spec_line,
        "text": spec_text,
        "lua": spec_lua,
    },
    ShellWord: {"shell": shell_word, "comment": shell_comment},
    Word: {},
    MakeWord: {},
    PythonText: {
        "literal": python_literal,
        "comment": python_comment,
    },
    YamlText: {"yaml": yaml_scalar},
    RattlerYaml: {
        "yaml": rattler_yaml,
        "yaml_block": rattler_yaml_block,
        "address": rattler_address,
    },
    CondaBuildYaml: {
        "yaml": conda_build_yaml,
        "yaml_block": conda_build_yaml_block,
        "address": conda_build_address,
        "set_version": conda_build_version,
    },
    ControlText: {
        "line": control_line,
        "text": control_text,
        "source_line": control_source_line,
    },
    WatchText: {"watch": watch_text},
}
