"""What one media mix model is: everything that does not change between geos, and what is given for some of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pma.section import Section

AdstockKind = Literal["geometric", "delayed", "weibull_pdf", "weibull_cdf"]
SaturationKind = Literal["hill", "logistic", "michaelis_menten", "tanh"]
Family = Literal["log_normal", "gamma", "half_normal", "beta"]
# The parameters of each family, as PyMC names them.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "log_normal": ("mu", "sigma"),
    "gamma": ("alpha", "beta"),
    "half_normal": ("sigma",),
    "beta": ("alpha", "beta"),
}


class Prior(Section):
    """A distribution over positive numbers (beta: over 0 to 1), its parameters named as in PyMC; given whole."""

    given_whole: ClassVar[bool] = True

    family: Family
    mu: float | None = None
    sigma: PositiveFloat | None = None
    alpha: PositiveFloat | None = None
    beta: PositiveFloat | None = None

    @model_validator(mode="after")
    def _has_its_parameters(self) -> Prior:
        wanted = PARAMETERS[self.family]
        given = [name for name in ("mu", "sigma", "alpha", "beta") if getattr(self, name) is not None]
        if set(given) != set(wanted):
            raise ValueError(
                f"{self.family} has the parameters {', '.join(wanted)}; given: {', '.join(given) or 'none'}"
            )
        return self

    @property
    def numbers(self) -> tuple[float, float]:
        """Its one or two parameters, in the order of PARAMETERS; the second of one is 1."""
        values = [float(getattr(self, name)) for name in PARAMETERS[self.family]]
        return values[0], values[1] if len(values) > 1 else 1.0


def log_normal(mu: float, sigma: float) -> Prior:
    """Return the prior whose logarithm is normal with this mean and deviation."""
    return Prior(family="log_normal", mu=mu, sigma=sigma)


def gamma(alpha: float, beta: float) -> Prior:
    """Return the gamma prior of shape `alpha` and rate `beta`."""
    return Prior(family="gamma", alpha=alpha, beta=beta)


class Effect(Section):
    """The prior of what a channel brings.

    `share`: its mean weekly contribution, as a share of the usual target, over its share of all paid spend: were all
    channels alike, this is the share of the target that paid media bring. `roas`: contribution per money.
    `coefficient`: the factor of saturated media in units of the usual target, as pymc-marketing has it.
    """

    given_as: Literal["share", "roas", "coefficient"] = Field(
        "share", description="what the prior is of: share, roas or coefficient"
    )
    # Of one channel of the usual return: a third of the target over its share of spend in the median, nine in ten below
    # 0.82. All together: 0.40 on average, with a deviation of 0.09 for twelve alike and 0.12 for six. A channel may
    # bring nothing: what is log-normal never does, and gave a channel without effect a tenth of what the others bring.
    prior: Prior = Prior(family="half_normal", sigma=0.5)

    @model_validator(mode="after")
    def _is_unbounded(self) -> Effect:
        if self.prior.family == "beta":
            raise ValueError("an effect may be any positive number: log_normal, gamma or half_normal, not beta")
        return self


class MediaSpec(Section):
    """How a channel works: adstock, saturation, and the priors of their parameters.

    Spend is counted in the channel's usual spend (its median over weeks with spend): a half-saturation of 1 is there.
    """

    adstock: AdstockKind = Field(
        "geometric", description="how an ad works on: geometric, delayed, weibull_pdf or weibull_cdf"
    )
    saturation: SaturationKind = Field(
        "hill", description="how more spend brings less: hill, logistic, michaelis_menten or tanh"
    )
    retention: Prior = Prior(family="beta", alpha=1.5, beta=3.0)
    delay: Prior = Prior(family="half_normal", sigma=1.0)
    weibull_scale: Prior = gamma(4.0, 2.0)
    weibull_shape: Prior = gamma(9.0, 6.0)
    half: Prior = log_normal(0.0, 0.5)
    slope: Prior = log_normal(0.25, 0.25)
    steepness: Prior = gamma(3.0, 2.0)
    effect: Effect = Effect()

    @model_validator(mode="after")
    def _supports_fit(self) -> MediaSpec:
        _check_supports(self)
        return self


POSITIVE = ("delay", "weibull_scale", "weibull_shape", "half", "slope", "steepness")


class MediaChange(Section):
    """What differs for one channel; null: as for all."""

    adstock: AdstockKind | None = None
    saturation: SaturationKind | None = None
    retention: Prior | None = None
    delay: Prior | None = None
    weibull_scale: Prior | None = None
    weibull_shape: Prior | None = None
    half: Prior | None = None
    slope: Prior | None = None
    steepness: Prior | None = None
    effect: Effect | None = None

    @model_validator(mode="after")
    def _supports_fit(self) -> MediaChange:
        _check_supports(self)
        return self


def _check_supports(media: MediaSpec | MediaChange) -> None:
    """Raise ValueError where a prior is of numbers that its parameter cannot be."""
    if media.retention is not None and media.retention.family != "beta":
        raise ValueError("retention lies between 0 and 1: its prior is a beta")
    given = {name: getattr(media, name) for name in POSITIVE}
    wrong = [name for name, prior in given.items() if prior is not None and prior.family == "beta"]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} may be any positive number: log_normal, gamma or half_normal")


class TrendSpec(Section):
    """What moves slowly without a measured reason."""

    kind: Literal["none", "linear", "piecewise", "gp"] = Field(
        "gp", description="none, linear, piecewise (linear, bends allowed), gp (a wave around a line)"
    )
    bend_weeks: PositiveInt = Field(26, description="piecewise: weeks between places where the line may bend")
    length_weeks: PositiveFloat = Field(10.0, description="gp: weeks after which the wave has forgotten itself")
    waves: PositiveInt = Field(30, description="gp: number of its basis functions")
    sigma: PositiveFloat = Field(0.1, description="gp: prior deviation of the wave's size, share of the target")
    slope_sigma: PositiveFloat = Field(0.2, description="prior deviation of a year's growth (and of a bend)")


class OverTimeSpec(Section):
    """How strongly all paid media work, moving slowly: one factor of a week, 1 in the middle, for all channels."""

    is_on: bool = Field(False, description="media work better in some months than in others")
    length_weeks: PositiveFloat = Field(26.0, description="weeks after which the factor has forgotten itself")
    waves: PositiveInt = Field(12, description="number of its basis functions")
    sigma: PositiveFloat = Field(0.2, description="prior deviation of the size of its logarithm")


class LikelihoodSpec(Section):
    """What is left over of a week."""

    kind: Literal["student_t", "normal"] = Field("student_t", description="student_t survives outlier weeks")
    sigma: Prior = Prior(family="half_normal", sigma=0.1)
    nu: Prior = gamma(2.0, 0.1)


class ModelSpec(Section):
    """The media mix model; shares and effects are in units of the usual target (its median week)."""

    lags: PositiveInt = Field(12, le=52, description="weeks that an ad works: its own and those after it")
    media: MediaSpec = MediaSpec()
    channels: dict[str, MediaChange] = Field({}, description="what differs for a channel")
    geos: dict[str, dict[str, MediaChange]] = Field({}, description="what differs for a channel in one geo")
    leave_out: tuple[str, ...] = Field((), description="variables of the input that the model does not use")
    yearly_order: int = Field(3, ge=0, le=10, description="waves in a year")
    monthly_order: int = Field(0, ge=0, le=4, description="waves in a month")
    trend: TrendSpec = TrendSpec()
    over_time: OverTimeSpec = OverTimeSpec()
    likelihood: LikelihoodSpec = LikelihoodSpec()
    context_sigma: PositiveFloat = Field(0.1, description="prior deviation of the effect of one deviation of context")
    organic_sigma: PositiveFloat = Field(0.1, description="the same of an organic variable")
    event_sigma: PositiveFloat = Field(0.2, description="the same of a week that is all event, or of a day off")
    interaction_sigma: PositiveFloat = Field(0.1, description="the same of the usual product of two variables")
    season_sigma: PositiveFloat = Field(0.2, description="the same of the height of a wave of the season")
    level_on: Literal["level", "intercept"] = Field(
        "level", description="prior on the mean week (level) or on a week without media, at zero of all (intercept)"
    )
    level_mu: float = Field(1.0, description="its prior mean")
    level_sigma: PositiveFloat = Field(0.5, description="its prior deviation")
    gap_level: Prior = Prior(family="half_normal", sigma=1.0)
    burn_in_weeks: int = Field(0, ge=0, description="first weeks whose spend counts but whose target is not explained")

    @model_validator(mode="after")
    def _gap_level_is_positive(self) -> ModelSpec:
        if "beta" in (self.gap_level.family, self.likelihood.sigma.family, self.likelihood.nu.family):
            raise ValueError("gap_level, sigma and nu may be any positive number: log_normal, gamma or half_normal")
        return self

    def media_of(self, geo: str, channel: str) -> MediaSpec:
        """How a channel works in a geo: what is given for it there, else for it, else for all."""
        media = self.media
        for change in (self.channels.get(channel), self.geos.get(geo, {}).get(channel)):
            if change is not None:
                given = {name: value for name, value in vars(change).items() if value is not None}
                media = media.model_copy(update=given)
        return media


class FitSettings(Section):
    """Sampling, and when a fit is not to be trusted."""

    targets: tuple[str, ...] = Field(("uploads", "gmv"), description="targets that get a model of their own")
    geo_levels: tuple[Literal["country", "management_region"], ...] = Field(
        ("country",), description="levels that are fitted"
    )
    methods: tuple[Literal["bayes", "ridge"], ...] = Field(
        ("bayes", "ridge"), description="bayes, the model; ridge, the quick second opinion"
    )
    use_selection: bool = Field(
        False,
        description="fit each geo with the candidate that select_mmm chose for it (bl.mmm_selection); one without a "
        "choice with mmm.model, and say so",
    )
    chains: PositiveInt = Field(4, description="chains of the sampler")
    tune: PositiveInt = Field(500, description="draws of each chain that only adapt the sampler")
    draws: PositiveInt = Field(750, description="draws of each chain that are kept")
    seed: int = Field(1, ge=0, description="seed of all fits")
    calibrate: bool = Field(True, description="lift tests of a country (il.lift_tests) enter its fits")
    kept_draws: PositiveInt = Field(200, description="draws that are written for planning")
    curve_points: int = Field(21, ge=3, description="spend levels of a response curve")
    curve_until: PositiveFloat = Field(2.0, description="its last spend level, in the channel's usual spend")
    land_seconds: PositiveFloat = Field(10.0, description="fits land together, with the first that ends so much later")
    land_fits: PositiveInt | None = Field(
        None, description="engine pandas_udf: fits that land together; none: twice as many as Spark has cores"
    )
    min_weeks: int = Field(30, ge=4, description="a geo with fewer known weeks of the target is not fitted")
    max_rhat: PositiveFloat = Field(1.02, description="a fit with a larger R-hat is flagged")
    min_ess: PositiveFloat = Field(
        200.0, description="a fit with fewer effective draws, for means or for intervals, is flagged"
    )
    max_divergent_share: float = Field(0.01, ge=0, description="a fit with more divergent draws is flagged")
    max_autocorrelation: float = Field(0.4, gt=0, description="residuals that follow each other more are flagged")
    coverage: tuple[float, float] = Field((0.78, 0.99), description="weeks inside their 90 % interval; else flagged")
    max_media_share: float = Field(
        0.8, gt=0, description="a ridge that gives paid media a larger share of the target is flagged"
    )
    learned_ratio: float = Field(
        0.7, gt=0, description="a channel whose effect is no narrower than this part of its prior is not to be trusted"
    )
    max_doubtful_share: float = Field(
        0.34, ge=0, le=1, description="a fit with a larger share of channels that are not to be trusted is flagged"
    )
    checks: tuple[Literal["refresh", "placebo", "prior"], ...] = Field(
        ("refresh", "placebo", "prior"), description="what is fitted again with a change that should not matter"
    )
    check_chains: PositiveInt = Field(1, description="chains of a check's fit")
    check_tune: PositiveInt = Field(300, description="draws of each chain that only adapt the sampler")
    check_draws: PositiveInt = Field(400, description="draws of each chain that are kept")
    check_min_ess: float = Field(25.0, ge=0, description="a check whose fit has fewer effective draws says nothing")
    hidden_weeks: PositiveInt = Field(4, description="refresh: last weeks whose target is hidden")
    max_holdout_error: float = Field(0.2, gt=0, description="refresh: a larger error in the hidden weeks is flagged")
    max_refresh_change: float = Field(
        0.15, gt=0, description="refresh: a larger change of the middle ROAS is flagged; of a channel, twice this"
    )
    max_placebo: float = Field(
        0.2, gt=0, description="a larger ROAS of a channel without effect, over that of all channels, is flagged"
    )
    max_prior_pull: float = Field(
        0.5, gt=0, description="a ROAS that follows a change of its prior by more than this part is flagged"
    )
    max_ridge_disagreement: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of spend on channels whose ROAS the ridge puts at twice or half the interval, else flagged",
    )
    follows_target: float = Field(
        0.4,
        gt=0,
        le=1,
        description="correlation with the target of the week or of the weeks before from which the effect of spend is "
        "suspected to be demand, until a test has measured it",
    )
    wide_roas: float = Field(1.5, gt=0, description="interval of a ROAS, over the ROAS, from which it says little")


class RidgeSettings(Section):
    """The quick second opinion: what is searched, and how."""

    iterations: PositiveInt = Field(15_000, description="candidates that are tried, all trials together")
    trials: PositiveInt = Field(5, description="searches, each with its own weight between error and distance")
    batch: PositiveInt = Field(50, description="candidates that are tried at one time")
    most_distance: float = Field(
        0.5, ge=0, le=1, description="weight of the distance in the last trial; 0 in the first"
    )
    lift_weight: float = Field(
        0.2, ge=0, description="weight of the error of lift tests beside both, where a geo has some"
    )
    validation_share: float = Field(
        0.2, gt=0, lt=1, description="share of the weeks, the last, that candidates are judged by"
    )
    front: PositiveInt = Field(100, description="candidates of the front that are kept")
    retention: tuple[float, float] = Field(
        (0.0, 0.9), description="least and most of what a week keeps of the last one"
    )
    half: tuple[float, float] = Field((0.2, 4.0), description="least and most half-saturation, in usual spend")
    slope: tuple[float, float] = Field((0.5, 3.0), description="least and most slope of Hill")
    log10_penalty: tuple[float, float] = Field(
        (-5.0, 0.0), description="least and most logarithm of the ridge's penalty"
    )

    @model_validator(mode="after")
    def _each_trial_has_a_candidate(self) -> RidgeSettings:
        if self.iterations < self.trials:
            raise ValueError(f"{self.iterations} iterations for {self.trials} trials: give each one at least")
        return self
