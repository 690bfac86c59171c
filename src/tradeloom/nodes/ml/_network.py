"""A small model as its weights, fitted in closed form and written as ONNX.

Two kinds. `ridge` is a linear model with an L2 penalty (Hoerl and Kennard, 1970). `kernel` adds random Fourier features
to it (Rahimi and Recht, 2007): cosines of fixed random projections, which let a ridge fit smooth non-linear functions.
Both standardise first, cut at five deviations, and penalise the intercept too, so that with a growing penalty every
forecast goes to zero, which is the random walk.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    type Numbers = NDArray[np.float64]

Kind = Literal["ridge", "kernel"]

PENALTIES = (100.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
"""Tried from the strongest; a weaker one must be strictly better on the latest fifth of the training rows."""

VALIDATED_PART = 0.2
CUT = 5.0
COSINES = 64
SEED = 20_170_601
LEAST_DEVIATION = 1e-6
"""A feature that varies less is constant: the hour of daily bars."""

OPSET = 17
IR_VERSION = 8
INPUT = "features"
OUTPUT = "scaled_return"


@dataclass(frozen=True)
class Network:
    """Weights in float64. `projection` is `(features, COSINES)`, or None for the linear kind."""

    mean: "Numbers"
    scale: "Numbers"
    linear: "Numbers"
    intercept: float
    projection: "Numbers | None" = None
    phase: "Numbers | None" = None
    cosine: "Numbers | None" = None

    def predict(self, features: "NDArray[np.float32]") -> "Numbers":
        """What the ONNX file computes, in double precision: its reference, not how forecasts are made."""
        import numpy as np

        standard = np.clip((features.astype(np.float64) - self.mean) * self.scale, -CUT, CUT)
        answer: Numbers = standard @ self.linear + self.intercept
        if self.projection is not None and self.phase is not None and self.cosine is not None:
            answer = answer + np.cos(standard @ self.projection + self.phase) @ self.cosine
        return answer

    def to_onnx(self, properties: dict[str, str]) -> bytes:
        """The graph, as deterministic bytes. `properties` are written into its metadata."""
        import numpy as np
        from onnx import TensorProto, helper, numpy_helper

        def weight(name: str, value: "Numbers") -> None:
            weights.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name))

        weights: list[TensorProto] = []
        weight("mean", self.mean)
        weight("scale", self.scale)
        weight("least", np.array(-CUT))
        weight("most", np.array(CUT))
        weight("linear", self.linear[:, None])
        weight("intercept", np.array([self.intercept]))
        nodes = [
            helper.make_node("Sub", [INPUT, "mean"], ["centred"]),
            helper.make_node("Mul", ["centred", "scale"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "least", "most"], ["standard"]),
            helper.make_node("MatMul", ["standard", "linear"], ["weighted"]),
        ]
        last = "weighted"
        if self.projection is not None and self.phase is not None and self.cosine is not None:
            weight("projection", self.projection)
            weight("phase", self.phase)
            weight("cosine", self.cosine[:, None])
            nodes += [
                helper.make_node("MatMul", ["standard", "projection"], ["projected"]),
                helper.make_node("Add", ["projected", "phase"], ["angle"]),
                helper.make_node("Cos", ["angle"], ["cosines"]),
                helper.make_node("MatMul", ["cosines", "cosine"], ["bent"]),
                helper.make_node("Add", ["weighted", "bent"], ["both"]),
            ]
            last = "both"
        nodes.append(helper.make_node("Add", [last, "intercept"], [OUTPUT]))
        graph = helper.make_graph(
            nodes,
            "tradeloom",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", len(self.mean)])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 1])],
            weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="tradeloom")
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(sorted(properties.items())))
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def fit(features: "NDArray[np.float32]", target: "Numbers", kind: Kind, horizon: int) -> Network:
    """Fit on rows in time order. The penalty is chosen on the latest rows, without those whose target ends among them.

    Takes at least some tens of rows; every number must be finite.
    """
    import numpy as np

    wide = features.astype(np.float64)
    mean, deviation = wide.mean(axis=0), wide.std(axis=0)
    scale = np.where(deviation > LEAST_DEVIATION, 1.0 / np.maximum(deviation, LEAST_DEVIATION), 0.0)
    # The file holds single precision, so what it standardises with is what was fitted with.
    mean, scale = mean.astype(np.float32).astype(np.float64), scale.astype(np.float32).astype(np.float64)
    design = _design(np.clip((wide - mean) * scale, -CUT, CUT), kind)
    rows = len(design)
    first = rows - max(1, round(rows * VALIDATED_PART))
    known = max(1, first - horizon)
    solutions = _solve(design[:known], target[:known])
    errors = [float(np.mean((design[first:] @ weights - target[first:]) ** 2)) for weights in solutions]
    best = min(range(len(PENALTIES)), key=errors.__getitem__)
    weights = _solve(design, target)[best]
    count = wide.shape[1]
    if kind == "ridge":
        return Network(mean, scale, weights[:count], float(weights[-1]))
    projection, phase, size = _cosines(count)
    return Network(mean, scale, weights[:count], float(weights[-1]), projection, phase, weights[count:-1] * size)


def _solve(design: "Numbers", target: "Numbers") -> "list[Numbers]":
    """Ridge weights for every penalty, by one eigendecomposition."""
    import numpy as np

    values, vectors = np.linalg.eigh(design.T @ design / len(design))
    aim = vectors.T @ (design.T @ target / len(design))
    return [vectors @ (aim / (np.maximum(values, 0.0) + penalty)) for penalty in PENALTIES]


def _design(standard: "Numbers", kind: Kind) -> "Numbers":
    import numpy as np

    parts = [standard]
    if kind == "kernel":
        projection, phase, size = _cosines(standard.shape[1])
        parts.append(size * np.cos(standard @ projection + phase))
    parts.append(np.ones((len(standard), 1)))
    return np.hstack(parts)


@cache
def _cosines(count: int) -> "tuple[Numbers, Numbers, float]":
    """Projection, phases and size of the cosines of a Gaussian kernel as wide as the features' own spread.

    Their size gives them together the weight of the linear features under one penalty. `RandomState`'s streams are
    frozen (NEP 19), unlike those of newer generators, so the numbers are the same in every release of numpy.
    """
    import numpy as np

    random = np.random.RandomState(SEED)
    projection = random.standard_normal((count, COSINES)) / np.sqrt(count)
    phase = random.uniform(0.0, 2 * np.pi, COSINES)
    single = projection.astype(np.float32).astype(np.float64), phase.astype(np.float32).astype(np.float64)
    return *single, float(np.sqrt(2.0 * count / COSINES))
