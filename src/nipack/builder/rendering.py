"""Render the templates of recipes: they hold a format's text, and the formats compute the values.

Each language has an environment of its own, which takes no value but what an escaping function of
that language has returned: `{{ summary | line }}` in a spec, `{{ summary | yaml }}` in YAML, and
`{{ name | word }}` everywhere.  A plain string is refused, and so is text of another language.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from nipack.builder import escaping
from nipack.builder.escaping import Escaped, Word

if TYPE_CHECKING:
    import jinja2


def render(template: str, language: type[Escaped], values: Mapping[str, Any]) -> str:
    """Render a template, named by folder/file, with values; a value it lacks is a bug.

    Raises NotExpressible for a value that the language cannot carry.
    """
    return str(_environment(language).get_template(f"{template}.j2").render(values))


@cache
def _environment(language: type[Escaped]) -> "jinja2.Environment":
    import jinja2  # 60 ms that no other command needs

    filters = {"word": escaping.word, **escaping.FILTERS[language]}
    return environment(jinja2.FunctionLoader(_template), language, filters)


def environment(
    loader: "jinja2.BaseLoader",
    language: type[Escaped],
    filters: Mapping[str, Callable[..., Escaped]],
) -> "jinja2.Environment":
    """Return an environment whose templates take nothing but text of one language, and numbers.

    A value of any other type raises TypeError when it is rendered.
    """
    import jinja2

    def only_escaped(value: Any) -> Any:
        if isinstance(value, jinja2.Undefined):
            return str(value)  # raises: it is undefined
        if isinstance(value, (language, Word)) or type(value) is int:
            return value
        raise TypeError(f"{value!r} has not been escaped as {language.__name__}")

    made = jinja2.Environment(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        finalize=only_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # that is HTML's; `finalize` sees that nothing is forgotten
    )
    made.filters |= filters
    return made


def _template(name: str) -> str:
    path = resources.files("nipack.builder").joinpath("templates", *name.split("/"))
    return path.read_text("utf-8")
