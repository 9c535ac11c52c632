"""What nipack.data does where nibabel.data fails, and its messages."""

import copy
import inspect
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.machine import set_system_dir

import nipack
from nipack import data
from nipack.advice import report
from nipack.data import (
    DEFAULT_INSTALL_HINT,
    Bomber,
    BomberError,
    ConfigWarning,
    DataError,
    Datasource,
    PackageDefinition,
    VersionedDatasource,
    _cfg_value,
    check_installed,
    datasource_or_bomber,
    find_data_dir,
    get_data_path,
    make_datasource,
)
from nipack.lookup import search
from nipack.lookup.ini import read_bytes
from nipack.lookup.search import _FIELDS

TEMPLATES = {"relpath": "nipy/templates", "name": "nipy-templates", "min version": "0.3"}


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def install(root: Path, version: str = "0.3") -> Path:
    """Put a data package below a root, and return its directory."""
    return write(
        root / "nipy" / "templates" / "config.ini", f"[DEFAULT]\nversion = {version}\n"
    ).parent


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with a prefix, user and system directory that the search order goes by."""
    monkeypatch.delenv("NIPY_DATA_PATH", raising=False)
    monkeypatch.setenv("NIPY_USER_DIR", str(tmp_path / "user"))
    set_system_dir(str(tmp_path / "system"), monkeypatch)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(sys, "executable", "/opt/venv/bin/python")
    # Each test sees its own warnings, whatever was warned of before.
    vars(data).pop("__warningregistry__", None)
    return tmp_path


def test_a_malformed_ini_is_skipped_with_a_warning(machine: Path) -> None:
    bad = write(machine / "system/bad.ini", "path = /bad\n")
    write(machine / "system/good.ini", "[DATA]\npath = /good\n")
    with pytest.warns(ConfigWarning) as caught:
        assert get_data_path()[0] == "/good"
    assert [str(warning.message) for warning in caught] == [
        f"skipped {bad}:1: no section; write [DATA] on a line above this one"
    ]


def test_a_malformed_ini_is_warned_of_once(machine: Path) -> None:
    write(machine / "system/bad.ini", "path = /bad\n")
    install(machine / "prefix/share/nipy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            make_datasource(TEMPLATES)
    assert len(caught) == 1


def test_an_ini_that_may_not_be_read_is_not_warned_of(machine: Path) -> None:
    (machine / "system" / "directory.ini").mkdir(parents=True)
    get_data_path()
    with pytest.raises(DataError, match=r"(?s)Skipped:.*directory\.ini: cannot be read"):
        make_datasource(TEMPLATES)


def test_cfg_value_skips_what_is_malformed(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.ini", "path = /bad\n")
    with pytest.warns(ConfigWarning, match=r"bad\.ini:1"):
        assert _cfg_value(str(bad)) == ""
    assert _cfg_value(str(tmp_path)) == ""
    assert _cfg_value(str(tmp_path / "none.ini")) == ""
    good = write(tmp_path / "good.ini", "[DEFAULT]\nversion = 0.3\n[DATA]\nPath = ~/100%\n")
    assert _cfg_value(str(good)) == "~/100%"
    assert _cfg_value(str(good), "DEFAULT", "version") == "0.3"
    plain = write(tmp_path / "plain.ini", "[DATA]\nPath = /a\n")
    assert _cfg_value(str(plain), "DATA", "PATH") == "/a"


def test_the_prefix_goes_before_the_system(machine: Path) -> None:
    write(machine / "prefix/etc/nipy/a.ini", f"[DATA]\npath = {machine / 'mine'}\n")
    write(machine / "system/a.ini", f"[DATA]\npath = {machine / 'theirs'}\n")
    install(machine / "theirs", "0.3")
    mine = install(machine / "mine", "0.4")
    assert make_datasource(TEMPLATES).base_path == str(mine)


BAD_CONFIGS = {
    "malformed": "version = 0.3\n",
    "no version": "[DATA]\n",
    "one number": "[DEFAULT]\nversion = 1\n",
    "candidate": "[DEFAULT]\nversion = 0.3rc1\n",
    "letter": "[DEFAULT]\nversion = 2009c\n",
    "wildcard": "[DEFAULT]\nversion = 1.x\n",
    "not comparable": "[DEFAULT]\nversion = 0.9.my build\n",
    "too old": "[DEFAULT]\nversion = 0.2\n",
}


@pytest.mark.parametrize("config", [None, *BAD_CONFIGS.values()], ids=["empty", *BAD_CONFIGS])
@pytest.mark.parametrize("make", [make_datasource, datasource_or_bomber])
def test_what_cannot_be_used_is_passed_over(machine: Path, config: str | None, make: Any) -> None:
    first = machine / "system" / "nipy" / "templates"
    first.mkdir(parents=True)
    if config is not None:
        write(first / "config.ini", config)
    good = install(machine / "prefix/share/nipy")
    write(machine / "system/a.ini", f"[DATA]\npath = {machine / 'system'}\n")
    assert make(TEMPLATES).base_path == str(good)


def test_what_is_too_old_is_given_by_make_datasource_alone(machine: Path) -> None:
    old = install(machine / "prefix/share/nipy", "0.2")
    install(machine / "user", "0.1")
    assert make_datasource(TEMPLATES).base_path == str(old)
    bomber = datasource_or_bomber(TEMPLATES)
    assert isinstance(bomber, Bomber)
    with pytest.raises(
        DataError, match=r"nipy/templates 0\.2 and 0\.1 are installed, but 0\.3 or newer"
    ):
        bomber.get_filename("T1.nii")


def test_a_given_data_path_is_the_only_one_searched(machine: Path) -> None:
    install(machine / "prefix/share/nipy", "0.3")
    mine = install(machine / "mine", "0.4")
    paths = [str(machine / "none"), str(machine / "mine")]
    assert make_datasource(TEMPLATES, data_path=paths).base_path == str(mine)
    assert find_data_dir(paths, "nipy", "templates") == str(mine)
    with pytest.raises(DataError, match="the data path is empty"):
        make_datasource(TEMPLATES, data_path=[])
    with pytest.raises(DataError, match=r"\[data_path\]"):
        make_datasource(TEMPLATES, data_path=paths[:1])


def test_find_data_dir_takes_any_directory(tmp_path: Path) -> None:
    (tmp_path / "a" / "nipy").mkdir(parents=True)
    install(tmp_path / "b")
    roots = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert find_data_dir(roots, "nipy") == str(tmp_path / "a" / "nipy")
    assert find_data_dir(iter(roots), "nipy", "templates") == str(tmp_path / "b/nipy/templates")


def test_wrong_arguments_are_refused(machine: Path) -> None:
    for make in (make_datasource, datasource_or_bomber):
        with pytest.raises(ValueError, match="data_path is the only keyword"):
            make(TEMPLATES, path=["/a"])
        with pytest.raises(ValueError, match="'min version' must be a version"):
            make({"relpath": "nipy/templates", "min version": "new"})
        with pytest.raises(KeyError):
            make({"name": "nipy-templates"})


def test_the_message_for_what_is_not_installed(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPY_DATA_PATH", "/dead")
    bad = write(machine / "system/bad.ini", "path = /bad\n")
    ini = write(machine / "system/good.ini", "# ours\n[DATA]\npath = /good\n")
    with pytest.warns(ConfigWarning), pytest.raises(DataError) as error:
        make_datasource({**TEMPLATES, "install hint": "Ask the data manager."})
    monkeypatch.setattr(report, "MOST_COLUMNS", 0)
    assert str(error.value).splitlines() == [
        "nipy/templates is not installed in any of the 4 places where it is looked for",
        "",
        "Tried, in this order:",
        "  /dead/nipy/templates",
        "    not there  [NIPY_DATA_PATH]",
        "  /good/nipy/templates",
        f"    not there  [{ini}:3]",
        f"  {machine}/prefix/share/nipy/nipy/templates",
        "    not there  [sys.prefix]",
        f"  {machine}/user/nipy/templates",
        "    not there  [user directory]",
        "",
        "Skipped:",
        f"  {bad}:1: no section; write [DATA] on a line above this one",
        "",
        "To fix this:",
        "  NIPY_DATA_PATH: '/dead' is not a directory; correct or remove it",
        f"  {ini}:3: '/good' is not a directory; correct or remove it",
        "",
        "Ask the data manager.",
    ]


def test_the_message_for_what_cannot_be_used(machine: Path) -> None:
    empty = machine / "user" / "nipy" / "templates"
    empty.mkdir(parents=True)
    with pytest.raises(DataError) as error:
        make_datasource({"relpath": "nipy/templates"})
    first, *_, last = str(error.value).splitlines()
    assert first == f"nipy/templates is not installed: {empty} is an empty directory"
    assert last.endswith("nipack build nipy-templates-VERSION.tar.gz")


def test_the_default_hint_is_for_data_that_nothing_points_to(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hinted(relpath: str = "nipy/templates") -> bool:
        with pytest.raises(DataError) as error:
            make_datasource({"relpath": relpath})
        # Its example is of the data that is asked for.
        hint = DEFAULT_INSTALL_HINT.replace("nipy/templates", relpath)
        return str(error.value).endswith(hint)

    assert hinted()
    assert hinted("lab/atlas")
    monkeypatch.setenv("NIPY_DATA_PATH", "/one;/two")
    assert not hinted()
    monkeypatch.delenv("NIPY_DATA_PATH")
    install(machine / "user")
    assert not hinted("nipy/template")
    (machine / "user/nipy/templates/config.ini").unlink()
    assert not hinted()
    assert hinted("nipy/data")


def test_the_message_for_what_is_too_old_installs_a_newer(machine: Path) -> None:
    install(machine / "user", "0.2")
    bomber = datasource_or_bomber(TEMPLATES)
    assert isinstance(bomber, Bomber)
    assert "version 0.2 is older than 0.3  [user directory]" in str(bomber.msg)
    assert "known to have nipy-templates:" in str(bomber.msg)


def test_no_hint_where_the_package_wants_none(machine: Path) -> None:
    with pytest.raises(DataError) as error:
        make_datasource({"relpath": "nipy/templates", "install hint": None})
    assert str(error.value).endswith("nipack build nipy-templates-VERSION.tar.gz")
    with pytest.raises(DataError) as error:
        find_data_dir([str(machine)], "nipy", "templates")
    assert str(error.value).endswith("nipack build nipy-templates-VERSION.tar.gz")


def test_a_message_is_of_the_settings_of_its_search(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as settings:
        settings.setenv("NIPY_DATA_PATH", "/then")
        bomber = datasource_or_bomber(TEMPLATES)
    assert isinstance(bomber, Bomber)
    assert os.path.join("/then", "nipy", "templates") in str(bomber.msg)  # noqa: PTH118


def test_what_is_missing_is_named_even_where_nothing_can_be_explained(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomber = datasource_or_bomber(TEMPLATES)
    monkeypatch.setitem(sys.modules, "nipack.advice.explanation", None)
    assert isinstance(bomber, Bomber)
    assert bomber.msg.startswith("nipy/templates was not found; the reason is not known: ")


def test_a_message_that_is_read_after_the_installation_says_so(machine: Path) -> None:
    bomber = datasource_or_bomber(TEMPLATES)
    data = install(machine / "prefix" / "share" / "nipy", "0.3")
    assert isinstance(bomber, Bomber)
    assert str(bomber.msg).startswith(
        f"nipy/templates was not found, but by now version 0.3 is in {data}: start the program "
    )


def test_a_bomber_can_be_looked_at_and_copied(machine: Path) -> None:
    bomber = datasource_or_bomber(TEMPLATES)
    assert isinstance(bomber, Bomber)
    assert bomber.name == os.path.join("nipy", "templates")  # noqa: PTH118
    assert not hasattr(bomber, "get_filename")
    inspect.getmembers(bomber)
    assert "\n".join(["Sorry:", bomber.msg]) == f"Sorry:\n{bomber.msg}"
    for twin in (copy.copy(bomber), copy.deepcopy(bomber), pickle.loads(pickle.dumps(bomber))):
        assert (twin.name, twin.msg) == (bomber.name, bomber.msg)
    with pytest.raises(BomberError) as error:
        bomber.list_files()
    assert isinstance(error.value, DataError)
    assert isinstance(error.value, AttributeError)
    assert str(error.value).startswith(
        f"'list_files' was asked of {bomber.name}, which is not there"
    )
    assert str(bomber.msg) in str(error.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "config.ini: cannot be read (No such file or directory)"),
        ("version = 1.2\n", "config.ini:1: no section; write [DEFAULT] on a line above this one"),
        ("[DATA]\n", "config.ini: no version; write version = 0.1 below [DEFAULT]"),
        (
            "[DEFAULT]\nversion = 2009c\n",
            "config.ini: version '2009c' does not begin with two numbers; write e.g. 2009.0",
        ),
    ],
)
def test_a_datasource_without_a_version_says_what_to_mend(
    tmp_path: Path, config: str | None, message: str
) -> None:
    if config is not None:
        write(tmp_path / "config.ini", config)
    with pytest.raises(DataError) as error:
        VersionedDatasource(str(tmp_path))
    assert str(error.value) == str(tmp_path / message)


def test_a_datasources_config_is_a_config_parser(tmp_path: Path) -> None:
    write(tmp_path / "other.ini", "[DEFAULT]\nversion = 0.10\nwhat = 100%%\n[more]\nkey = x\n")
    source = VersionedDatasource(str(tmp_path), "other.ini")
    assert (source.version, source.version_no) == ("0.10", 0.1)
    assert source.config.sections() == ["more"]
    assert source.config.get("more", "what") == "100%"
    assert source.config is source.config
    source.config = replaced = type(source.config)()
    assert source.config is replaced


def test_files_are_listed_sorted_whatever_the_slashes(tmp_path: Path) -> None:
    for name in ("b/T1.nii", "c.txt", "b/a/x", ".hidden"):
        write(tmp_path / name, "")
    expected = [str(Path(name)) for name in (".hidden", "b/T1.nii", "b/a/x", "c.txt")]
    assert Datasource(str(tmp_path)).list_files() == expected
    assert Datasource(f"{tmp_path}{os.sep}").list_files() == expected
    absolute = [str(tmp_path / name) for name in expected]
    assert Datasource(str(tmp_path)).list_files(relative=False) == absolute
    assert Datasource(str(tmp_path / "none")).list_files() == []


def imported_by(program: str) -> set[str]:
    """Return the modules that a program imports in an interpreter that has imported no other."""
    source = Path(nipack.__file__).parents[1]
    import packaging

    paths = [str(source), str(Path(packaging.__file__).parents[1])]
    lines = [
        "import sys",
        f"sys.path[:0] = {paths!r}",
        "before = set(sys.modules)",
        program,
        "print(*(set(sys.modules) - before))",
    ]
    command = [sys.executable, "-I", "-S", "-c", "\n".join(lines)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return set(run.stdout.split())


def test_the_import_takes_the_standard_library_alone() -> None:
    modules = imported_by("import nipack.data, nipack.environment")
    assert "nipack.lookup.search" in modules
    ours = {"nipack", "packaging"}
    assert {module.partition(".")[0] for module in modules} - sys.stdlib_module_names <= ours
    # Each of these takes longer to import than everything that finds data.
    assert not modules & {"configparser", "re", "typing", "dataclasses", "enum", "packaging"}
    assert not {module for module in modules if module.startswith(("nipack.builder", "nipack.cli"))}


def test_finding_data_imports_no_more(tmp_path: Path) -> None:
    install(tmp_path)
    program = (
        "import nipack.data; after = set(sys.modules)\n"
        f"nipack.data.datasource_or_bomber({TEMPLATES!r}, data_path=[{str(tmp_path)!r}]).version\n"
        "before = after"
    )
    assert not imported_by(program)


def test_going_on_without_data_imports_no_words() -> None:
    program = """
from nipack.data import datasource_or_bomber
bomber = datasource_or_bomber({"relpath": "nipy/none", "min version": "0.2"})
assert not hasattr(bomber, "get_filename")
"""
    before = imported_by(program)
    assert "nipack.lookup.late_text" in before
    advice = {name for name in before if name.startswith("nipack.advice")}
    assert advice == {"nipack.advice", "nipack.advice.missing"}
    assert "nipack.advice.report" in imported_by(program + "str(bomber.msg)")


def test_the_interface_is_documented() -> None:
    for name, thing in vars(data).items():
        if inspect.getmodule(thing) is data and not name.startswith("_"):
            assert inspect.getdoc(thing)


def test_no_ini_is_opened_after_the_one_that_leads_to_the_data(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a look-up takes no longer where a hundred packages are installed."""
    install(machine / "root")
    for number in range(100):
        write(machine / f"system/{number:03}.ini", f"[DATA]\npath = {machine / 'root'}\n")
    opened = []

    def read(file: str) -> bytes:
        opened.append(file)
        return read_bytes(file)

    monkeypatch.setattr(search, "read_bytes", read)
    assert make_datasource(TEMPLATES).base_path == str(machine / "root/nipy/templates")
    assert [Path(file).name for file in opened] == ["config.ini", "000.ini", "config.ini"]


def test_a_get_data_path_that_was_replaced_is_asked(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = install(machine / "mine")
    install(machine / "prefix/share/nipy")
    monkeypatch.setattr(data, "get_data_path", lambda: [str(machine / "mine")])
    assert make_datasource(TEMPLATES).base_path == str(mine)


# What users expect of a data source


@pytest.fixture
def source(tmp_path: Path) -> Datasource:
    for name in ("ICBM152/2mm/T1.nii.gz", "ICBM152/1mm/T1_brain.nii.gz", "README.txt"):
        write(tmp_path / name, "é\n")
    return Datasource(str(tmp_path))


def test_the_directory_is_a_path(source: Datasource) -> None:
    assert source.path == Path(source.base_path)
    assert source.exists("ICBM152", "2mm", "T1.nii.gz")
    assert source.exists("ICBM152/2mm")
    assert not source.exists("ICBM152/3mm")


def test_the_files_one_by_one(source: Datasource) -> None:
    assert [str(path) for path in source] == source.list_files(relative=False)
    found = [str(path.relative_to(source.path)) for path in source.glob("**/T1*.gz")]
    assert found == [str(Path("ICBM152/1mm/T1_brain.nii.gz")), str(Path("ICBM152/2mm/T1.nii.gz"))]


def test_a_file_is_opened_to_be_read(source: Datasource) -> None:
    with source.open("README.txt") as stream:
        assert stream.read() == "é\n".encode()
    with source.open("ICBM152", "2mm", "T1.nii.gz", mode="r") as stream:
        assert stream.read() == "é\n"
    with source.open("README.txt", mode="r", encoding="latin-1") as stream:
        assert stream.read() == "Ã©\n"
    for mode in ("w", "ab", "r+b", "x"):
        with pytest.raises(ValueError, match="installed data is only read"):
            source.open("README.txt", mode=mode)
    with pytest.raises(DataError, match=r"did you mean README\.txt\?"):
        source.open("readme.txt")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("ICBM152/2mm/T1.nii", "did you mean ICBM152/2mm/T1.nii.gz?"),
        ("icbm152/2mm/t1.nii.gz", "did you mean ICBM152/2mm/T1.nii.gz?"),
        ("T1_brain.nii.gz", "did you mean ICBM152/1mm/T1_brain.nii.gz?"),
        ("something", "list_files() returns what is"),
    ],
)
def test_the_nearest_names_of_a_file_that_is_not_there(
    source: Datasource, asked: str, said: str
) -> None:
    with pytest.raises(DataError) as error:
        source.get_filename(*asked.split("/"), must_exist=True)
    message = str(error.value).replace(os.sep, "/")
    assert message.startswith(f"{asked} is not in ")
    assert message.endswith(said)
    assert source.get_filename(asked) == str(source.path / asked)


def test_there_may_be_more_than_one_nearest(tmp_path: Path) -> None:
    for name in ("1mm/T1.nii.gz", "2mm/T1.nii.gz"):
        write(tmp_path / name, "")
    with pytest.raises(DataError, match=r"did you mean 2mm/T1.nii.gz or 1mm/T1.nii.gz\?"):
        Datasource(str(tmp_path)).get_filename("3mm/2mm/T1.nii.gz", must_exist=True)
    with pytest.raises(DataError, match=r"did you mean 1mm/T1.nii.gz\?"):
        Datasource(str(tmp_path)).get_filename("1MM/t1.nii.gz", must_exist=True)


def test_a_bomber_has_no_files_to_go_through(machine: Path) -> None:
    with pytest.raises(BomberError, match="not installed"):
        list(datasource_or_bomber(TEMPLATES))


@pytest.mark.parametrize("make", [make_datasource, datasource_or_bomber])
def test_what_is_no_definition_is_told(make: Callable[[Any], object]) -> None:
    wrong: Any
    for wrong in ("nipy/x", ["nipy/x"], None):
        with pytest.raises(TypeError, match=r"a definition is a mapping such as {'relpath'"):
            make(wrong)
    for wrong in ({}, {"relpath": None}, {"relpath": 3}):
        with pytest.raises(
            (KeyError, TypeError), match=r"a definition has a relpath, as in {'relpath'"
        ):
            make(wrong)


def test_what_are_no_definitions_is_told() -> None:
    wrong: Any
    for wrong in ("nipy/x", ["nipy/x"]):
        with pytest.raises(TypeError, match="packages is a mapping of definitions"):
            check_installed(wrong)
    wrong = {"relpath": "nipy/x"}
    with pytest.raises(TypeError, match=r"a definition is a mapping .* not 'nipy/x'"):
        check_installed(wrong)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("min_version", "min version"),
        ("Min-Version", "min version"),
        ("install_hint", "install hint"),
        ("Name", "name"),
        ("minimum version", "min version"),
        ("minimum", "min version"),
        ("min_ver", "min version"),
        ("min versions", "min version"),
        ("install hints", "install hint"),
    ],
)
def test_a_misspelt_key_is_warned_of(key: str, meant: str) -> None:
    with pytest.warns(UserWarning, match=f"write '{meant}'") as caught:
        datasource_or_bomber({"relpath": "nipy/none", key: "0.3"})
    assert caught[0].filename == __file__


@pytest.mark.slow
def test_a_type_checker_finds_a_misspelt_key(tmp_path: Path) -> None:
    """It is mypy that reads it, as in a package that uses this one."""
    for name, key in {"use.py": "min version", "_use.py": "min_version"}.items():
        (tmp_path / name).write_text(
            "from nipack.data import PackageDefinition, make_datasource\n"
            f'DATA: PackageDefinition = {{"relpath": "nipy/none", "{key}": "0.3"}}\n'
            "make_datasource(DATA)\n"
        )
    environ = os.environ | {"MYPYPATH": str(Path(data.__file__).parents[1])}
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    checked = [
        subprocess.run(
            [*command, name], cwd=tmp_path, env=environ, capture_output=True, text=True
        ).stdout
        for name in ("use.py", "_use.py")
    ]
    assert checked[0] == ""
    assert checked[1].startswith('_use.py:2: error: Extra key "min_version" for TypedDict')


def test_the_type_of_a_definition_has_every_field() -> None:
    assert set(PackageDefinition.__annotations__) == set(_FIELDS)
    assert PackageDefinition.__required_keys__ == {"relpath"}
    with pytest.raises(AttributeError, match="no attribute 'PackageDefinitio'"):
        _ = data.PackageDefinitio


def test_an_author_s_own_keys_are_no_mistake(recwarn: pytest.WarningsRecorder) -> None:
    own = {"url": "x", "version": 1, "names": [], "path": "x", "hint": "x", "minimum mean": 0.5}
    datasource_or_bomber({"relpath": "nipy/none", "min version": "0.1", **own})
    assert not recwarn
