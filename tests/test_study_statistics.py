"""What paired differences can show: by hand, by another program, and how often it is wrong."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import product

import pytest

from tests.conftest import EXHAUSTIVE
from yamlinject.study import statistics
from yamlinject.study.statistics import compare, fewest_seeds, holm, interval, seeds_needed, sign_flip

Pairs = list[tuple[float, float]]


def exact(*values: str) -> list[Fraction]:
    return [*map(Fraction, values)]


def pairs(*differences: float, base: float = 0.5) -> Pairs:
    """Pairs of a base that varies a little and a variant that differs from it so much."""
    bases = [round(base + index / 1000, 6) for index in range(len(differences))]
    return [(other, round(other + value, 6)) for other, value in zip(bases, differences, strict=True)]


def shifted(amount: float, spread: float = 0.001, count: int = 8) -> Pairs:
    """Pairs with differences of both sides of ``amount``."""
    return pairs(*(amount + (spread if index % 2 else -spread) for index in range(count)))


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        pytest.param([], 1, id="none"),
        pytest.param(["0.01"], 1, id="one: its two patterns are equally far"),
        pytest.param(["1", "2"], 0.5, id="two: 3 and -3 of 4"),
        pytest.param(["1", "2", "4"], 0.25, id="three: 7 and -7 of 8"),
        pytest.param(["1", "-2", "4"], 0.75, id="three: all sums but 1 and -1 are as far as 3"),
        pytest.param(["0.3", "0.1", "0.1", "-0.1"], 0.5, id="four: 6 once and 4 three times"),
        pytest.param(["1", "2", "3", "4", "5", "6"], 2 / 64, id="six of one sign"),
        pytest.param(["-1", "-2", "-3", "-4", "-5", "-6"], 2 / 64, id="six of the other"),
        pytest.param(["-1", "2", "3", "4", "5", "6"], 4 / 64, id="six: two sums of each sign reach 19"),
        pytest.param(["0", "0", "1", "1"], 0.5, id="zeros have no sign"),
        pytest.param(["0", "0", "0"], 1, id="only zeros"),
        pytest.param(["1", "-1"], 1, id="a sum of 0"),
    ],
)
def test_sign_flips_counted_by_hand(differences: list[str], p: float) -> None:
    assert sign_flip(exact(*differences)) == p


def test_ties_are_those_of_the_decimals() -> None:
    """0.3 - 0.2 and 0.2 - 0.1 are different floats, and equal differences."""
    judged = compare([[(0.2, 0.3), (0.2, 0.1), (0.1, 0.2)]])
    assert 0.3 - 0.2 != 0.2 - 0.1
    assert judged[0].p == 1  # 3 and -3 twice, 1 and -1 six times, all at least as far as 1


@pytest.mark.parametrize("count", [1, 2, 5, 8, 11])
def test_sign_flips_by_the_definition(count: int) -> None:
    source = random.Random(count)
    for _ in range(20):
        values = [source.randint(-9, 12) for _ in range(count)]
        sums = [
            sum(sign * value for sign, value in zip(signs, values, strict=True))
            for signs in product((1, -1), repeat=count)
        ]
        share = sum(abs(value) >= abs(sum(values)) for value in sums) / 2**count
        assert sign_flip([Fraction(value, 1000) for value in values]) == share


def test_three_pairs_cannot_show_anything_and_six_can() -> None:
    source = random.Random(0)
    for count, least in ((1, 1.0), (2, 0.5), (3, 0.25), (4, 0.125), (5, 0.0625), (6, 0.03125)):
        values = [sign_flip([Fraction(source.randint(-5, 99)) for _ in range(count)]) for _ in range(50)]
        assert min(values) == statistics.smallest_p(count) == least
    assert [fewest_seeds(variants) for variants in (1, 2, 4, 10)] == [6, 7, 8, 9]
    assert statistics.smallest_p(6, 2) == 0.0625
    assert statistics.smallest_p(0) == statistics.smallest_p(2, 9) == 1


def test_more_pairs_than_are_counted_are_drawn() -> None:
    """The share of binomial sums that are as far, which is known; and the same in each run."""
    ahead, count = 25, 37
    values = [Fraction(1)] * ahead + [Fraction(-1)] * (count - ahead)
    known = 2 * sum(math.comb(count, heads) for heads in range(ahead, count + 1)) / 2**count
    found = sign_flip(values)
    assert found == pytest.approx(known, rel=0.05)
    assert sign_flip(values) == found
    assert sign_flip([Fraction(1)] * 40) == 1 / 100_001  # never 0
    counted = [Fraction(1)] * 24 + [Fraction(-1)] * 12
    known = 2 * sum(math.comb(36, heads) for heads in range(24, 37)) / 2**36
    assert sign_flip(counted) == pytest.approx(known, rel=1e-12)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.04, 0.01, 0.9]) == pytest.approx([0.08, 0.03, 0.9])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.02, 0.02]) == [0.04, 0.04]
    assert holm([0.3]) == [0.3]
    assert holm([]) == []


def test_the_interval_by_hand() -> None:
    """Of 1, 2 and 3: the mean 2, the deviation 1, and t = 4.303 of a table, for two degrees of freedom."""
    assert interval(exact("1", "2", "3")) == pytest.approx(
        (2 - 4.303 / 3**0.5, 2 + 4.303 / 3**0.5), abs=1e-3
    )
    assert interval(exact("0.25", "0.25")) == (0.25, 0.25)
    assert interval(exact("1")) is None
    assert interval([]) is None


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)]
)
def test_the_quantiles_of_student_are_those_of_printed_tables(freedom: int, t: float) -> None:
    assert statistics.t_quantile(freedom) == pytest.approx(t, abs=5e-4)


@pytest.mark.framework
def test_scipy_gives_the_same() -> None:
    """scipy comes with the frameworks."""
    import numpy
    from scipy import stats

    for freedom in (*range(1, 40), 99, 200):
        expected = stats.t.ppf(0.975, freedom)
        assert statistics.t_quantile(freedom) == pytest.approx(expected, rel=1e-12)
    random = numpy.random.default_rng(0)
    for count in (2, 3, 5, 6, 7, 10, 12):
        values = random.integers(-40, 70, count)
        differences = [Fraction(int(value), 1000) for value in values]
        test = stats.permutation_test(
            (values,), numpy.mean, permutation_type="samples", n_resamples=numpy.inf
        )
        assert sign_flip(differences) == pytest.approx(test.pvalue, rel=1e-12)
        expected = stats.ttest_1samp(values / 1000, 0).confidence_interval()
        assert interval(differences) == pytest.approx(tuple(expected), rel=1e-9)


@pytest.mark.parametrize(
    ("family", "delta", "verdict"),
    [
        pytest.param([shifted(0.02)], None, "better", id="better"),
        pytest.param([shifted(-0.02)], None, "worse", id="worse"),
        pytest.param([shifted(0.02, count=5)], None, "cannot tell", id="five cannot have p <= 0.05"),
        pytest.param([shifted(0.02, count=6)], None, "better", id="six can"),
        pytest.param([shifted(0.02, count=6)] * 2, None, "cannot tell", id="but not for two variants"),
        pytest.param([shifted(0.02, count=6), []], None, "cannot tell", id="nor if one was not run"),
        pytest.param([shifted(0.02, count=7)] * 2, None, "better", id="seven can"),
        pytest.param([shifted(0)], 0.005, "no difference", id="all of the interval within delta"),
        pytest.param([shifted(0)], 0.0005, "cannot tell", id="not all of it"),
        pytest.param([shifted(0)], None, "cannot tell", id="no delta"),
        pytest.param([shifted(0.002)], 0.005, "better", id="better, by less than delta"),
        pytest.param([pairs(0.01, 0.01, 0.01, 0.01, 0.01, 0.5)], None, "cannot tell", id="one outlier"),
        pytest.param([pairs(0.011, 0.01, 0.01)], None, "cannot tell", id="the interval alone"),
        pytest.param([pairs(0, 0, 0)], None, "no difference", id="the same runs"),
        pytest.param([[(0.0, 0.0)] * 9], None, "cannot tell", id="a metric that is always 0"),
        pytest.param([[(0.0, 0.0)] * 9], 0.01, "cannot tell", id="also with delta"),
        pytest.param([pairs(0.3)], 0.01, "cannot tell", id="one seed"),
        pytest.param([pairs(0.0)], 0.01, "cannot tell", id="one seed, the same"),
        pytest.param([[]], 0.01, "cannot tell", id="no seed"),
        pytest.param([pairs(*[0.01] * 6)], None, "better", id="always the same difference"),
    ],
)
def test_verdicts(family: list[Pairs], delta: float | None, verdict: str) -> None:
    assert compare(family, delta)[0].verdict == verdict


def test_what_a_comparison_says() -> None:
    """By hand: differences 1, 2 and 3 hundredths; their mean, t = 4.303, and 2 of 8 patterns."""
    (judged,) = compare([[(0.5, 0.51), (0.6, 0.62), (0.7, 0.73)]])
    assert judged.pairs == 3
    assert judged.difference == 0.02
    assert judged.interval == pytest.approx((-0.00484, 0.04484), abs=1e-5)
    assert judged.p == judged.corrected == 0.25
    assert not judged.identical
    first, second, third = compare([shifted(0.02), shifted(0.01), pairs(0.001, -0.001)])
    assert (first.p, first.corrected) == (2 / 256, 6 / 256)
    assert (second.p, second.corrected) == (2 / 256, 6 / 256)
    assert (third.p, third.corrected) == (1, 1)


def test_a_verdict_never_contradicts_the_p_or_the_interval_beside_it() -> None:
    source = random.Random(1)
    seen = set()
    for _ in range(400):
        count, effect = source.randint(1, 9), source.choice((0, 0.05, -0.05))
        family = [
            [(0.5 + source.random() / 9, 0.5 + effect + source.random() / 9) for _ in range(count)]
            for _ in range(source.randint(1, 3))
        ]
        for judged in compare(family, 0.03):
            seen.add(judged.verdict)
            low, high = judged.interval or (-math.inf, math.inf)
            if judged.verdict in ("better", "worse"):
                assert judged.corrected <= 0.05
                assert (low > 0) == (judged.verdict == "better") != (high < 0)
            elif judged.verdict == "no difference":
                assert -0.03 <= low <= high <= 0.03
            else:
                assert judged.corrected > 0.05 or low <= 0 <= high
    assert seen == {"better", "worse", "no difference", "cannot tell"}


def test_how_many_seeds_it_would_take() -> None:
    """Of seven all signs alike, for two variants: each in 0.8^(1/7) = 0.9686, which is 1.861 deviations."""
    assert seeds_needed(1, 1.87, variants=2) == 7
    assert seeds_needed(1, 1.85, variants=2) == 8
    # of six, at 2/64: 1 + ((2.154 + 0.842) / 1.83)^2 + 2.154^2 / 2 = 6
    assert seeds_needed(1, 1.84) == 6
    assert seeds_needed(1, 1.82) == 7
    # of one deviation, a textbook's ((1.96 + 0.84) / 1)^2 + 1.96^2 / 2 = 9.8, and one more
    assert seeds_needed(0.02, 0.02) == 11
    assert seeds_needed(0.02, 0.002) == pytest.approx(785, abs=5)
    assert seeds_needed(0.02, 0.0002) is None
    assert seeds_needed(0, 0.01) == seeds_needed(0.001, 0.5) == 6
    assert seeds_needed(0.001, 0.5, variants=2) == 7
    assert seeds_needed(0.01, 0) is None
    # ((1.96 + 1.28) / 1)^2 + 1.92 = 12.4: more than to find it
    assert seeds_needed(0.02, 0.02, rule_out=True) == 13


def test_what_is_said_of_the_seeds_that_are_needed() -> None:
    """Eight differences of a deviation of 0.00107: to find, or rule out, half of that."""
    (judged,) = compare([shifted(0)], 0.0005)
    assert judged.needed == seeds_needed(0.001069, 0.0005, rule_out=True)
    (judged,) = compare([pairs(0.01, -0.01, 0.02)])
    assert judged.needed == seeds_needed(0.015275, 0.006667)
    assert compare([shifted(0)])[0].needed is None  # nobody said what would matter
    assert compare([shifted(0.02)])[0].needed is None
    assert compare([pairs(0.1)])[0].needed is None


def gauss(source: random.Random) -> float:
    return source.gauss(0, 1)


def heavy(source: random.Random) -> float:
    """Student's with two degrees of freedom: its variance is infinite."""
    return source.gauss(0, 1) / math.sqrt(source.expovariate(1))


@pytest.mark.parametrize("noise", [gauss, heavy], ids=["normal", "heavy tails"])
def test_of_studies_without_an_effect_at_most_5_percent_find_one(
    noise: Callable[[random.Random], float],
) -> None:
    """A family of three against one base; 1.96 deviations of the share itself are allowed for."""
    source, studies, wrong = random.Random(5), 600 if EXHAUSTIVE else 200, 0
    for _ in range(studies):
        base = [noise(source) for _ in range(8)]
        family = [[(value, round(noise(source), 5)) for value in base] for _ in range(3)]
        wrong += any(judged.verdict in ("better", "worse") for judged in compare(family))
    assert wrong / studies <= 0.05 + 1.96 * math.sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize(("size", "variants"), [(1.84, 1), (1.42, 1), (1.0, 1), (1.54, 4)])
def test_the_promised_power_is_kept(size: float, variants: int) -> None:
    source, studies = random.Random(6), 300
    seeds = seeds_needed(1, size, variants)
    assert seeds is not None
    found = 0
    for _ in range(studies):
        judged = [(0.0, round(size + source.gauss(0, 1), 4)) for _ in range(seeds)]
        found += compare([judged, *[[]] * (variants - 1)])[0].verdict == "better"
    assert found / studies >= statistics.POWER - 1.96 * math.sqrt(0.16 / studies)
