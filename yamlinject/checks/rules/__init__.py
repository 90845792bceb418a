"""The rules of ``check``, one function each; every module of this package is imported."""

from importlib import import_module
from pkgutil import iter_modules

from yamlinject.checks.registry import Rule, registered

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

#: Every rule by its code, in the order of the codes.
RULES: dict[str, Rule] = {rule.code: rule for rule in registered()}
