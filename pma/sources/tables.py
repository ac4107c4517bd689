"""The input tables of the house: what was bought, where, and by whom."""

from pma.tables import Column, TableSpec

PURCHASES = TableSpec(
    name="il.purchases",
    grain="receipt line",
    key=("customer_id", "basket_id", "product_id"),
    columns=(
        Column("customer_id", "string", "who bought"),
        Column("basket_id", "string", "the receipt"),
        Column("product_id", "string", "what was bought, see il.products"),
        Column("store_id", "string", "where, see il.stores", required=True),
        Column("purchased_at", "timestamp", "wall clock of the shop", required=True),
        Column("quantity", "double", "units, or thousandths of a gallon of fuel", required=True),
        Column("spend", "double", "money paid, after discounts", required=True),
        Column("discount", "double", "money taken off by loyalty card and coupons", required=True),
    ),
    checks={
        "quantity_not_negative": "quantity >= 0",
        "spend_not_negative": "spend >= 0",
        "discount_not_negative": "discount >= 0",
    },
    cluster_by=("customer_id",),
)

# From the widest level of a product to the narrowest.
TAXONOMY = ("department", "category", "type")

PRODUCTS = TableSpec(
    name="il.products",
    grain="product",
    key=("product_id",),
    columns=(
        Column("product_id", "string", "the product (UPC)"),
        Column("department", "string", "widest level of the taxonomy"),
        Column("category", "string", "middle level"),
        Column("type", "string", "narrowest level"),
        Column("brand", "string", "brand, or National / Private"),
        Column("description", "string", "the words of the receipt"),
    ),
)

STORES = TableSpec(
    name="il.stores",
    grain="store",
    key=("store_id",),
    columns=(
        Column("store_id", "string", "the store"),
        Column("state", "string", "the state it stands in", required=True),
        Column("is_standin", "boolean", "true: no source knows the state, it was assigned by rule", required=True),
    ),
)

CUSTOMERS = TableSpec(
    name="il.customers",
    grain="customer who has purchases or known demographics",
    key=("customer_id",),
    columns=(
        Column("customer_id", "string", "the customer"),
        *[
            Column(name, "string", "as known; null: unknown")
            for name in (
                "age",
                "income",
                "home_ownership",
                "marital_status",
                "household_size",
                "household_comp",
                "kids_count",
            )
        ],
    ),
)

TABLES = (PURCHASES, PRODUCTS, STORES, CUSTOMERS)
