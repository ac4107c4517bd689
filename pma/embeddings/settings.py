"""Settings of the customer embedding repository: one frozen model per module of the room."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pma.section import Section

# The groups of purchases that features are made for, and the parts of a customer's vector: a name that is none of
# them would leave something out in silence.
Level = Literal["total", "department", "category", "type", "store", "daypart", "weekday"]
# Metrics over every window, those of receipts as a whole, and all in the order in which they stand everywhere.
WINDOW_METRICS = ("visits", "spend", "quantity", "discount")
TOTAL_METRICS = ("basket_lines", "basket_spend")
METRICS = (*WINDOW_METRICS, *TOTAL_METRICS, "recency")
Block = Literal["purchases", "products", "opportunities", "baskets", "store", "area", "location"]


class FeatureSettings(Section):
    """Purchase metrics per customer and date."""

    windows_days: tuple[PositiveInt, ...] = Field(
        (30, 90, 365), min_length=1, description="look-back windows, days before as_of"
    )
    min_customers: int = Field(25, ge=1, description="a feature is kept when at least so many customers have it")
    lines_per_task: int = Field(200_000, ge=1, description="receipt lines that one Spark task measures, about")

    @model_validator(mode="after")
    def _differ(self) -> FeatureSettings:
        if len(set(self.windows_days)) < len(self.windows_days):
            raise ValueError(f"windows_days: {list(self.windows_days)} names a window twice")
        return self


class StoreSettings(Section):
    """Preferred store: vectors of the stores from a Keras Embedding layer."""

    vector_size: int = Field(64, ge=2, le=256, description="dimension of a store vector")
    min_baskets: int = Field(20, ge=1, description="a store with fewer baskets shares the vector `(other)`")
    shrinkage: float = Field(60.0, ge=0, description="precision of the Gaussian prior on store and item weights")
    learning_rate: float = Field(0.1, gt=0, description="step of Adam")
    batch_size: int = Field(256, ge=1, description="stores in one mini-batch")
    max_epochs: int = Field(200, ge=1, description="most passes over the stores")
    patience: int = Field(10, ge=1, description="epochs without a better held-out likelihood before stopping")
    valid_share: float = Field(0.1, gt=0, lt=1, description="share of baskets held out for early stopping")
    seed: int = Field(7, ge=0, description="seed of weights and of the order of the stores")


class Word2VecSettings(Section):
    """Spark ML Word2Vec; each block that uses it has defaults of its own."""

    vector_size: int = Field(64, ge=2, le=512, description="dimension of a vector")
    window: int = Field(10, ge=1, le=100, description="most words to each side that a word is trained with")
    step_size: float = Field(0.05, gt=0, le=1, description="first learning rate; falls to zero over the training")
    max_iter: int = Field(1, ge=1, le=200, description="passes over all copies of the sentences")
    copies: int = Field(6, ge=1, le=50, description="copies of each sentence, each in another order unless `ordered`")
    ordered: bool = Field(False, description="keep the words in their order (sequences) or shuffle them (baskets)")
    sample: float = Field(0.0, ge=0, lt=1, description="word2vec's subsampling of frequent words; 0 keeps all")
    min_count: int = Field(5, ge=1, description="a word with fewer occurrences gets no vector of its own")
    partitions: int = Field(
        1, ge=1, le=8, description="parallel trainers; more than 1 is not reproducible and learns less"
    )
    max_sentence_length: int = Field(10_000, ge=2, description="longer sentences are cut into pieces of this length")
    seed: int = Field(17, ge=0, description="seed of weights, shuffles and subsampling")


class ProductSettings(Section):
    """Product vectors, and the block of a customer's top products."""

    word2vec: Word2VecSettings = Word2VecSettings(step_size=0.05, sample=1e-4, copies=20)
    center: bool = Field(True, description="subtract the mean of the learned vectors")
    top: int = Field(20, ge=1, le=200, description="products pooled per customer")
    half_life_days: float = Field(60.0, gt=0, description="days after which a purchase weighs half")


class ClusterSettings(Section):
    """Clusters of products, segments of customers, and the block of opportunity clusters."""

    word2vec: Word2VecSettings = Word2VecSettings(
        ordered=True, copies=1, max_iter=2, window=5, vector_size=32, min_count=1
    )
    clusters: int = Field(200, ge=2, le=2000, description="k-means clusters of product vectors")
    segments: int = Field(40, ge=2, le=1000, description="k-means segments of customers by cluster profile")
    top: int = Field(20, ge=1, le=200, description="opportunity clusters pooled per customer")
    far_less: float = Field(
        0.5, ge=0, le=1, description="an opportunity: his own share is at most so much of his segment's"
    )
    segment_sample: int = Field(20_000, ge=2, description="customers that the segments are learned from, at most")
    window_days: int = Field(365, ge=1, description="look-back of a cluster profile, days before as_of")
    max_iter: int = Field(20, ge=1, description="iterations of k-means")
    label_products: int = Field(5, ge=1, le=50, description="best-selling products that name a cluster")
    seed: int = Field(17, ge=0, description="seed of k-means and of the sample")


class AreaSettings(Section):
    """Demographics of the households around the same preferred store."""

    pseudo_households: float = Field(30.0, gt=0, description="weight of the overall distribution, in households")


class LocationSettings(Section):
    """Vector of the state of the most visited store, by a pretrained encoder."""

    vector_size: Literal[64, 128, 256] = Field(
        64, description="leading dimensions of the pretrained vector that are kept"
    )


class ReceiptSettings(Section):
    """Vector of the words on a customer's last receipts.

    On the Complete Journey word2vec predicts purchases better than wordllama (tests/slow/test_receipts.py).
    """

    encoder: Literal["word2vec", "wordllama"] = Field("word2vec", description="where the vectors of words come from")
    baskets: int = Field(3, ge=1, le=100, description="last baskets of a customer that are read")
    word2vec: Word2VecSettings = Word2VecSettings(copies=1, max_iter=2, window=10, sample=1e-3, min_count=20)

    @property
    def vector_size(self) -> int:
        """Dimension of a word's vector, whichever encoder gives it."""
        return self.word2vec.vector_size


class SgnsSettings(Section):
    """gensim's skip-gram with negative sampling: the peer that Spark's word2vec is measured against."""

    vector_size: int = Field(64, ge=2, le=512, description="dimension of a vector")
    window: int = Field(10, ge=1, le=200, description="most words to each side")
    step_size: float = Field(0.05, gt=0, le=1, description="first learning rate")
    epochs: int = Field(20, ge=1, le=200, description="passes over the baskets")
    negative: int = Field(5, ge=1, le=50, description="noise words per positive word")
    ns_exponent: float = Field(
        0.75, ge=-2, le=2, description="exponent of a word's frequency in the noise distribution"
    )
    sample: float = Field(1e-4, ge=0, lt=1, description="subsampling of frequent words; 0 keeps all")
    min_count: int = Field(5, ge=1, description="a product with fewer purchases gets no vector")
    seed: int = Field(17, ge=0, description="seed of weights and noise")


class NextItemSettings(Section):
    """Leave-one-out ranking of the whole catalogue in later baskets."""

    days: int = Field(28, ge=1, description="the test baskets are those of so many days from as_of on")
    k: int = Field(10, ge=1, description="a hit is a left-out product among the first k")
    baskets: int = Field(3000, ge=1, description="test baskets of two products or more, drawn by hash")
    sgns: SgnsSettings = SgnsSettings()
    max_sgns_baskets: int = Field(
        1_000_000, ge=0, description="gensim learns on one machine: with more baskets it is left out; 0 leaves it out"
    )
    seed: int = Field(17, ge=0, description="seed of the draw")


class AutoencoderSettings(Section):
    """Purchase metrics compressed to one dense vector by a denoising autoencoder."""

    dimension: int = Field(64, ge=2, le=1024, description="length of the vector")
    level_weights: dict[Level, NonNegativeFloat] = Field(
        {"type": 1.0, "category": 0.1, "department": 0.1, "store": 0.1},
        min_length=1,
        description="taxonomy levels that get zero indicators, and the length of each group of them in the inputs",
    )
    recent_weight: float = Field(0.5, ge=0, description="the same for shorter windows, relative to the longest")
    recent_target_weight: float = Field(0.0, ge=0, description="weight of the shorter windows' indicators in the loss")
    value_weight: float = Field(0.5, ge=0, description="length of the value part of an input row")
    value_loss: float = Field(0.2, ge=0, description="weight of the Huber loss on values that are not zero")
    clip: float = Field(3.0, gt=0, description="scaled values beyond are cut")
    minimum_scale: float = Field(
        0.25, gt=0, description="least scale of a log value; below, small change reads as signal"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="share of the inputs set to zero in training")
    block_mask: float = Field(0.15, ge=0, lt=1, description="share of whole blocks (level x metric x window) masked")
    swap: float = Field(0.1, ge=0, lt=1, description="share of the inputs taken from another customer")
    learning_rate: float = Field(2e-3, gt=0, description="step of Adam")
    batch_rows: int = Field(256, ge=1, description="rows in a batch over all ranks together")
    max_epochs: int = Field(6, ge=1, description="most passes over the rows")
    minimum_gain: float = Field(
        0.002, ge=0, lt=1, description="training stops when the held-out loss falls by a smaller share"
    )
    patience: int = Field(1, ge=1, description="epochs of smaller gain before it stops")
    held_out_share: float = Field(0.1, gt=0, lt=1, description="share of customers kept for early stopping, by hash")
    shards: int = Field(8, ge=1, le=4096, description="Parquet shards of the training rows; a multiple of the ranks")
    backend: Literal["horovod", "single"] = Field("horovod", description="how gradients are averaged")
    ranks: int = Field(2, ge=1, description="processes of the horovod backend")
    start_timeout: int = Field(300, ge=1, description="seconds to wait for all ranks to start")
    seed: int = Field(17, ge=0, description="seed of weights, row order and noise")

    @model_validator(mode="after")
    def _divide(self) -> AutoencoderSettings:
        if self.shards % self.ranks:
            raise ValueError(f"shards: {self.shards} must be a multiple of ranks, {self.ranks}")
        if self.batch_rows % self.shards:
            raise ValueError(f"batch_rows: {self.batch_rows} must be a multiple of shards, {self.shards}")
        return self


class PenetrationSettings(Section):
    """How a frozen vector is judged: who starts to buy a category, and who buys it more often."""

    history_weeks: int = Field(39, ge=1, description="weeks before a cut without the category make a non-buyer")
    label_weeks: int = Field(4, ge=1, description="weeks from a cut on in which he may buy it")
    categories: int = Field(77, ge=1, description="categories with the most positives at the last training cut")
    customers: int = Field(20_000, ge=10, description="customers that are judged, drawn by hash, at most")
    folds: int = Field(5, ge=2, description="folds of households: a probe never saw the household it scores")
    penalties: tuple[PositiveFloat, ...] = Field(
        (100.0, 300.0, 1000.0, 3000.0, 10000.0, 30000.0),
        min_length=1,
        description="ridge penalties to choose from, one for all categories, by AUC at the last training cut",
    )
    lift_share: float = Field(0.1, gt=0, lt=1, description="top share whose hit rate over the base rate is the lift")
    bootstrap: int = Field(100, ge=2, description="resamples of households for the intervals")
    ease_penalty: float = Field(1000.0, gt=0, description="L2 penalty of EASE (Steck 2019)")
    seed: int = Field(17, ge=0, description="seed of folds and resamples")


class RepositorySettings(Section):
    """How blocks become one vector."""

    weights: dict[Block, PositiveFloat] = Field(
        {
            "purchases": 1.0,
            "products": 0.25,
            "opportunities": 0.15,
            "baskets": 0.15,
            "store": 0.15,
            "area": 0.1,
            "location": 0.1,
        },
        min_length=1,
        description="blocks in their order in the vector, and the mean length each has there",
    )
    whitening_sample: int = Field(20_000, ge=2, description="customers that whitening is fitted on, at most")
    min_variance: float = Field(
        1e-6, gt=0, lt=1, description="directions of a smaller share of the first's variance are left out"
    )
    whitening_floor: float = Field(
        1.0, ge=0, description="added to every variance, as a share of the first's; 0 whitens in full"
    )


# The parts that judge vectors.
JUDGES = {"penetration", "next_item"}
# The parts that train a Word2Vec of their own.
LEARN_WORDS = ("products", "clusters", "receipts")
# What has no say in what the vectors are: the first parts, how the work is laid out, and what stands a second time.
NO_SAY: dict[str, Any] = {
    **dict.fromkeys(JUDGES, True),
    "word2vec": True,
    "features": {"lines_per_task"},
    "autoencoder": {"start_timeout"},
}


class EmbeddingSettings(Section):
    """All of the room."""

    trained_as_of: date | None = Field(None, description="train on rows before this date; null: the earliest as_of")
    training_dates: int = Field(7, ge=1, le=52, description="dates whose customers the autoencoder learns from")
    training_step_days: int = Field(28, ge=1, description="days between two of them")
    training_min_days: int = Field(56, ge=0, description="days of purchases that must lie before the first of them")
    word2vec: dict[str, Any] = Field(
        {}, description="for all three word2vec below; what one of them says itself comes first"
    )
    features: FeatureSettings = FeatureSettings()
    products: ProductSettings = ProductSettings()
    clusters: ClusterSettings = ClusterSettings()
    stores: StoreSettings = StoreSettings()
    areas: AreaSettings = AreaSettings()
    locations: LocationSettings = LocationSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    autoencoder: AutoencoderSettings = AutoencoderSettings()
    penetration: PenetrationSettings = PenetrationSettings()
    repository: RepositorySettings = RepositorySettings()
    next_item: NextItemSettings = NextItemSettings()

    @model_validator(mode="before")
    @classmethod
    def _share(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(shared := given.get("word2vec"), Mapping):
            return given
        rooms = {name: given.get(name, {}) for name in LEARN_WORDS}
        laid = {
            name: {**room, "word2vec": {**shared, **room.get("word2vec", {})}}
            for name, room in rooms.items()
            if isinstance(room, Mapping)
        }
        return {**given, **laid}
