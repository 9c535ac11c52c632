"""A template takes nothing but what the escaping function of its language has returned."""

import jinja2
import pytest

from nipack.builder import escaping
from nipack.builder.rendering import environment, render


def rendered(template: str, value: object) -> str:
    loader = jinja2.DictLoader({"t": template})
    filters = {"line": escaping.spec_line, "word": escaping.word}
    made = environment(loader, escaping.SpecText, filters)
    return made.get_template("t").render(value=value)


@pytest.mark.parametrize("template", ["{{ value | line }}", "{{ value | word }}"])
def test_escaped_text_passes(template: str) -> None:
    assert rendered(template, "a-1.0") == "a-1.0"


def test_a_number_passes() -> None:
    assert rendered("{{ value + 1 }}", 1) == "2"


@pytest.mark.parametrize(
    "template", ["{{ value }}", "{{ value ~ '' }}", "{{ value | line | upper }}", "{{ 'text' }}"]
)
def test_a_plain_string_is_refused(template: str) -> None:
    with pytest.raises(TypeError, match="has not been escaped as SpecText"):
        rendered(template, "a")


@pytest.mark.parametrize("value", [escaping.rattler_yaml("a b"), True, None, ["a"]])
def test_so_is_text_of_another_language_and_what_is_no_text(value: object) -> None:
    with pytest.raises(TypeError, match="has not been escaped"):
        rendered("{{ value }}", value)


def test_what_is_missing_is_a_bug() -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendered("{{ other }}", "a")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (escaping.spec_text, "a\n %post"),
        (escaping.spec_text, "# a"),
        (escaping.spec_line, "a\nb"),
        (escaping.shell_word, "a\nb"),
        (escaping.control_line, "a\u2028b"),
        (escaping.control_text, "a\nEssential: yes"),
        (escaping.control_text, "a\n\nPackage: b"),
        (escaping.control_source_line, "a${Newline}b"),
        (escaping.watch_text, "a b"),
        (escaping.word, "-rf"),
        (escaping.word, "a b"),
        (escaping.python_literal, "\ud800"),
        (escaping.yaml_scalar, "\ud800"),
    ],
)
def test_what_a_language_cannot_carry_is_refused(function: object, text: str) -> None:
    assert callable(function)
    with pytest.raises(escaping.NotExpressible) as caught:
        function(text)
    assert caught.value.reason
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("https://x.org/v1.2/a-1.2.tar.gz", "https://x.org/v@/a-@.tar.gz"),
        ("https://x.org/11.2/a-1.2.1.tar.gz", "https://x.org/11.2/a-1.2.1.tar.gz"),
        ("https://x.org/3.1.2/a.tar.gz", "https://x.org/3.1.2/a.tar.gz"),
    ],
)
def test_the_version_of_an_address_has_a_name(address: str, named: str) -> None:
    assert escaping.rattler_address(address, "1.2") == named.replace("@", "${{ version }}")
    assert escaping.conda_build_address(address, "1.2") == named.replace("@", "{{ version }}")


def test_lua_in_a_spec_finds_no_macro_and_no_end_of_a_text() -> None:
    assert escaping.spec_lua('a-b/1 %{x}"\\é\n') == (r'"a-b/1 \037\123x\125\034\092\195\169\010"')


def test_a_template_s_own_lines_leave_nothing_behind() -> None:
    template = "a\n  {% if value %}\n  <b>{{ value }} &\n  {% endif %}\n\nc\n"
    assert rendered(template, 1) == "a\n  <b>1 &\n\nc\n"


def test_a_template_is_found_by_its_folder_and_file_and_every_language_has_words() -> None:
    for language in escaping.FILTERS:
        with pytest.raises(FileNotFoundError, match="none"):
            render("rpm/none", language, {})
        made = environment(
            jinja2.DictLoader({"t": "{{ 'a-b' | word }}"}), language, {"word": escaping.word}
        )
        assert made.get_template("t").render() == "a-b"
