"""The commands that list what there is: bases, module."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import ModulesOption, OutputFormat, OutputOption
from yamlinject.core import spelling
from yamlinject.core.layer import as_flow
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases as library
from yamlinject.library import recipes, user_modules
from yamlinject.library.module_files import ModuleClass
from yamlinject.output import progress, terminal
from yamlinject.output.tables import Column, Row, table
from yamlinject.output.terminal import Line
from yamlinject.output.trial import counts


def bases(*, output_format: OutputOption = OutputFormat.text) -> None:
    """List the names that BASE may be, and the package that each config comes with.

    Any path to a config is a BASE too, and - is standard input.
    """
    origins = sorted(library.origins().items())
    if output_format is OutputFormat.json:
        print(terminal.as_json([{"name": name, "from": origin} for name, origin in origins]))
        return
    heads = (Column("name"), Column("comes with"))
    rows = [Row(name, origin) for name, origin in origins]
    terminal.emit(sys.stdout, table(heads, rows, terminal.width(sys.stdout)))


def module(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[MODULE]", help="Which one to explain.", autocompletion=completion.module),
    ] = None,
    *,
    test: Annotated[
        bool, typer.Option("--test", help="Build it with torch and test it; exit 1 if something fails.")
    ] = False,
    args: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="With --test: the args of its row, as a YAML list."),
    ] = None,
    modules: ModulesOption = None,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """List the modules that have a recipe, and those of your own; with MODULE, explain one.

    Any other module can be inserted too, with add --args. --test runs the class, and so the file it is in.
    """
    own = user_modules.find(modules or ())
    name = name and recipes.canonical(name, own)
    as_json = output_format is OutputFormat.json
    if args is not None and not test:
        raise YamlInjectError("`args` belongs to --test here")
    if test and name is None:
        raise YamlInjectError("--test: name the module to test")
    if test and (name in own or name in recipes.names()):
        return _test(str(name), own.get(str(name)), args, as_json=as_json)
    if name is None:
        about = [recipes.about(each) for each in recipes.names()]
        if as_json:
            print(terminal.as_json([*(one._asdict() for one in about), *map(_as_data, own.values())]))
        else:
            terminal.emit(sys.stdout, [*_table(about), *_own_table(own)])
    elif name in own:
        if as_json:
            print(terminal.as_json(_as_data(own[name])))
        else:
            terminal.emit(sys.stdout, _own_explained(own[name]))
    elif name in recipes.names():
        one = recipes.about(name)
        if as_json:
            print(terminal.as_json(one._asdict()))
        else:
            terminal.emit(sys.stdout, _explained(one))
    else:
        meant = spelling.hint(name, (*own, *recipes.names()), cutoff=0.75)
        raise YamlInjectError(
            f"no recipe for a module {name!r}{meant}; known: {', '.join([*own, *recipes.names()])}; name "
            "the Python file of your own with --modules; for any other give add the args of its row: "
            "--args '[channels]'"
        )
    return 0


def _test(name: str, found: ModuleClass | None, args: str | None, *, as_json: bool) -> int:
    """Try a module out, and return the exit code."""
    import gc
    from dataclasses import asdict

    gc.enable()  # the command line runs without it, but large maps take megabytes
    from yamlinject.output import trial as report
    from yamlinject.verification.trial import try_out

    known = recipes.derived(found) if found and args is None else recipes.recipe(name, args)
    with progress.cleared():
        trial = try_out(known, found, progress.say)
    if as_json:
        print(terminal.as_json(asdict(trial)))
    else:
        terminal.emit(sys.stdout, report.lines(trial))
    return int(trial.failed > 0)


def _as_data(found: ModuleClass) -> dict[str, object]:
    """A user's class as JSON has it; ``args`` is null where nothing tells a parameter's value."""
    args = terminal.plain(recipes.derived(found).args) if recipes.is_told(found) else None
    where = {"file": str(found.file), "line": found.place.line}
    return {"module": found.name, **where, "args": args, "told": found.told, "untold": found.untold}


def _own_table(own: Mapping[str, ModuleClass]) -> list[Line]:
    if not own:
        return []
    rows = [Row(name, _row(found), f"{found.file}:{found.place.line}") for name, found in own.items()]
    heads = (Column("of your own"), Column("row"), Column("file", folds=True))
    return [Line(""), *table(heads, rows, terminal.width(sys.stdout))]


def _own_explained(found: ModuleClass) -> list[Line]:
    rows = [
        Row("module", found.name),
        Row("row", _row(found)),
        Row("args", recipes.told(found)),
        Row("parameters", "counted by --test, which runs the class"),
        Row("class", f"{found.imported_as}.{found.name} in {found.file}:{found.place.line}"),
    ]
    return list(table((Column(), Column(folds=True)), rows, terminal.width(sys.stdout)))


def _row(found: ModuleClass) -> str:
    if not recipes.is_told(found):
        return "give --args"
    return f"[-1, 1, {found.name}, {as_flow(recipes.derived(found).args)}]"


def _table(modules: list[recipes.About]) -> list[Line]:
    heads = (
        Column("module"),
        Column("role"),
        Column("what it does", folds=True),
        Column("parameters\non 512 channels", right=True),
        Column("paper", folds=True),
    )
    rows = [Row(one.module, one.role, one.does, f"{one.parameters:,}", _authors(one)) for one in modules]
    return list(table(heads, rows, terminal.width(sys.stdout)))


def _authors(one: recipes.About) -> str:
    return one.paper.rpartition(",")[0]


def _explained(one: recipes.About) -> list[Line]:
    options = ", ".join(f"{name} ({value})" for name, value in one.options.items())
    joins = one.role == "fusion"
    reads = "[-1, ...]" if joins else "-1"
    first = "the number of layers that it reads" if joins else "the channels of the layer that it reads"
    rows = [
        Row("module", one.module),
        Row("role", one.role),
        Row("what it does", one.does),
        Row("row", f"[{reads}, 1, {one.module}, {as_flow(one.args)}]"),
        Row("args", f"{first}, then: {options}" if options else first),
        Row("parameters", "one for each layer that it reads" if joins else counts(one.parameters_at)),
        Row("costly", one.costly),
        Row("paper", one.paper),
        Row("class", f"yamlinject.nn.{one.module}"),
    ]
    replaced = recipes.recipe(one.module).replaced
    what = f"replace {one.module} yolov5s --at head/{replaced}" if replaced else None
    return [
        *table((Column(), Column(folds=True)), rows, terminal.width(sys.stdout)),
        Line(f"yamlinject {what or f'add {one.module} yolov5s --after SPPF'}", label="next", whole=True),
    ]
