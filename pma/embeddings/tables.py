"""The tables of the customer embedding repository."""

from pma.tables import Column, TableSpec

MODEL = Column("model_version", "string", "the model, see bl.embedding_models")
RUN = Column("run_id", "string", "the run that wrote the row, see bl.runs", required=True)
CUSTOMER = Column("customer_id", "string", "the customer")
AS_OF = Column("as_of_date", "date", "nothing bought on or after this day is in the row")

FEATURE_DICTIONARY = TableSpec(
    name="st_il.feature_dictionary",
    grain="purchase metric that has ever been given an index",
    key=("feature_index",),
    columns=(
        Column("feature_index", "int", "place in the arrays of st_il.customer_features, never reused"),
        Column("name", "string", "level/entity/metric/days", required=True),
        Column("block", "string", "level/metric/days: features that go missing together", required=True),
        Column("level", "string", "total, department, category, type, store, daypart or weekday", required=True),
        Column("entity", "string", "which of that level", required=True),
        Column("metric", "string", "visits, spend, quantity, discount, recency, ...", required=True),
        Column("window_days", "int", "days before the as-of date that count", required=True),
        Column("meaning", "string", "the feature in words", required=True),
    ),
)

CUSTOMER_FEATURES = TableSpec(
    name="st_il.customer_features",
    grain="customer x as-of date with at least one purchase in the longest window",
    key=("customer_id", "as_of_date"),
    columns=(
        CUSTOMER,
        AS_OF,
        Column("indices", "array<int>", "feature_index of the values that are not zero, ascending", required=True),
        Column("values", "array<float>", "the values, raw: receipts, money, units, days", required=True),
        Column("measured_with", "string", "digest of the settings embeddings.features"),
    ),
    checks={"as_many_values_as_indices": "size(indices) = size(values)"},
    cluster_by=("as_of_date", "customer_id"),
)

FEATURE_SCALES = TableSpec(
    name="st_il.feature_scales",
    grain="model x feature in its vocabulary",
    key=("model_version", "feature_index"),
    columns=(
        MODEL,
        Column("feature_index", "int", "see st_il.feature_dictionary"),
        Column("customers", "bigint", "customers with a value when the model was trained", required=True),
        Column("center", "double", "median of log1p of the non-zero values", required=True),
        Column("scale", "double", "interquartile range of the same; 1 where it is 0", required=True),
    ),
    checks={"scale_is_positive": "scale > 0"},
)


def _vectors(entity: str, key: Column, *more: Column) -> TableSpec:
    return TableSpec(
        name=f"il.{entity}_vectors",
        grain=f"{entity} x model",
        key=(key.name, "model_version"),
        columns=(
            key,
            MODEL,
            Column("vector", "array<float>", "its place in the model's space", required=True),
            *more,
        ),
    )


PRODUCT_VECTORS = _vectors(
    "product",
    Column("product_id", "string", "the product"),
    Column("source", "string", "word2vec, or the level of the taxonomy it was borrowed from", required=True),
    Column("purchases", "bigint", "receipt lines before the training date", required=True),
    Column(
        "idf", "double", "ln((1 + customers) / (1 + customers who bought it)) before the training date", required=True
    ),
    Column("cluster_id", "int", "its cluster, see il.cluster_vectors"),
)
CLUSTER_VECTORS = _vectors(
    "cluster",
    Column("cluster_id", "int", "number of the cluster"),
    Column("segments", "array<float>", "its mean share in the visits of each segment of customers", required=True),
    Column("products", "bigint", "products in it", required=True),
    Column("label", "string", "the types sold most in it"),
)
STORE_VECTORS = _vectors(
    "store",
    Column("store_id", "string", "the store, or (other) for all with too few receipts"),
    Column("source", "string", "trained, or other: it shares the vector of (other)", required=True),
    Column("baskets", "bigint", "receipts before the training date", required=True),
)
LOCATION_VECTORS = _vectors(
    "location",
    Column("location", "string", "the state, as in il.stores"),
    Column("source", "string", "the pretrained encoder", required=True),
)
WORD_VECTORS = _vectors(
    "word",
    Column("word", "string", "a word of receipts, cleaned"),
    Column("weight", "double", "inverse document frequency over receipts before the training date", required=True),
)

CUSTOMER_BLOCKS = TableSpec(
    name="st_il.customer_blocks",
    grain="customer x as-of date x model x block that the customer has",
    key=("customer_id", "as_of_date", "model_version", "block"),
    columns=(
        CUSTOMER,
        AS_OF,
        MODEL,
        Column("block", "string", "purchases, store, area, location, products, opportunities or baskets"),
        Column("vector", "array<float>", "the block as its step made it, not yet whitened", required=True),
    ),
    cluster_by=("model_version", "block"),
)

CUSTOMER_EMBEDDINGS = TableSpec(
    name="bl.customer_embeddings",
    grain="customer x as-of date x model",
    key=("customer_id", "as_of_date", "model_version"),
    columns=(
        CUSTOMER,
        AS_OF,
        MODEL,
        Column(
            "embedding",
            "array<float>",
            "all blocks, softly whitened, of mean length 1 x weight; offsets in bl.embedding_models",
            True,
        ),
        Column("baskets_seen", "bigint", "receipts before the as-of date", required=True),
        Column("has_history", "boolean", "false: no receipt had ended before the as-of date", required=True),
        RUN,
    ),
    checks={"history_means_baskets": "has_history = (baskets_seen > 0)"},
    cluster_by=("as_of_date", "customer_id"),
)

EMBEDDING_MODELS = TableSpec(
    name="bl.embedding_models",
    grain="model",
    key=("model_version",),
    columns=(
        MODEL,
        Column("blocks", "array<struct<name:string,start:int,length:int>>", "where each block stands", required=True),
        Column("dimension", "int", "length of the embedding", required=True),
        Column("config_hash", "string", "digest of the room's settings", required=True),
        Column("input_hash", "string", "digest of the rows the model was trained on", required=True),
        Column("trained_as_of", "date", "no later row was seen in training", required=True),
        Column("metrics", "map<string,double>", "what the autoencoder's training measured", required=True),
        RUN,
    ),
)

EMBEDDING_QUALITY = TableSpec(
    name="bl.embedding_quality",
    grain="model x task x arm x metric x cut",
    key=("model_version", "task", "arm", "metric", "cut"),
    columns=(
        MODEL,
        Column("task", "string", "penetration, buy_rate, next_item, reconstruction, ..."),
        Column("arm", "string", "what was measured: embedding, svd, rfm, ease, ..."),
        Column("metric", "string", "auc, lift_at_10, hit_at_10, ..."),
        Column("cut", "string", "the date after which it was measured"),
        Column("value", "double", "the measure", required=True),
        Column("ci_low", "double", "lower end of the 95 % interval over customers, or over baskets for next_item"),
        Column("ci_high", "double", "upper end"),
        Column(
            "judged_with",
            "string",
            "digest of the settings that judge (penetration, next_item), and the dates that probes learned at",
        ),
        RUN,
    ),
)

TABLES = (
    FEATURE_DICTIONARY,
    CUSTOMER_FEATURES,
    FEATURE_SCALES,
    PRODUCT_VECTORS,
    CLUSTER_VECTORS,
    STORE_VECTORS,
    LOCATION_VECTORS,
    WORD_VECTORS,
    CUSTOMER_BLOCKS,
    CUSTOMER_EMBEDDINGS,
    EMBEDDING_MODELS,
    EMBEDDING_QUALITY,
)
