from pathlib import Path

from pma.defaults import base_text
from pma.settings import Settings, load

CONF = Path(__file__).parent.parent / "conf"


def test_the_page_of_settings_is_true():
    assert (CONF / "base.yml").read_text() == base_text(), "run `make docs`"


def test_the_page_of_settings_loads_as_the_defaults():
    assert load([CONF / "base.yml"]).model_dump(exclude={"rules"}) == Settings().model_dump(exclude={"rules"})


def test_every_settings_file_loads():
    for file in ("local.yml", "databricks.yml", "emr.yml"):
        assert load([CONF / file]).embeddings.autoencoder.dimension == 64
