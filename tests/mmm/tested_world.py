"""A geo with lift tests, by equations written again here; spend may follow a demand that nobody measures."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tests.mmm.media_world import geometric

LEVEL, USUAL = 500.0, 1000.0
CHANNELS = ("search", "video")
KEEP = {"search": 0.2, "video": 0.5}
HALF = {"search": 1.2, "video": 0.8}
SLOPE = {"search": 1.3, "video": 1.0}
# Mean weekly contribution, share of the level.
SHARE = {"search": 0.12, "video": 0.15}
COLUMNS = (
    *("test_id", "target", "country", "channel", "starts_on", "ends_on"),
    *("spend", "spend_change", "lift", "standard_error"),
)


@dataclass
class TestedWorld:
    """spend: planned, weeks x channels; changes: (channel, first week, weeks, change as a share of spend)."""

    __test__ = False

    weeks: int = 130
    follows: float = 0.0
    noise: float = 0.02
    seed: int = 1
    changes: tuple = ()
    error: float = 0.1
    geo: str = "DE"
    spend: dict = field(init=False)

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        self.index = pd.date_range("2023-01-02", periods=self.weeks, freq="7D")
        # Few weeks of much more demand, most of little: an exponential, mean 0.
        self.demand = rng.exponential(1.0, self.weeks) - 1.0
        self.spend = {
            "search": USUAL * np.exp(0.2 * rng.standard_normal(self.weeks) + 0.2 * self.follows * self.demand),
            "video": USUAL * np.exp(0.5 * rng.standard_normal(self.weeks)),
        }
        year = 2 * np.pi * self.index.dayofyear.to_numpy() / 365.25
        self.base = LEVEL * (0.73 + 0.08 * np.cos(year) + 0.08 * self.demand * (self.follows > 0))
        self.noises = LEVEL * self.noise * rng.standard_normal(self.weeks)
        self.planned = {name: values.copy() for name, values in self.spend.items()}
        for channel, first, weeks, change in self.changes:
            if change == -1:
                # A flat plan, so that the truth does not depend on how the plan of the weeks is guessed.
                self.planned[channel][first : first + weeks] = USUAL
            self.spend[channel][first : first + weeks] = self.planned[channel][first : first + weeks] * (1 + change)

    def brought(self, channel, spend):
        """Weekly contribution of a channel, by the equations and the factor of this world."""
        return self.factor(channel) * self.media(channel, spend)

    def media(self, channel, spend):
        level = (geometric(spend / USUAL, KEEP[channel]) / HALF[channel]) ** SLOPE[channel]
        return level / (1 + level)

    def factor(self, channel):
        return LEVEL * SHARE[channel] / self.media(channel, self.planned[channel]).mean()

    @property
    def roas(self):
        return pd.Series(
            {name: self.brought(name, self.spend[name]).sum() / self.spend[name].sum() for name in CHANNELS}
        )

    @property
    def rows(self):
        """Rows of bl.mmm_input."""
        value = self.base + self.noises + sum(self.brought(name, self.spend[name]) for name in CHANNELS)
        parts = [("uploads", "target", value), *((name, "paid", self.spend[name]) for name in CHANNELS)]
        frames = [
            pd.DataFrame({"week_start": self.index.date, "variable": name, "role": role, "value": values})
            for name, role, values in parts
        ]
        rows = pd.concat(frames, ignore_index=True)
        return rows.assign(geo_level="country", geo=self.geo, is_complete_week=True)

    @property
    def truths(self):
        """The true lift of each change: what the weeks of the test have more than without it."""
        found = []
        for channel, first, weeks, _ in self.changes:
            without = self.spend[channel].copy()
            without[first : first + weeks] = self.planned[channel][first : first + weeks]
            more = self.brought(channel, self.spend[channel]) - self.brought(channel, without)
            found.append(more[first : first + weeks].sum())
        return np.array(found)

    @property
    def tests(self):
        """Rows of il.lift_tests: the truth with an error of `error` of it."""
        rng = np.random.default_rng(self.seed + 1)
        rows = []
        for (channel, first, weeks, _), truth in zip(self.changes, self.truths, strict=True):
            window = slice(first, first + weeks)
            usual, start = self.planned[channel][window].sum(), self.index[first]
            error = self.error * abs(truth)
            rows.append(
                {
                    "test_id": f"{channel} {first}",
                    "target": "uploads",
                    "country": self.geo,
                    "channel": channel,
                    "starts_on": start.date(),
                    "ends_on": (start + pd.Timedelta(days=7 * weeks - 1)).date(),
                    "spend": usual,
                    "spend_change": self.spend[channel][window].sum() - usual,
                    "lift": truth + error * rng.standard_normal(),
                    "standard_error": error,
                }
            )
        return pd.DataFrame(rows, columns=list(COLUMNS))
