"""What differences between paired runs can show: exact p-values, intervals, and a verdict.

All of it is of one number per seed, the variant's metric minus that of the base with the same seed.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist, mean, stdev
from typing import Literal, NamedTuple

Verdict = Literal["better", "worse", "no difference", "cannot tell"]

#: The share of changes without effect that may be called better or worse.
LEVEL = 0.05

#: The share of effects of the size in question that :func:`seeds_needed` promises to find.
POWER = 0.8

#: The most pairs of which every pattern of signs is counted; of more, so many are drawn.
_COUNTED, _DRAWN = 36, 100_000

#: More seeds than anybody trains: beyond it :func:`seeds_needed` gives up.
_MOST_SEEDS = 1000


class Comparison(NamedTuple):
    """A variant against what it is paired with.

    ``pairs``: how many seeds both have; ``difference``: the mean of the differences; ``interval``: where
    the true one is with 95 % confidence, None for fewer than two pairs; ``p``: that of :func:`sign_flip`;
    ``corrected``: the same after :func:`holm`; ``needed``: about how many seeds would tell, where these
    cannot and that is known; ``identical``: whether all pairs are equal; ``small``: whether the interval is
    within delta.
    """

    pairs: int
    difference: float | None
    interval: tuple[float, float] | None
    p: float
    corrected: float
    verdict: Verdict
    needed: int | None
    identical: bool
    small: bool


def compare(
    family: Sequence[Sequence[tuple[float, float]]], delta: float | None = None
) -> list[Comparison]:
    """Judge each variant of a family by its pairs of (other, variant): finite values of one metric.

    The verdict is "better" or "worse" where the sign-flip p, corrected for the family, is at most 0.05 and
    the interval excludes 0 as well: where nothing has an effect, at most 5 % of families have a variant
    that gets there. It is "no difference" where the whole interval is within ``delta`` of 0, or the runs
    are the same to the last digit; else "cannot tell".

    Members without pairs count in the correction: the number of variants was decided before the runs.
    """
    differences = [[Fraction(str(own)) - Fraction(str(other)) for other, own in pairs] for pairs in family]
    values = [sign_flip(each) for each in differences]
    judged = []
    for pairs, each, p, corrected in zip(family, differences, values, holm(values), strict=True):
        middle = float(mean(each)) if each else None
        bounds = interval(each)
        identical = bool(each) and not any(each)
        small = bounds is not None and delta is not None and max(map(abs, bounds)) <= delta
        varies = len({other for other, _ in pairs}) > 1
        verdict: Verdict = "cannot tell"
        needed = None
        if bounds is not None and corrected <= LEVEL and (bounds[0] > 0 or bounds[1] < 0):
            verdict = "better" if bounds[0] > 0 else "worse"
        elif identical and not varies:  # a metric that is the same in all runs measures nothing
            pass
        elif identical or small:
            verdict = "no difference"
        elif bounds is not None and middle is not None:
            rule_out = delta is not None and abs(middle) <= delta
            size = delta if delta is not None and rule_out else abs(middle)
            needed = seeds_needed(float(stdev(each)), size, len(family), rule_out=rule_out)
            if needed is not None and needed <= len(each):  # so many were not enough
                needed = None
        judged.append(
            Comparison(len(each), middle, bounds, p, corrected, verdict, needed, identical, small)
        )
    return judged


def sign_flip(differences: Sequence[Fraction]) -> float:
    """The exact two-sided p of the hypothesis that each difference could as well have the other sign.

    It is the share of the 2^n patterns of signs whose sum is as far from 0 as that of the differences, or
    further (Fisher, The Design of Experiments, 1935, section 21). Ties are exact, as the differences are.
    1.0 without any. Beyond 36 pairs it is estimated from 100,000 patterns, the same in each run.
    """
    scale = math.lcm(*(value.denominator for value in differences))
    sizes = [abs(int(value * scale)) for value in differences if value]
    reached = abs(int(sum(differences) * scale))
    if len(sizes) > _COUNTED:
        return _drawn(sizes, reached)
    middle = len(sizes) // 2
    left, right = _sums(sizes[:middle]), _sums(sizes[middle:])
    # all sums come in pairs of both signs, so the patterns at or below -reached are as many as those above
    above = sum(len(right) - bisect_left(right, reached - value) for value in left)
    below = sum(bisect_right(right, -reached - value) for value in left)
    patterns = len(left) * len(right)
    return 1.0 if reached == 0 else (above + below) / patterns


def _sums(sizes: Sequence[int]) -> list[int]:
    """The sums of all patterns of signs, in order."""
    sums = [0]
    for size in sizes:
        sums = [value + sign for value in sums for sign in (size, -size)]
    return sorted(sums)


def _drawn(sizes: Sequence[int], reached: int) -> float:
    """The share of drawn patterns, with the one that was seen: so it is never too small."""
    source = random.Random(0)
    total = sum(sizes)
    found = 1
    for _ in range(_DRAWN):
        bits = source.getrandbits(len(sizes))
        flipped = sum(size for index, size in enumerate(sizes) if bits >> index & 1)
        found += abs(total - 2 * flipped) >= reached
    return found / (_DRAWN + 1)


def holm(values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number (Holm, Scand. J. Statistics 6, 1979), in the same order."""
    corrected = [1.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = highest
    return corrected


def interval(differences: Sequence[Fraction]) -> tuple[float, float] | None:
    """Student's 95 % confidence interval of the mean; None for fewer than two values."""
    if len(differences) < 2:
        return None
    middle = float(mean(differences))
    half = t_quantile(len(differences) - 1) * stdev(differences) / math.sqrt(len(differences))
    return middle - half, middle + half


def t_quantile(freedom: int) -> float:
    """The t that 95 % of Student's distribution with ``freedom`` degrees are within, by bisection."""
    low, high = 1.0, 13.0  # 1.96 for many degrees, and 12.7 for one
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _central(middle, freedom) < 1 - LEVEL else (low, middle)
    return high


def _central(t: float, freedom: int) -> float:
    """The probability that Student's t is between -t and t: a finite sum for whole degrees of freedom.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for power in range(2 + odd, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (power - 1) / power
        total += term
    return (angle + math.sin(angle) * total) * 2 / math.pi if odd else math.sin(angle) * total


def smallest_p(pairs: int, variants: int = 1) -> float:
    """The least corrected p that so many pairs can give: one pattern of each sign among 2^n."""
    return min(1.0, variants * 2.0 ** (1 - pairs)) if pairs else 1.0


def fewest_seeds(variants: int = 1) -> int:
    """The fewest seeds with which a variant of that many can be better or worse at all: 6 for one."""
    return next(pairs for pairs in range(1, _MOST_SEEDS) if smallest_p(pairs, variants) <= LEVEL)


def seeds_needed(spread: float, effect: float, variants: int = 1, *, rule_out: bool = False) -> int | None:
    """About how many seeds find a difference of the size ``effect`` in 80 % of studies; None for too many.

    ``spread``: the standard deviation of the differences, taken for the true one; ``variants``: how many
    Holm corrects for, of which this is the first. ``rule_out``: so that a difference of 0 is also found to
    be within ``effect`` in 80 %.

    By Guenther's formula for the t test (The American Statistician 35, 1981) at the level that the patterns
    of signs attain, and one more; with so few seeds that all signs must agree, also by that probability.
    """
    normal = NormalDist()
    fewest = fewest_seeds(variants)
    if spread == 0 or effect == 0:
        return fewest if effect else None
    size, found = effect / spread, normal.inv_cdf(POWER)
    for seeds in range(fewest, _MOST_SEEDS + 1):
        patterns = 2.0**seeds
        extreme = math.floor(LEVEL / variants * patterns / 2)  # patterns that reject, of one sign
        enough = _guenther(normal.inv_cdf(1 - extreme / patterns), found, size) + 1 <= seeds
        if extreme == 1:  # all signs have to agree
            enough = enough and normal.cdf(size) ** seeds >= POWER
        if rule_out and enough:
            both = normal.inv_cdf((1 + POWER) / 2)  # it may fail on either side
            enough = _guenther(normal.inv_cdf(1 - LEVEL / 2), both, size) <= seeds
        if enough:
            return seeds
    return None


def _guenther(rejects: float, finds: float, size: float) -> float:
    return ((rejects + finds) / size) ** 2 + rejects**2 / 2
