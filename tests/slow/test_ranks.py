"""One rank beside two on the rows that the last `make run` trained on."""

import json
from pathlib import Path

import pytest

from pma.embeddings.autoencoder import Autoencoder
from pma.embeddings.distributed import Single
from pma.embeddings.settings import AutoencoderSettings
from pma.embeddings.training import TrainingRequest, train

pytestmark = pytest.mark.slow
ARTIFACTS = Path(__file__).parents[2] / "artifacts"


@pytest.fixture
def trained():
    """The folder of the model that `make run` trained last, on two Horovod ranks."""
    folders = sorted(ARTIFACTS.glob("*/autoencoder"), key=lambda path: path.stat().st_mtime)
    if not folders:
        pytest.skip("no model in artifacts/: `make run` trains it")
    return folders[-1].parent


@pytest.mark.timeout(1800)
def test_one_rank_ends_at_the_loss_of_two_and_the_two_held_equal_weights(trained, tmp_path):
    two = Autoencoder.load(trained / "autoencoder").report
    request = TrainingRequest(
        str(trained / "rows"), str(trained / "dictionary"), str(tmp_path / "model"), AutoencoderSettings()
    )

    one = train(request, Single())

    print(json.dumps({"one rank": one["held_out_loss"], "two ranks": two["held_out_loss"]}))
    assert (one["ranks"], two["ranks"]) == (1, 2)
    assert one["held_out_loss"] == pytest.approx(two["held_out_loss"], rel=0.005)
    assert two["rank_weight_difference"] == 0.0
