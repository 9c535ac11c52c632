"""The tests of mutants, each in a process that is forked for it.

First the tests of an area are run once, and it is noted which of them run which line.  Then one
process collects them; for each mutant a fork of it puts the mutant's code into the functions that
are there already, and runs the tests of the changed line, the quickest first, until one fails.
Where that cannot be, since the change is outside of functions or was run when a module was read,
pytest starts anew.  Nothing of the checkout is written: there is a copy of src/ before the real one
on the path, for the programs that tests start.
"""

import ast
import contextlib
import functools
import gc
import itertools
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import mutants
import pytest
from mutants import LONGEST, Mutant

REPOSITORY = mutants.SOURCE.parent
_LEAST, _TIMES = 30, 20  # seconds, and times what its tests take, that a mutant has
_MEMORY = 6 << 30
_MOST = 16  # seconds of tests that a mutant is tried by, the quickest ones
_ANEW = 1000  # tests of a module that are tried, where it is not known which use a constant


@dataclass(slots=True)
class Map:
    """What each test takes, the lines it runs, and those run by modules and for the session."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    early: dict[str, set[int]] = field(default_factory=dict)
    shared: dict[str, set[int]] = field(default_factory=dict)

    def of(self, module: str, numbers: set[int] | range) -> list[str]:
        """Return the tests that run any of some lines, the quickest first."""
        there = self.lines.get(module, {})
        tests = {test for number in numbers for test in there.get(number, ())}
        return sorted(tests, key=lambda test: (self.seconds[test], test))

    def within(self, seconds: float, tests: list[str]) -> list[str]:
        """Return the first of some tests, those which take no longer than that together."""
        ends = itertools.accumulate(self.seconds[test] for test in tests)
        return [test for test, end in zip(tests, ends, strict=True) if end <= seconds]

    def of_module(self, module: str) -> list[str]:
        """Return the tests that run any line of a module, the quickest first."""
        return self.of(module, set(self.lines.get(module, {})))


class Trials:
    """A copy of the source, of which one module at a time is a mutant."""

    def __init__(self, folder: Path) -> None:
        """Copy the source, and let every program read the copy."""
        folder.chmod(0o755)  # some tests ask as another user
        self.folder, self.source = folder, folder / "src"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(mutants.SOURCE / "nipack", self.source / "nipack", ignore=ignored)
        # Whoever writes in the checkout meanwhile changes nothing of what is tried.
        shutil.copytree(self.source, folder / "original")
        mutants.SOURCE = folder / "original"
        os.environ["PYTHONPATH"] = str(self.source)
        sys.path.insert(0, str(self.source))
        sys.path.insert(0, str(REPOSITORY))

    def map(self, tests: tuple[str, ...]) -> Map:
        """Run tests as things are, and note what each runs; those which fail are left out."""
        made = self.folder / "map.json"
        made.unlink(missing_ok=True)
        place = self.folder / "mapping"
        _forked(lambda: _pytest(list(tests), [_Mapping(made, self.source / "nipack")], place))
        if not made.exists():
            raise RuntimeError((place / "said").read_text("utf-8", "replace"))
        known = json.loads(made.read_text("utf-8"))
        for test in known["failed"]:
            print(f"left out, since it fails without a mutant: {test}", flush=True)
        return Map(
            known["seconds"],
            {m: {int(n): t for n, t in lines.items()} for m, lines in known["lines"].items()},
            {module: set(numbers) for module, numbers in known["early"].items()},
            {module: set(numbers) for module, numbers in known["shared"].items()},
        )

    def run(self, chosen: list[Mutant], known: Map) -> Iterator[tuple[Mutant, str]]:
        """Yield each mutant with why its tests fail, "" if they pass."""
        warm = [each for each in chosen if self._is_warm(each, known)]
        if warm:
            yield from self._run_warm(warm, known)
        for mutant in chosen:
            if mutant not in warm:
                yield (
                    mutant,
                    self._run_cold(mutant, known.within(_MOST, _tests_of_early(mutant, known))),
                )

    def _is_warm(self, mutant: Mutant, known: Map) -> bool:
        """Tell whether a mutant can be put into functions that are there."""
        if known.shared.get(mutant.module, set()).intersection(mutant.lines):
            return False  # what is made of it for many tests is there already
        early = known.early.get(mutant.module, set())
        if not known.of(mutant.module, mutant.lines) and early.intersection(mutant.lines):
            return False
        return self.patches(mutant) is not None

    def patches(self, mutant: Mutant) -> list[types.CodeType] | None:
        """Return the functions of a mutant that are other, None if it is not they alone."""
        path = str(self.source / "nipack" / mutant.module)
        before = compile(mutants.parsed(mutant.module), path, "exec", dont_inherit=True)
        try:
            after = compile(mutants.tree_of(mutant), path, "exec", dont_inherit=True)
            return list(_other_code(before, after))
        except (_ElsewhereError, SyntaxError):
            return None

    def _run_warm(self, chosen: list[Mutant], known: Map) -> Iterator[tuple[Mutant, str]]:
        """Try mutants in forks of one process that has collected the tests."""
        said = self.folder / "warm.jsonl"
        said.write_text("")
        files = sorted(
            {
                test.partition("::")[0]
                for each in chosen
                for test in known.of(each.module, each.lines)
            }
        )
        started = _start(
            lambda: _pytest(files, [_Warm(self, chosen, known, said)], self.folder / "warm")
        )
        told = 0
        while True:
            ended = os.waitpid(started, os.WNOHANG)[0]
            lines = said.read_text("utf-8").splitlines()
            for line in lines[told:]:
                number, why = json.loads(line)
                yield chosen[number], why
            told = len(lines)
            if ended:
                break
            time.sleep(0.2)
        if told != len(chosen):
            raise RuntimeError((self.folder / "warm" / "said").read_text("utf-8", "replace"))

    def _run_cold(self, mutant: Mutant, tests: list[str]) -> str:
        """Try a mutant in a process that reads every module anew."""
        if not tests:
            return ""
        with self.changed(mutant), tempfile.TemporaryDirectory(dir=self.folder) as place:
            why = Path(place) / "why"
            files = sorted({test.partition("::")[0] for test in tests})
            plugin = _Chosen(tests, why)
            started = _start(lambda: _pytest(files, [plugin], Path(place)))
            return _waited(started, _LEAST + 5 * _MOST, why)

    def changed(self, mutant: Mutant) -> "_Changed":
        """Let the copy of the source be a mutant for a while."""
        return _Changed(
            self.source / "nipack" / mutant.module, ast.unparse(mutants.tree_of(mutant))
        )


class _Changed:
    """A file that says something else for a while."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text, self.original = path, text, path.read_text("utf-8")

    def __enter__(self) -> None:
        self._write(self.text)

    def __exit__(self, *reason: object) -> None:
        self._write(self.original)

    def _write(self, text: str) -> None:
        self.path.write_text(text, "utf-8")
        # Python compares size and whole seconds of what it has compiled.
        for compiled in self.path.parent.glob(f"__pycache__/{self.path.stem}.*"):
            compiled.unlink()


def _tests_of_early(mutant: Mutant, known: Map) -> list[str]:
    """Return the tests of a change that is made when a module is read.

    Of a constant they are those which run a line that names it, in whatever module; of a module
    of which no test runs a line once it is read, those of the files that name what it defines.
    """
    name, body = _defined(mutant)
    if name is None:
        return known.of_module(mutant.module)[:_ANEW] or _tests_that_name(mutant, known)
    found = set(known.of(mutant.module, body))
    word = re.compile(rf"\b{re.escape(name)}\b")
    for module in known.lines:
        text = (mutants.SOURCE / "nipack" / module).read_text("utf-8").splitlines()
        numbers = {n for n, line in enumerate(text, 1) if word.search(line)}
        found.update(known.of(module, numbers))
    if not found:
        return known.of_module(mutant.module)[:_ANEW] or _tests_that_name(mutant, known)
    return sorted(found, key=lambda test: (known.seconds[test], test))[:_ANEW]


def _tests_that_name(mutant: Mutant, known: Map) -> list[str]:
    """Return the tests of each file that has a name in it which a module defines."""
    names = [
        re.escape(node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else node.id)
        for node in ast.walk(mutants.parsed(mutant.module))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    ]
    word = re.compile(rf"\b({'|'.join(names)})\b")
    files = {test.partition("::")[0] for test in known.seconds}
    naming = {file for file in files if word.search((REPOSITORY / file).read_text("utf-8"))}
    tests = [test for test in known.seconds if test.partition("::")[0] in naming]
    return sorted(tests, key=lambda test: (known.seconds[test], test))[:_ANEW]


def _defined(mutant: Mutant) -> tuple[str | None, range]:
    """Return the name that the statement of a mutant outside of functions defines, and its body."""
    for node in ast.walk(mutants.parsed(mutant.module)):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.lineno == mutant.lines.start:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            return target.id if isinstance(target, ast.Name) else None, range(0)
        if isinstance(node, ast.FunctionDef) and node.lineno == mutant.lines.start:
            # The default of an argument.
            return node.name, range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    return None, range(0)


class _ElsewhereError(Exception):
    """A change is outside of functions, or of what they close over."""


def _other_code(before: types.CodeType, after: types.CodeType) -> Iterator[types.CodeType]:
    """Yield what differs of two versions of a module, function by function, outer ones first.

    Raises `_ElsewhereError` where something else does.
    """
    is_function = bool(before.co_flags & 1)  # CO_OPTIMIZED: neither a module nor a class's body
    if is_function and before != after:
        if before.co_freevars != after.co_freevars:
            raise _ElsewhereError
        yield after
    inner = [[each for each in code.co_consts if isinstance(each, types.CodeType)]
             for code in (before, after)]  # fmt: skip
    rest = [[repr(each) for each in code.co_consts if not isinstance(each, types.CodeType)]
            for code in (before, after)]  # fmt: skip
    alike = before.co_code == after.co_code and rest[0] == rest[1]
    if not is_function and not (alike and before.co_names == after.co_names):
        raise _ElsewhereError
    if len(inner[0]) == len(inner[1]):
        for one, other in zip(*inner, strict=True):
            yield from _other_code(one, other)


def _start(what: Callable[[], int]) -> int:
    """Run something in a process of its own group; return its id."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.setsid()
        status = what()
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(status)


def _forked(what: Callable[[], int]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(_start(what), 0)[1])


def _waited(process: int, seconds: float, why: Path) -> str:
    """Wait for the tests of a mutant; return why they failed, "" if they passed."""
    end = time.monotonic() + seconds
    status: int | None = None
    while time.monotonic() < end and status is None:
        found, state = os.waitpid(process, os.WNOHANG)
        if found:
            status = os.waitstatus_to_exitcode(state)
        else:
            time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    if status is None:
        os.waitpid(process, 0)
        return "too long"
    said = why.read_text("utf-8") if why.exists() else ""
    return said if said or not status else f"ended with {status}"


def _pytest(files: list[str], plugins: list[Any], place: Path) -> int:
    """Run pytest with the quick tests of some files, and with a folder for all that it writes."""
    os.chdir(REPOSITORY)
    _be_silent(place)
    words = ["-q", "-m", "not slow", "-p", "no:cacheprovider", "-s"]
    return int(pytest.main([*files, *words, "--basetemp", str(place / "tests")], plugins=plugins))


def _be_silent(place: Path) -> None:
    """Write what is said into a folder, with all that is temporary."""
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    opened = os.open(place / "said", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    os.environ["TMPDIR"] = str(place)
    tempfile.tempdir = None


def _have_little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def forget() -> None:
    """Empty what functions of nipack keep, so that each test runs the lines that it needs.

    Otherwise the first test alone would be known to run them, and no other would run a mutant's.
    """
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] == "nipack":
            for each in vars(module).values():
                if isinstance(each, functools._lru_cache_wrapper):
                    each.cache_clear()


class _Mapping:
    """Notes what each test takes and which lines it runs, with those of its fixtures."""

    def __init__(self, target: Path, package: Path) -> None:
        self.target, self.package = target, package
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.fixtures: dict[str, list[str]] = defaultdict(list)
        self.of_session: set[str] = set()
        self.contexts = [""]
        sources = [str(package)]
        self.coverage = coverage.Coverage(data_file=None, source=sources, config_file=False)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """Run a test in a context of its own."""
        for name in item.fixturenames:
            self.fixtures[f"of {name}"].append(item.nodeid)
        forget()
        start = sum(os.times()[:4])
        try:
            return (yield from self._within(item.nodeid))
        finally:
            # Of processors, its own and those of its programs: others may use them as well.
            self.seconds[item.nodeid] = sum(os.times()[:4]) - start

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        """Note what is made for several tests for each of them, not for the first alone."""
        if fixturedef.scope == "function":
            return (yield)
        if fixturedef.scope == "session":
            self.of_session.add(f"of {fixturedef.argname}")
        return (yield from self._within(f"of {fixturedef.argname}"))

    def _within(self, context: str) -> Any:
        self.contexts.append(context)
        self.coverage.switch_context(context)
        try:
            return (yield)
        finally:
            self.contexts.pop()
            self.coverage.switch_context(self.contexts[-1])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note what fails."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what was noted."""
        self.coverage.stop()
        data = self.coverage.get_data()
        lines: dict[str, dict[int, list[str]]] = {}
        early: dict[str, list[int]] = {}
        shared: dict[str, list[int]] = {}
        for path in data.measured_files():
            module = Path(path).relative_to(self.package).as_posix()
            contexts = data.contexts_by_lineno(path)
            early[module] = [number for number, names in contexts.items() if "" in names]
            shared[module] = [n for n, names in contexts.items() if self.of_session & {*names}]
            lines[module] = {number: self._tests(names) for number, names in contexts.items()}
        known = {"seconds": self.seconds, "failed": self.failed, "lines": lines, "early": early,
                 "shared": shared}  # fmt: skip
        self.target.write_text(json.dumps(known), "utf-8")

    def _tests(self, contexts: list[str]) -> list[str]:
        tests: set[str] = set()
        for name in filter(None, contexts):
            tests.update(self.fixtures[name] if name.startswith("of ") else [name])
        return sorted(tests.difference(self.failed))


class _Chosen:
    """Has pytest run some tests, in their order, until one fails."""

    def __init__(self, tests: list[str], why: Path) -> None:
        self.place = {test: number for number, test in enumerate(tests)}
        self.why = why

    def pytest_collection_finish(self, session: Any) -> None:
        """Choose and sort, after all who may have sorted before."""
        chosen = [item for item in session.items if item.nodeid in self.place]
        session.items[:] = sorted(chosen, key=lambda item: self.place[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """End with the first failure."""
        if report.failed:
            said = [
                line[1:].strip() for line in report.longreprtext.splitlines() if line[:1] == "E"
            ]
            why = f"{report.when} of {report.nodeid}: {' '.join(said)[:LONGEST]}"
            self.why.write_text(why, "utf-8")
            os._exit(1)

    def pytest_collectreport(self, report: Any) -> None:
        """End if a file of tests cannot be read."""
        if report.failed:
            self.why.write_text(f"reading {report.nodeid}", "utf-8")
            os._exit(1)


class _Warm:
    """Instead of running what was collected, forks for each mutant."""

    def __init__(self, trials: Trials, chosen: list[Mutant], known: Map, said: Path) -> None:
        self.trials, self.chosen, self.known, self.said = trials, chosen, known, said

    def pytest_runtestloop(self, session: Any) -> bool:
        """Try every mutant."""
        items = {item.nodeid: item for item in session.items}
        self._make_what_is_shared(session)
        there = _functions(str(self.trials.source))
        made = _seen(self.trials.folder / "warm" / "tests")
        with self.said.open("a", encoding="utf-8") as out:
            for number, mutant in enumerate(self.chosen):
                tests = self.known.of(mutant.module, mutant.lines)
                chosen = [items[test] for test in self.known.within(_MOST, tests) if test in items]
                why = self._tried(mutant, chosen, there) if chosen else ""
                out.write(json.dumps([number, why]) + "\n")
                out.flush()
                if _seen(self.trials.folder / "warm" / "tests") != made:
                    raise RuntimeError(f"{mutant.name}: has changed what tests share")
        return True

    def _make_what_is_shared(self, session: Any) -> None:
        """Run the quickest test of each fixture that there is once, so that forks have it."""
        wanted = {
            definitions[-1].argname: item
            for item in sorted(
                session.items, key=lambda each: -self.known.seconds.get(each.nodeid, 99)
            )
            for definitions in item._fixtureinfo.name2fixturedefs.values()
            if definitions[-1].scope == "session"
        }
        for item in {id(each): each for each in wanted.values()}.values():
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=_Nothing(session))

    def _tried(self, mutant: Mutant, items: list[Any], there: "Functions") -> str:
        seconds = _LEAST + _TIMES * sum(self.known.seconds[item.nodeid] for item in items)
        patches = self.trials.patches(mutant) or []
        with (
            self.trials.changed(mutant),
            tempfile.TemporaryDirectory(
                dir=self.trials.folder, ignore_cleanup_errors=True
            ) as place,
        ):
            why = Path(place) / "why"
            Path(place).chmod(0o755)
            fork = _start(lambda: _run_some(items, patches, there, Path(place), why))
            return _waited(fork, seconds, why)


Functions = dict[tuple[str, str, int], list[types.FunctionType]]


def _functions(folder: str) -> Functions:
    """Return every function of the source that is in memory, by where it stands."""
    gc.unfreeze()
    found: Functions = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, types.FunctionType) and each.__code__.co_filename.startswith(folder):
            found[_where(each.__code__)].append(each)
    gc.freeze()
    return found


class _Nothing:
    """No next test: what modules have is taken away, and what the session has stays."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def listchain(self) -> list[Any]:
        """Return what is not to be taken away."""
        return [self.session]


def _seen(folder: Path) -> list[tuple[str, int, int]]:
    """Return what tells whether anything in a folder was changed."""
    stats = [(str(path), path.lstat()) for path in folder.rglob("*") if not path.is_dir()]
    return sorted((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)


def _where(code: types.CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_name, code.co_firstlineno


def _run_some(
    items: list[Any], patches: list[types.CodeType], there: Functions, place: Path, why: Path
) -> int:
    """Run tests with other code in the functions; this process was forked for it."""
    for code in patches:
        for function in there.get(_where(code), ()):
            function.__code__ = code
    forget()
    _be_silent(place)
    _have_little_memory()
    config = items[0].config
    (place / "tests").mkdir()
    config._tmp_path_factory._basetemp = place / "tests"
    config.pluginmanager.register(_Chosen([], why), "of this mutant")
    # What is of the session is the first process's, to be taken away at the very end.
    for item, following in zip(items, [*items[1:], _Nothing(items[0].session)], strict=True):
        config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return 0
