"""Greek and accented letters are names of quantities."""
import math

α = 0.1
β1, β2 = 0.9, 0.999
Δt = 1e-3
σ_max = 80.0


def schedule(λ, μ=0.0, é=1):
    return math.exp(-λ * Δt) * σ_max + μ * é * (α + β1 - β2)
