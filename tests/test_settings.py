from datetime import date

import pytest

from pma.settings import Settings, SettingsError, load, parse


def write(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_lays_its_differences_over_the_base_beside_it(tmp_path):
    write(tmp_path, "base.yml", "embeddings: {features: {min_customers: 30, windows_days: [7, 28]}}")
    local = write(tmp_path, "local.yml", "embeddings: {features: {min_customers: 5}}")
    features = load([local]).embeddings.features
    assert (features.min_customers, features.windows_days) == (5, (7, 28))


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
        ("warehouse", "--set warehouse: found no `=`"),
    ],
)
def test_a_bad_setting_names_its_key_what_was_found_and_what_is_allowed(override, message):
    with pytest.raises(SettingsError) as error:
        load([], [override])
    assert message in str(error.value)


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
