"""Settings of planning: one frozen model per module of the room."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pma.section import Section

# A part of a whole, and by how much a price may move: nothing is given away or paid for being bought.
Share = Annotated[float, Field(ge=0, le=1)]
Dearer = Annotated[float, Field(gt=-1, allow_inf_nan=False)]


class BridgeSettings(Section):
    """What an upload in one country becomes in others."""

    horizon_days: PositiveInt = Field(180, description="days after an upload whose sales count as its own")
    window_days: PositiveInt = Field(730, description="uploads of so many days before the end are learned from")
    pair_orders: PositiveFloat = Field(
        20.0, description="an origin and its destinations are pulled to what is usual as if it had so many orders more"
    )
    draws: PositiveInt = Field(500, description="draws that intervals are made of")
    seed: int = Field(1, ge=0, description="seed of the draws")


class Limit(Section):
    """A floor and a ceiling: of the money of some cells together, or of each of them by itself."""

    name: str = Field("", description="how plans and errors call it")
    countries: tuple[str, ...] = Field((), description="of these countries; none: of all")
    channels: tuple[str, ...] = Field((), description="of these channels; none: of all")
    months: tuple[str, ...] = Field((), description="in these months, 2026-12; none: in all")
    of: Literal["sum", "each"] = Field("sum", description="of all of them together, or of each")
    floor: NonNegativeFloat | None = Field(None, description="at least so much money, reporting currency")
    ceiling: NonNegativeFloat | None = Field(None, description="at most so much; equal to the floor: fixed")

    @model_validator(mode="after")
    def _floor_below_ceiling(self) -> Limit:
        if self.floor is None and self.ceiling is None:
            raise ValueError(f"limit {self.name!r} has neither a floor nor a ceiling: give it one, or take it out")
        if self.floor is not None and self.ceiling is not None and self.floor > self.ceiling:
            raise ValueError(
                f"limit {self.name!r}: its floor of {self.floor:,.2f} is above its ceiling of {self.ceiling:,.2f}"
            )
        return self


class PlanSettings(Section):
    """The monthly plan: money by country, channel and month."""

    plan_id: str = Field("base", description="name of the plan")
    first_month: str | None = Field(
        None,
        pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
        description="as 2026-12; none: the month after the last whole week of data",
    )
    months: PositiveInt = Field(1, le=24, description="months that are planned together")
    objective: Literal["gmv", "margin", "orders", "uploads"] = Field("gmv", description="what the plan makes most of")
    margin: dict[str, Share] = Field(
        {}, description="share of value that is left before ad spend, by the buyer's country; for objective margin"
    )
    budget: NonNegativeFloat | dict[str, NonNegativeFloat] | None = Field(
        None, description="money a month, or by month as 2026-12: 500000; none: what a month like today costs"
    )
    spend_all: bool = Field(True, description="spend all of it; false: what earns less than it costs may be left")
    limits: tuple[Limit, ...] = Field((), description="floors and ceilings of countries, channels, months and cells")
    max_change: NonNegativeFloat | None = Field(
        0.5, description="a cell's money is at most so far from today's, as a share; none: as far as it likes"
    )
    beyond_seen: Literal["marked", "discounted", "refused"] = Field(
        "marked", description="money beyond the most that a cell's weeks have seen: said, worth less, or none"
    )
    discount: float = Field(
        0.5, ge=0, le=1, description="by how much less such money counts where it is discounted, as a share"
    )
    use_flagged: bool = Field(False, description="plan with flagged fits too, and say so")
    max_change_flagged: NonNegativeFloat | None = Field(
        0.2,
        description="the same where a fit is flagged or lacking: small steps where curves are in doubt",
    )
    careful_countries: tuple[str, ...] = Field(
        (), description="countries where max_change_flagged holds, beside those with a flagged or lacking fit"
    )
    min_return: NonNegativeFloat | None = Field(
        None, description="the plan's objective per unit of money is at least so high"
    )
    risk: float = Field(
        1.0, gt=0, le=1, description="make most of the mean of the worst share of draws (CVaR); 1: of the mean"
    )
    quantile: float | None = Field(
        None,
        gt=0,
        le=0.5,
        description="make most of this quantile of draws instead, 0.1: what comes with 90 %; its proof is wide",
    )
    round_to: Literal["0.01", "1", "10", "100"] = Field("0.01", description="money is a multiple of so much")

    @model_validator(mode="after")
    def _one_way_to_be_careful(self) -> PlanSettings:
        if self.quantile is not None and (self.risk < 1 or self.min_return is not None):
            raise ValueError(
                "planning.plan.quantile stands alone: leave risk at 1 and min_return out, or be careful by risk"
            )
        return self

    def budget_of(self, month: date, current: float) -> float:
        """Return the money of a month; `current`: what one like today costs. Raises ValueError where it has none."""
        if self.budget is None:
            return current
        if isinstance(self.budget, float):
            return self.budget
        name = f"{month:%Y-%m}"
        if name not in self.budget:
            raise ValueError(f"planning.plan.budget has no {name}. It has {', '.join(sorted(self.budget))}")
        return self.budget[name]


class LikeCountry(Section):
    """A country that is switched on, as another one is."""

    like: str | None = Field(None, description="takes the curves and today's money of this country; none: its own")
    size: PositiveFloat = Field(1.0, description="so many times as large as that one")


class Scenario(Section):
    """What might be different: compared with the base plan."""

    name: str = Field(description="how it is called")
    budget_factor: NonNegativeFloat = Field(1.0, description="times the base plan's money")
    keep_mix: bool = Field(False, description="today's split, not the best one")
    channels_off: tuple[str, ...] = Field((), description="channels that get nothing")
    countries_off: tuple[str, ...] = Field((), description="countries that get nothing")
    countries_on: dict[str, LikeCountry] = Field(
        {}, description="countries that get money though they have no fit, or limits of the plan hold them off"
    )
    inflation: dict[str, Dearer] = Field({}, description="by how much a channel's media cost more, as a share")
    events_moved: dict[str, int] = Field({}, description="an event so many weeks later than a year ago; -2: earlier")
    limits: tuple[Limit, ...] = Field((), description="limits beside those of the plan")


class NewCampaign(Section):
    """A campaign that is to begin: no spend of it is known."""

    campaign_id: str = Field(description="as the platform will call it, or a name of yours until then")
    name: str = Field("", description="its name; none: its campaign_id")
    country: str = Field(description="the country")
    channel: str = Field(description="the paid channel")
    ad_platform: str = Field(description="google, meta, tiktok, ..., sheet")
    goal: Literal["supply", "demand", "brand", "unknown"] = Field("unknown", description="what it is for")
    bidding_type: str | None = Field(None, description="as the platform calls it, in small letters")
    currency: str | None = Field(None, description="of its ad account; none: the reporting currency")
    share: float | None = Field(None, gt=0, le=1, description="of its channel's money to begin with; none: new_share")


class CampaignSettings(Section):
    """The weekly plan: campaigns of each country and channel."""

    model: Literal["first_click", "last_click", "u_shape", "linear", "last_non_direct", "time_decay", "data_driven"] = (
        Field("u_shape", description="attribution model by whose credit campaigns of a channel are told apart")
    )
    learn_weeks: PositiveInt = Field(52, description="credit and spend of so many last weeks are learned from")
    max_weekly_change: NonNegativeFloat | None = Field(
        0.2, description="a campaign's money a day changes at most by this share from week to week; none: as it likes"
    )
    least_daily: dict[str, NonNegativeFloat] = Field(
        {"google": 1.0, "meta": 1.0, "tiktok": 20.0},
        description="least money a day by platform, reporting currency; campaigns that spend less today are spared",
    )
    target_bidding: tuple[str, ...] = Field(
        (
            *("target_cpa", "target_roas", "target_impression_share", "target_spend", "cost_cap", "bid_cap"),
            *("lowest_cost_with_bid_cap", "lowest_cost_with_min_roas", "bid_type_custom"),
        ),
        description="bidding that spends as its target allows, not what it is given: no more than was ever spent",
    )
    new: tuple[NewCampaign, ...] = Field((), description="campaigns that are to begin")
    new_share: float = Field(
        0.1, gt=0, le=1, description="share of its channel's money that a new or sleeping campaign begins with"
    )
    as_of: date | None = Field(None, description="days before it are spent and over; none: the day after the data end")
    seed: int = Field(1, ge=0, description="seed of the draws")


class Target(Section):
    """What is to be reached, with which probability: the least money for it is searched."""

    name: str = Field(description="how it is called")
    metric: Literal["gmv", "orders", "uploads", "roas"] = Field(
        description="what is counted; roas: value that the plan's money brings over that money, a floor"
    )
    goal: PositiveFloat = Field(description="so much of it, with all that comes without paid media; roas: at least")
    country: str | None = Field(None, description="in this country; none: in all that the plan has")
    month: str | None = Field(None, description="in this month, as 2026-12; none: in all of the plan together")
    probability: float = Field(0.5, gt=0, lt=1, description="with so much probability; 0.5: as likely as not")


class SearchSettings(Section):
    """How the plan is searched."""

    tolerance: PositiveFloat = Field(5e-4, description="the search ends this near to its upper bound, as a share")
    rounds: PositiveInt = Field(60, description="rounds at most")
    seconds: PositiveFloat = Field(20.0, description="most that one mixed-integer problem of S-shaped curves may take")


class PlanningSettings(Section):
    """Planning."""

    bridge: BridgeSettings = BridgeSettings()
    plan: PlanSettings = PlanSettings()
    scenarios: tuple[Scenario, ...] = Field((), description="what is compared with the plan")
    campaigns: CampaignSettings = CampaignSettings()
    targets: tuple[Target, ...] = Field((), description="goals whose least money is searched")
    frontier: tuple[NonNegativeFloat, ...] = Field(
        (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0), description="times the plan's money whose best plans are compared"
    )
    search: SearchSettings = SearchSettings()

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> PlanningSettings:
        named: dict[str, tuple[Scenario, ...] | tuple[Target, ...]] = {
            "scenarios": self.scenarios,
            "targets": self.targets,
        }
        for kind, given in named.items():
            names = [one.name for one in given]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"planning.{kind} has the name {', '.join(map(repr, twice))} twice: give each its own")
        return self

    @model_validator(mode="after")
    def _targets_are_of_what_the_plan_counts(self) -> PlanningSettings:
        for target in self.targets:
            if self.plan.objective == "uploads" and target.metric != "uploads":
                raise ValueError(
                    f"target {target.name!r} is of {target.metric}, but a plan whose objective is uploads knows "
                    "nothing else: make planning.plan.objective gmv or orders"
                )
        return self
