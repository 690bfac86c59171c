"""ONNX files made by hand: sound ones as users bring them, and hostile ones."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tradeloom.nodes.ml._features import FEATURES

COUNT = len(FEATURES)


def weight(name: str, value: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def floats(name: str, *shape: int, value: float = 0.01) -> TensorProto:
    return weight(name, np.full(shape, value, dtype=np.float32))


def model_of(
    nodes: Iterable[Any],
    weights: Iterable[Any] = (),
    *,
    given: Any = None,
    answer: Any = None,
    opsets: Iterable[tuple[str, int]] = (("", 17),),
) -> onnx.ModelProto:
    """A model from `x`, float [rows, features], to `y`, float [rows, 1], unless told otherwise."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [given or helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", COUNT])],
        [answer or helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])],
        list(weights),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*each) for each in opsets])
    model.ir_version = 8
    return model


def node(operator: str, *inputs: str, to: str = "y", **attributes: Any) -> Any:
    return helper.make_node(operator, list(inputs), [to], **attributes)


def linear(weights: Any = None, features: int = COUNT, intercept: float = 0.0) -> onnx.ModelProto:
    """`y = x @ weights + intercept`."""
    column = np.full(features, 0.01) if weights is None else np.asarray(weights, dtype=np.float64)
    return model_of(
        [node("MatMul", "x", "w", to="h"), node("Add", "h", "b")],
        [weight("w", column[:, None].astype(np.float32)), weight("b", np.array([intercept], dtype=np.float32))],
        given=helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", features]),
    )


def perceptron() -> onnx.ModelProto:
    """Two Gemm layers with a Relu between, as PyTorch exports one."""
    return model_of(
        [
            node("Gemm", "x", "w", "b", to="h", transB=1),
            node("Relu", "h", to="r"),
            node("Gemm", "r", "v"),
        ],
        [floats("w", 16, COUNT), floats("b", 16), floats("v", 16, 1)],
    )


def forest(target: float = 0.1) -> onnx.ModelProto:
    """One tree of one split on the first feature, as skl2onnx exports one."""
    tree = node(
        "TreeEnsembleRegressor",
        "x",
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_values=[0.0, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[-target, target],
    )
    return model_of([tree], opsets=(("", 17), ("ai.onnx.ml", 3)))


def scaled() -> onnx.ModelProto:
    """A scaler and a linear regressor, as skl2onnx exports a pipeline."""
    return model_of(
        [
            node("Scaler", "x", to="s", domain="ai.onnx.ml", offset=[0.1] * COUNT, scale=[2.0] * COUNT),
            node("LinearRegressor", "s", domain="ai.onnx.ml", coefficients=[0.01] * COUNT, intercepts=[0.0], targets=1),
        ],
        opsets=(("", 17), ("ai.onnx.ml", 1)),
    )
