"""Where the inputs of marketing lie: in one folder, but for those that have a place of their own."""

from pma.settings import load


def feeds(*overrides):
    return load([], [f"feeds.{text}" for text in overrides]).feeds.located()


def test_every_input_has_a_path_in_the_folder():
    found = feeds("folder=/data")
    assert (found.exports, found.sheets) == ("/data/exports", "/data/sheets")
    assert found.st_events.path == "/data/events"
    assert found.lift_tests.path == "/data/lift_tests.csv"


def test_an_input_of_a_place_of_its_own_keeps_it_and_a_database_has_no_path():
    found = feeds("folder=/data", "exports=/exports", "orders.path=/orders", "listings.format=jdbc")
    assert (found.exports, found.orders.path, found.listings.path) == ("/exports", "/orders", None)
    assert found.orders.columns["order_id"] == "order_id"


def test_a_company_without_geo_experiments_says_so():
    assert feeds("lift_tests=null").lift_tests is None


def test_rows_are_said_to_be_of_the_folder_unless_a_simulation_left_them_or_a_name_is_given(tmp_path):
    folder = f"feeds.folder={tmp_path}"
    assert load([], [folder]).feeds.data_origin == str(tmp_path)
    assert load([], [folder, "feeds.origin=our shop"]).feeds.data_origin == "our shop"
    (tmp_path / "MANIFEST.json").write_text('{"is_simulated": true}')
    assert load([], [folder]).feeds.data_origin == "simulated marketplace"
