import functools
from typing import Any, Tuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax.core.frozen_dict import freeze, unfreeze
from jax import lax
from transformers.modeling_flax_utils import FlaxPreTrainedModel


class MLP(nn.Module):
    features: Tuple[int, ...]
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x):
        for f in self.features:
            x = nn.relu(nn.Dense(f, dtype=self.dtype)(x))
        return x


@functools.partial(jax.jit, static_argnums=(0,))
def step(model, params, batch):
    loss, grads = jax.value_and_grad(lambda p: jnp.mean(model.apply(p, batch) ** 2))(params)
    return jax.tree_util.tree_map(lambda p, g: p - 1e-3 * g, params, grads), loss


tx = optax.adamw(1e-3)
