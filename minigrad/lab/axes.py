"""An axis of a figure: from values to pixels, where its ticks are, and how a number is written."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
APART = 46  # pixels from one number to the next, at least
LEAST, LARGEST = sys.float_info.min, sys.float_info.max


class Scale:
    """Pixels from `start` to `end` for the values from `low` to `high`, or their logarithms."""

    def __init__(self, low: float, high: float, log: bool, start: float, end: float) -> None:
        if low == high:  # one value only: in the middle
            room = max(0.5, abs(low) / 1000)
            low, high = (low / 2, high * 2) if log else (low - room, high + room)
        self.low: float = max(low, LEAST if log else -LARGEST)
        self.high: float = min(high, LARGEST)
        self.log: bool = log
        self.start: float = start
        self.end: float = end

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves: their difference is finite
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int, at: Sequence[float] = ()) -> list[float]:
        """Round values, `most` or fewer; or those of `at`, as far as their numbers have room."""
        if at:
            chosen: list[float] = []
            for value in filter(lambda each: self.low <= each <= self.high, at):
                if not chosen or abs(self(value) - self(chosen[-1])) >= APART:
                    chosen.append(value)
            return chosen
        return self._round_powers(most) if self.log else self._round_values(most)

    def _round_values(self, most: int) -> list[float]:
        rough = self.high / most - self.low / most
        if not LEAST < rough < LARGEST / 100:  # no round number is that small or large
            return [self.low, self.high]
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((m * power for m in (1, 2, 2.5, 5) if m * power >= rough), 10 * power)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [float(f"{k * step:.6g}") for k in range(first, last + 1)]

    def _round_powers(self, most: int) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        if last - first >= 2:
            step = max(1, math.ceil((last - first) / most))
            return [10.0**k for k in range(first, last + 1, step)]
        for digits in ((1, 2, 5), (1, 3), (1,)):
            all_of = [m * 10.0**k for k in range(first - 1, last + 1) for m in digits]
            found = [each for each in all_of if self.low <= each <= self.high]
            if 1 < len(found) <= most + 1:
                return found
        return self._round_values(most)


def number_text(value: float) -> str:
    """As a reader writes it: 0.05, 50,000, 10⁻⁸, 3.2·10⁻⁹."""
    if value < 0:
        return f"−{number_text(-value)}"
    if value == 0 or 1e-3 <= value < 1e6:
        return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return power if mantissa == "1.0" else f"{mantissa.removesuffix('.0')}·{power}"
