import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from pma.embeddings.autoencoder import Autoencoder, add_noise, build_network, row_losses
from pma.embeddings.inputs import input_matrix, plan_inputs
from pma.embeddings.sealed import SealedFileError
from pma.embeddings.settings import AutoencoderSettings

SETTINGS = AutoencoderSettings(
    dimension=3, level_weights={"type": 1.0}, recent_target_weight=0.25, value_weight=0.5, value_loss=0.1
)


@pytest.fixture
def plan():
    """Six types: visits over 365 days (0-5) and 30 days (6-11), spend (12-17)."""
    rows = [("visits", 365), ("visits", 30), ("spend", 365)]
    frame = pd.DataFrame([(metric, days) for metric, days in rows for _ in range(6)], columns=["metric", "window_days"])
    entities = [f"thing {number:02}" for number in range(18)]
    frame = frame.assign(feature_index=range(18), level="type", entity=entities, center=0.5, scale=1.0)
    return plan_inputs(frame.assign(block=frame.metric + "/" + frame.window_days.astype(str)), SETTINGS)


def some_raw(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix(rng.gamma(2.0, 2.0, (n, 18)) * (rng.random((n, 18)) < 0.4), dtype=np.float32)


def some_model(plan, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(plan.width, 3), (3,), (3, plan.width), (plan.width,)]
    return Autoencoder(plan, *(rng.normal(size=shape).astype(np.float32) for shape in shapes), report={"epochs": 2})


def test_the_numpy_encoder_and_decoder_are_those_of_the_keras_network(plan):
    raw, network = some_raw(), build_network(plan.width, SETTINGS)
    model = Autoencoder(plan, *(np.array(v) for v in network.trainable_variables), report={})
    inputs = input_matrix(raw, plan).toarray()
    import keras

    code = keras.Model(network.input, network.get_layer("encoder").output)(inputs).numpy()
    assert model.encode(raw).dtype == np.float32
    assert model.encode(raw) == pytest.approx(code, abs=1e-6)
    assert model.decode(code) == pytest.approx(network(inputs).numpy(), abs=1e-5)


def test_a_customer_is_encoded_the_same_alone_and_among_others(plan):
    model, raw = some_model(plan), some_raw()
    assert np.array_equal(model.encode(raw)[7:8], model.encode(raw[7:8]))


def test_a_customer_without_purchases_has_a_vector(plan):
    model = some_model(plan)
    assert model.encode(sparse.csr_matrix((1, 18), dtype=np.float32))[0] == pytest.approx(np.tanh(model.encoder_bias))


def test_the_loss_of_a_row_is_the_multinomial_likelihood_and_the_huber_of_what_was_bought(plan):
    raw = sparse.csr_matrix(([2.0, 3.0, 1.0, 40.0], ([0, 0, 0, 0], [1, 4, 7, 13])), shape=(1, 18), dtype=np.float32)
    outputs = np.random.default_rng(3).normal(size=(1, plan.width)).astype(np.float32)
    found = row_losses(input_matrix(raw, plan).toarray(), outputs, plan, SETTINGS).numpy()
    year, month, values = outputs[0, :6], outputs[0, 6:12], outputs[0, 12:]

    def log_softmax(x):
        return x - np.log(np.exp(x).sum())

    targets = {
        1: np.log1p(2) - 0.5,
        4: np.log1p(3) - 0.5,
        7: np.log1p(1) - 0.5,
        13: min(np.log1p(40) - 0.5, SETTINGS.clip),
    }
    errors = [abs(values[place] - target) for place, target in targets.items()]
    huber = sum(0.5 * e * e if e < 1 else e - 0.5 for e in errors)
    expected = -log_softmax(year)[[1, 4]].sum() - 0.25 * log_softmax(month)[1] + 0.1 * huber
    assert found == pytest.approx([expected], rel=1e-5)


def test_a_customer_without_purchases_costs_nothing(plan):
    empty = np.zeros((1, plan.width), np.float32)
    assert row_losses(empty, empty + 1, plan, SETTINGS).numpy() == pytest.approx([0.0])


def noisy(plan, seed=0, rows=400, **changes):
    settings = SETTINGS.model_copy(update={"dropout": 0.0, "block_mask": 0.0, "swap": 0.0, **changes})
    inputs = input_matrix(some_raw(rows), plan)
    return inputs.toarray(), add_noise(inputs, np.random.default_rng(seed), plan, settings).toarray()


def test_without_noise_the_inputs_stay(plan):
    clean, found = noisy(plan)
    assert np.array_equal(clean, found)


def test_dropout_drops_its_share_and_keeps_the_expectation(plan):
    clean, found = noisy(plan, dropout=0.5)
    on = clean != 0
    assert np.mean(found[on] == 0) == pytest.approx(0.5, abs=0.03)
    assert found[on & (found != 0)] == pytest.approx(2 * clean[on & (found != 0)])


def test_a_masked_block_is_missing_as_a_whole(plan):
    clean, found = noisy(plan, block_mask=0.3)
    missing = []
    for block in np.unique(plan.blocks):
        inside = plan.blocks == block
        gone = (clean[:, inside] != 0).any(axis=1) & ~(found[:, inside] != 0).any(axis=1)
        assert np.array_equal(found[~gone][:, inside], clean[~gone][:, inside])
        missing.append(gone.mean())
    assert np.mean(missing) == pytest.approx(0.3, abs=0.04)


def test_a_swapped_entry_is_that_of_one_other_row(plan):
    clean, found = noisy(plan, swap=0.2)
    shift = 1 + np.random.default_rng(0).integers(0, 399)
    other = np.roll(clean, -shift, axis=0)
    differ = ~np.isclose(clean, other, atol=1e-6)
    swapped = np.isclose(found, other, atol=1e-6) & differ
    assert np.all(np.isclose(found, clean, atol=1e-6) | np.isclose(found, other, atol=1e-6))
    assert swapped.sum() / differ.sum() == pytest.approx(0.2, abs=0.03)


def test_noise_follows_from_its_seed(plan):
    arms = [noisy(plan, seed=seed, dropout=0.5, block_mask=0.2, swap=0.1)[1] for seed in (5, 5, 6)]
    assert np.array_equal(arms[0], arms[1])
    assert not np.array_equal(arms[0], arms[2])


def test_a_saved_model_encodes_as_before(plan, tmp_path):
    model, raw = some_model(plan), some_raw()
    model.save(tmp_path / "model")
    loaded = Autoencoder.load(tmp_path / "model")
    assert np.array_equal(loaded.encode(raw), model.encode(raw))
    assert loaded.report == {"epochs": 2}


@pytest.mark.parametrize("byte", [5, 40, 500, -1])
def test_a_damaged_model_file_is_refused_with_its_path_and_the_fix(plan, tmp_path, byte):
    path = tmp_path / "model"
    some_model(plan).save(path)
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)
    with pytest.raises(SealedFileError, match=rf"{path}: .*Fix: restore the file, or delete it and run jobs"):
        Autoencoder.load(path)


def test_a_model_file_cut_short_or_missing_is_refused(plan, tmp_path):
    path = tmp_path / "model"
    with pytest.raises(SealedFileError, match="no such file"):
        Autoencoder.load(path)
    some_model(plan).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SealedFileError, match="damaged"):
        Autoencoder.load(path)
