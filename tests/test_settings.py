import shutil
from datetime import date
from typing import get_args

import pytest

from pma.embeddings.features import LEVELS
from pma.embeddings.settings import Block, Level, RepositorySettings
from pma.settings import Settings, SettingsError, load, parse
from tests.conftest import REPOSITORY


def write(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_lays_its_differences_over_those_of_the_file_before_it(tmp_path):
    shared = write(tmp_path, "shared.yml", "embeddings: {features: {min_customers: 30, windows_days: [7, 28]}}")
    local = write(tmp_path, "local.yml", "embeddings: {features: {min_customers: 5}}")
    features = load([shared, local]).embeddings.features
    assert (features.min_customers, features.windows_days) == (5, (7, 28))


def test_a_mapping_of_a_file_takes_the_place_of_the_default_one_also_beside_the_page_of_defaults(tmp_path):
    shutil.copy(REPOSITORY / "conf" / "base.yml", tmp_path)
    columns, weights = "columns: {customer_id: client, age: years}", "weights: {store: 2}"
    text = f"{{sources: {{customers: {{{columns}}}}}, embeddings: {{repository: {{{weights}}}}}}}"
    mine = load([write(tmp_path, "mine.yml", text)])
    assert mine.sources.customers.columns == {"customer_id": "client", "age": "years"}
    assert mine.embeddings.repository.weights == {"store": 2.0}


def test_an_override_of_one_name_in_a_mapping_leaves_the_others(tmp_path):
    weights = RepositorySettings().weights
    changed = load(overrides=["embeddings.repository.weights.area=0.2"]).embeddings.repository.weights
    assert (changed, list(changed)) == ({**weights, "area": 0.2}, list(weights))
    mine = write(tmp_path, "mine.yml", "embeddings: {repository: {weights: {store: 2, area: 1}}}")
    changed = load([mine], ["embeddings.repository.weights.area=0.2"]).embeddings.repository.weights
    assert changed == {"store": 2.0, "area": 0.2}
    assert RepositorySettings().weights == weights


def test_a_group_given_in_part_keeps_the_rest_of_its_default_where_it_stands(tmp_path):
    ours = Settings().embeddings
    wider = {"vector_size": 16}
    given = write(tmp_path, "mine.yml", "embeddings: {clusters: {word2vec: {vector_size: 16}}}")
    for changed in (load([given]), load(overrides=["embeddings.clusters.word2vec.vector_size=16"])):
        assert changed.embeddings.clusters.word2vec == ours.clusters.word2vec.model_copy(update=wider)
        assert changed.embeddings.products == ours.products
    purchases = load(overrides=["sources.purchases.path=elsewhere"]).sources.purchases
    assert purchases == Settings().sources.purchases.model_copy(update={"path": "elsewhere"})


def test_what_is_said_of_word2vec_holds_for_all_three_and_their_own_settings_come_first():
    ours = Settings().embeddings
    shared = ["embeddings.word2vec.vector_size=48", "embeddings.clusters.word2vec.vector_size=16"]
    changed = load(overrides=shared).embeddings
    assert changed.products.word2vec == ours.products.word2vec.model_copy(update={"vector_size": 48})
    assert changed.receipts.word2vec == ours.receipts.word2vec.model_copy(update={"vector_size": 48})
    assert changed.clusters.word2vec == ours.clusters.word2vec.model_copy(update={"vector_size": 16})
    with pytest.raises(SettingsError, match=r"embeddings\.products\.word2vec\.vector_size: found 0; allowed: "):
        load(overrides=["embeddings.word2vec.vector_size=0"])


def test_the_command_line_wins_over_files(tmp_path):
    local = write(tmp_path, "local.yml", "embeddings: {features: {min_customers: 5}}")
    settings, _ = parse(["--conf", str(local), "--set", "embeddings.features.min_customers=9"], "job")
    assert settings.embeddings.features.min_customers == 9


def test_as_of_takes_one_or_many_dates():
    settings, _ = parse(["--as-of", "2017-11-20,2017-12-18", "--as-of", "2018-01-01"], "job")
    assert settings.as_of == (date(2017, 11, 20), date(2017, 12, 18), date(2018, 1, 1))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("embeddings.feature.min_customers=3", "embeddings.feature: unknown key (did you mean features?); allowed: "),
        (
            "embeddings.features.min_customer=3",
            "did you mean min_customers?); allowed: lines_per_task, min_customers, windows_days",
        ),
        (
            "embeddings.features.min_customers=few",
            "embeddings.features.min_customers: found 'few'; allowed: input should be a valid integer",
        ),
        (
            "embeddings.features.min_customers=0",
            "embeddings.features.min_customers: found 0; allowed: input should be greater than or equal to 1",
        ),
        (
            "embeddings.features.min_customers=true",
            "embeddings.features.min_customers: found True; allowed: input should not be true or false",
        ),
        (
            "embeddings.penetration.penalties=[true]",
            "embeddings.penetration.penalties: found [True]; allowed: input should not be true or false",
        ),
        (
            "embeddings.repository.weights={store: yes}",
            "embeddings.repository.weights: found {'store': True}; allowed: input should not be true or false",
        ),
        (
            "embeddings.features.windows_days=[-5]",
            "embeddings.features.windows_days.0: found -5; allowed: input should be greater than 0",
        ),
        (
            "embeddings.features.windows_days=[30, 90, 30]",
            "embeddings.features: found {'windows_days': [30, 90, 30]}; allowed: value error, windows_days: "
            "[30, 90, 30] names a window twice",
        ),
        (
            "embeddings.locations.vector_size=100",
            "embeddings.locations.vector_size: found 100; allowed: input should be 64, 128 or 256",
        ),
        ("embeddings.features.windows_days=[]", "embeddings.features.windows_days: found []; allowed: "),
        ("embeddings.features.windows_days=30", "embeddings.features.windows_days: found 30; allowed: a list, ["),
        (
            "embeddings.penetration.penalties=[-1]",
            "embeddings.penetration.penalties.0: found -1; allowed: input should be greater than 0",
        ),
        ("embeddings.penetration.penalties=[]", "embeddings.penetration.penalties: found []; allowed: "),
        (
            "embeddings.penetration.penalties=[.inf]",
            "embeddings.penetration.penalties.0: found inf; allowed: input should be a finite number",
        ),
        (
            "embeddings.autoencoder.level_weights={colour: 1}",
            "embeddings.autoencoder.level_weights.colour: found 'colour'; allowed: input should be 'total', "
            "'department', 'category', 'type', 'store', 'daypart' or 'weekday'",
        ),
        (
            "embeddings.autoencoder.level_weights={type: -1}",
            "embeddings.autoencoder.level_weights.type: found -1; allowed: input should be greater than or equal to 0",
        ),
        (
            "embeddings.repository.weights={product: 1}",
            "embeddings.repository.weights.product: found 'product'; allowed: input should be 'purchases', 'products', "
            "'opportunities', 'baskets', 'store', 'area' or 'location'",
        ),
        (
            "embeddings.repository.weights={products: 0}",
            "embeddings.repository.weights.products: found 0; allowed: input should be greater than 0",
        ),
        ("as_of=2017-13-45", "as_of: found '2017-13-45'; allowed: a list, ["),
        ("as_of=[2017-13-45]", "as_of.0: found '2017-13-45'; allowed: input should be a valid date"),
        ("warehouse", "--set warehouse: found no `=`"),
    ],
)
def test_a_bad_setting_names_its_key_what_was_found_and_what_is_allowed(override, message):
    with pytest.raises(SettingsError) as error:
        load([], [override])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "sources.purchases.options.password=1234",
            "sources.purchases.options.password: found (not shown); allowed: input should be a valid string",
        ),
        (
            "spark.conf={fs.s3a.secret.key: [1234], other: 5}",
            "spark.conf.fs.s3a.secret.key: found (not shown); allowed: input should be a valid string",
        ),
        (
            "sources.purchases={options: [{password: '1234', header: x}]}",
            "sources.purchases.options: found [{'password': '(not shown)', 'header': 'x'}]; allowed: ",
        ),
        ("spark.conf=fs.password=1234", "spark.conf: found (not shown); allowed: input should be a valid dictionary"),
        ("spark.conf={spark.cores: 5}", "spark.conf.spark.cores: found 5; allowed: input should be a valid string"),
    ],
)
def test_a_bad_setting_is_named_and_no_secret_is_shown(override, message):
    with pytest.raises(SettingsError) as error:
        load([], [override])
    assert message in str(error.value)
    assert "1234" not in str(error.value)


def test_a_broken_file_is_shown_where_it_breaks_unless_a_secret_stands_there(tmp_path):
    with pytest.raises(SettingsError, match=r"not valid YAML: [\s\S]*master: @hosts"):
        load([write(tmp_path, "open.yml", "spark:\n  master: @hosts")])
    with pytest.raises(SettingsError, match=r"secret\.yml: not valid YAML: line 2, column 13 \(not shown\)$"):
        load([write(tmp_path, "secret.yml", "options:\n  password: @hush")])


def test_a_date_that_no_calendar_has_is_named_wherever_it_stands(tmp_path):
    message = r"as_of\.0: found '2017-13-45'; allowed: input should be a valid date.*month"
    with pytest.raises(SettingsError, match=message):
        parse(["--as-of", "2017-13-45"], "job")
    with pytest.raises(SettingsError, match=message):
        load([write(tmp_path, "dates.yml", "as_of: [2017-13-45]")])


def test_whole_numbers_stand_for_floats_and_lists_for_tuples(tmp_path):
    text = "embeddings: {penetration: {penalties: [1, 2]}, repository: {weights: {store: 2}}}"
    room = load([write(tmp_path, "whole.yml", text)]).embeddings
    assert (room.penetration.penalties, room.repository.weights) == ((1.0, 2.0), {"store": 2.0})


def test_the_levels_and_blocks_that_may_be_weighed_are_those_that_are_made():
    assert get_args(Level) == LEVELS
    assert get_args(Block) == tuple(RepositorySettings().weights)


def test_an_empty_override_leaves_the_setting_as_it_is(tmp_path):
    conf = str(write(tmp_path, "own.yml", "{warehouse: {catalog: ours}, embeddings: {features: {min_customers: 5}}}"))
    given = ["--conf", conf, "--set", "warehouse.catalog=", "--set", "embeddings.features.min_customers= "]
    settings, _ = parse(given, "job")
    assert (settings.warehouse.catalog, settings.embeddings.features.min_customers) == ("ours", 5)
    assert load([], ["warehouse.catalog="]) == Settings()
    assert load([conf], ["warehouse.catalog=null"]).warehouse.catalog is None


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.yml: no such settings file"):
        load([tmp_path / "none.yml"])
    with pytest.raises(SettingsError, match=r"bad\.yml: not valid YAML"):
        load([write(tmp_path, "bad.yml", "a: [1")])
    with pytest.raises(SettingsError, match=r"list\.yml: found list"):
        load([write(tmp_path, "list.yml", "- 1")])


def test_settings_cannot_be_changed_after_loading():
    with pytest.raises(Exception, match="frozen"):
        Settings().rules = "elsewhere"


def test_the_digest_changes_with_any_setting_and_only_then():
    assert load([]).digest() == Settings().digest()
    assert load([], ["embeddings.features.min_customers=26"]).digest() != Settings().digest()
