"""Draws from the posterior: nutpie's NUTS on the density that is written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pma.mmm.layout import Layout
from pma.mmm.spec import FitSettings

Density = Callable[..., tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Sampled:
    """theta: (chains, draws, dimensions). divergent: draws that diverged; gradients: for these draws; of all chains."""

    theta: np.ndarray
    divergent: int
    gradients: int

    @property
    def flat(self) -> np.ndarray:
        """All draws, chain after chain; (chains x draws, dimensions)."""
        return self.theta.reshape(-1, self.theta.shape[-1])


def sample(layout: Layout, settings: FitSettings, seed: int) -> Sampled:
    """Return draws of the layout's vector, one chain after the other on this thread.

    Equal seeds give equal draws, to the last digit on one machine. Raises RuntimeError where no chain can begin.
    """
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    model = from_pyfunc(
        ndim=layout.size,
        make_logp_fn=lambda: density_of(layout),
        make_expand_fn=lambda *_: _keep,
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(layout.size,)],
        expanded_names=["theta"],
        make_initial_point_fn=lambda given: layout.start(int(given) % 2**32),
    )
    traced = nutpie.sample(
        model,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=1,
        seed=seed,
        save_warmup=False,
        progress_bar=False,
    )
    stats = traced["sample_stats"]
    return Sampled(
        theta=traced["posterior"]["theta"].to_numpy(),
        divergent=int(stats["diverging"].to_numpy().sum()),
        gradients=int(stats["n_steps"].to_numpy().sum()),
    )


def density_of(layout: Layout) -> Density:
    """Return the density of one design as nutpie calls it: point to (log-density, gradient)."""
    from pma.mmm.density import log_density

    data = layout.data

    def logp(theta: np.ndarray, **_: Any) -> tuple[float, np.ndarray]:
        gradient = np.empty(layout.size)
        return log_density(theta, gradient, data), gradient

    return logp


def _keep(theta: np.ndarray, **_: Any) -> dict[str, np.ndarray]:
    return {"theta": np.array(theta)}
