"""The commands that make one config of another: which ``replace`` and ``add`` give its rows."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

from yamlinject.config import Config, Rewritten
from yamlinject.core import graph, selectors
from yamlinject.core.layer import Layer, as_flow
from yamlinject.core.request import Request
from yamlinject.core.selectors import DETECT_INPUTS, Scope
from yamlinject.errors import YamlInjectError
from yamlinject.library.recipes import CHANNELS


class Made(NamedTuple):
    """What commands give: the ``steps``, their result, and where each of its layers is in the config.

    ``problems``: why no command gives a layer of the config, by its index.
    """

    steps: list[Rewritten]
    result: Config
    places: list[int]
    problems: dict[int, str]


class _Branch(NamedTuple):
    """New layers stacked below one target, all by their indices in the config.

    ``readers``: the layers that read the new ones, None if all that read the target do.
    """

    target: int
    layers: list[int]
    readers: frozenset[int] | None


def commands(config: Config, base: Config, aligned: Sequence[int]) -> Made:
    """The commands that make ``config`` of ``base``, whose layers are at ``aligned`` in it.

    They give its modules and what each reads; numbers and args, as far as one command can say them.
    """
    made = Made([], base, list(aligned), {})
    for group in _by_module(config, _exchanged(config, made)).values():
        made = _replaced(config, made, group)
    pending = sorted(set(range(len(config.layers))) - set(aligned))
    while pending:
        before = len(pending)
        for group in _by_module(config, pending).values():
            made = _inserted(config, made, group)
        pending = [index for index in pending if index not in {*made.places, *made.problems}]
        if len(pending) == before:
            break
    problems = dict.fromkeys(pending, "it stands below a layer that no command gives")
    return made._replace(problems=made.problems | problems)


def sources(config: Config, index: int, known: Container[int]) -> list[int]:
    """What a layer reads, where layers that are not ``known`` count as the one that they read."""
    found = []
    for source in graph.sources(config.layers[index]):
        while source != graph.IMAGE and source not in known:
            source = next(iter(graph.sources(config.layers[source])), graph.IMAGE)
        found.append(source)
    return found


def selecting(layers: Sequence[Layer], indices: Sequence[int], scope: Scope = "backbone") -> str:
    """The shortest selector text that picks the layers ``indices`` where ``scope`` is the default."""
    wanted = list(indices)
    modules = {layers[index].module for index in wanted}
    texts = [DETECT_INPUTS]
    for module in modules if len(modules) == 1 else ():
        for prefix, section in (("", scope), ("backbone/", "backbone"), ("head/", "head"), ("all/", "all")):
            matches = [
                layer.index
                for layer in layers
                if layer.module == module and section in (layer.section, "all")
            ]
            texts.append(f"{prefix}{module}")
            if len(wanted) == 1 and wanted[0] in matches:
                position = matches.index(wanted[0])
                last = position == len(matches) - 1 and position > 0
                texts.append(f"{prefix}{module}@{-1 if last else position}")
    for text in texts:
        with suppress(YamlInjectError):
            (selector,) = selectors.parse(text)
            if [layer.index for layer in selectors.pick(selector, layers, scope).layers] == wanted:
                return text
    return ",".join(map(str, wanted))


def _by_module(config: Config, indices: Sequence[int]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index in indices:
        groups.setdefault(config.layers[index].module, []).append(index)
    return groups


def _exchanged(config: Config, made: Made) -> list[int]:
    """The layers of ``config`` whose module is another one in ``made``."""
    pairs = zip(made.places, made.result.layers, strict=True)
    return [place for place, layer in pairs if config.layers[place].module != layer.module]


def _replaced(config: Config, made: Made, group: Sequence[int]) -> Made:
    """``made`` with the layers ``group`` of ``config``, all of one module, in the place of others."""
    at = [made.places.index(index) for index in group]
    request = Request(
        config.layers[group[0]].module, made.result.name, at=(selecting(made.result.layers, at),)
    )
    wanted = {index: config.layers[place] for index, place in zip(at, group, strict=True)}
    result = _best(made.result, request, wanted)
    if isinstance(result, str):
        return made._replace(problems=made.problems | dict.fromkeys(group, result))
    alike = _by_values(config, [[index] for index in group])
    if len(alike) > 1 and _missed(result, wanted):
        for part in alike:
            made = _replaced(config, made, [index for (index,) in part])
        return made
    return made._replace(steps=[*made.steps, result], result=result)


_Part = TypeVar("_Part", bound=Sequence[int])


def _by_values(config: Config, parts: Sequence[_Part]) -> list[list[_Part]]:
    """``parts`` of layers, those together whose rows have the same numbers and args."""
    groups: dict[str, list[_Part]] = {}
    for part in parts:
        values = repr([(config.layers[index].number, config.layers[index].args) for index in part])
        groups.setdefault(values, []).append(part)
    return list(groups.values())


def _missed(result: Config, wanted: Mapping[int, Layer]) -> bool:
    """Whether one of the rows ``wanted`` has other values."""
    return any(result.layers[index].row[1:] != layer.row[1:] for index, layer in wanted.items())


def _inserted(config: Config, made: Made, group: Sequence[int]) -> Made:
    """``made`` with those of the layers ``group`` whose targets it has."""
    problems: dict[int, str] = {}
    branches = list(_branches(config, made, group, problems))
    made = made._replace(problems=made.problems | problems)
    everywhere = [branch for branch in branches if branch.readers is None]
    apart = [branch for branch in branches if branch.readers is not None]
    for commanded in [
        everywhere,
        *([apart] if _can_be_one(config, made, apart) else [[one] for one in apart]),
    ]:
        if commanded:
            made = _added(config, made, commanded)
    return made


def _can_be_one(config: Config, made: Made, branches: Sequence[_Branch]) -> bool:
    """Whether one ``--readers`` for all branches means for each what it should."""
    union = {place for branch in branches for place in branch.readers or ()}
    known = {*made.places, *_all(branches)}
    for branch in branches:
        both = {branch.target, branch.layers[-1]}
        reading = frozenset(place for place in union if both & set(sources(config, place, known)))
        if reading != branch.readers:
            return False
    return True


def _all(branches: Sequence[_Branch]) -> list[int]:
    return sorted(index for branch in branches for index in branch.layers)


def _branches(
    config: Config, made: Made, group: Sequence[int], problems: dict[int, str]
) -> Iterator[_Branch]:
    """The layers of ``group`` that can be inserted now, by their targets; adds to ``problems``."""
    present = set(made.places)
    stacks: dict[int, list[int]] = {}
    for index in group:
        above = graph.sources(config.layers[index])
        if index in present or index in made.problems:
            continue
        if above != [index - 1]:
            read = ", ".join(map(str, above)) or "nothing"
            problems[index] = f"it reads {read}, and a new layer reads the one above it"
            continue
        stack = next((stack for stack in stacks.values() if stack[-1] == index - 1), None)
        if stack:
            stack.append(index)
        elif index - 1 in present:
            stacks[index - 1] = [index]
    for target, stack in stacks.items():
        reads = {place: sources(config, place, {*present, *stack}) for place in present}
        readers = frozenset(place for place in present if stack[-1] in reads[place])
        if not readers:
            problems.update(dict.fromkeys(stack, "no layer reads it"))
        else:
            all_do = not any(target in reads[place] for place in present)
            yield _Branch(target, stack, None if all_do else readers)


def _added(config: Config, made: Made, branches: Sequence[_Branch]) -> Made:
    """``made`` with the new layers of ``branches``, by one command."""
    here = {place: index for index, place in enumerate(made.places)}
    layers, new = made.result.layers, _all(branches)
    after = [here[branch.target] for branch in branches for _ in branch.layers]
    stacked = len(set(after)) < len(after)
    readers = sorted({here[place] for branch in branches for place in branch.readers or ()})
    request = Request(
        config.layers[new[0]].module,
        made.result.name,
        after=(",".join(map(str, after)) if stacked else selecting(layers, after),),
        readers=(selecting(layers, readers, "all"),) if readers else (),
    )
    places = sorted([*made.places, *new])
    wanted = {places.index(index): config.layers[index] for index in new}
    result = _best(made.result, request, wanted)
    if isinstance(result, str):
        return made._replace(problems=made.problems | dict.fromkeys(new, result))
    alike = _by_values(config, [tuple(branch.layers) for branch in branches])
    if len(alike) > 1 and _missed(result, wanted):
        for part in alike:
            made = _added(config, made, [branch for branch in branches if tuple(branch.layers) in part])
        return made
    return made._replace(steps=[*made.steps, result], result=result, places=places)


def _best(base: Config, request: Request, wanted: Mapping[int, Layer]) -> Rewritten | str:
    """What ``request`` gives with the args and the number that fit most of the rows ``wanted``, or why not.

    ``wanted``: by the indices in the result.
    """
    best: tuple[int, Rewritten] | None = None
    problem = ""
    for number in dict.fromkeys([None, *(layer.number for layer in wanted.values())]):
        for args in _args(base, request, wanted):
            try:
                result = base.apply(request._replace(number=number, args=args), proven=False)
            except YamlInjectError as error:
                problem = problem or error.message
                continue
            alike = sum(result.layers[index].row[1:] == layer.row[1:] for index, layer in wanted.items())
            if best is None or alike > best[0]:
                best = alike, result
            if alike == len(wanted):
                return result
    return best[1] if best else problem


def _args(base: Config, request: Request, wanted: Mapping[int, Layer]) -> Iterator[str | None]:
    """The args that a command could be given for rows like those ``wanted``."""
    yield None
    rests = [layer.args[1:] for layer in wanted.values() if layer.args]
    if rests and len(rests) == len(wanted) and all(rest == rests[0] for rest in rests):
        yield as_flow([CHANNELS, *rests[0]])
    yield from dict.fromkeys(as_flow(layer.args) for layer in wanted.values())
