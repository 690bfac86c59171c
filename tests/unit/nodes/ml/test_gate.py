"""Which uploaded files are run at all: sound models of the usual makers, and no hostile or broken one."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support.exam import record, sized
from tests.support.onnx_models import COUNT, floats, forest, linear, model_of, node, perceptron, scaled, weight
from tradeloom.errors import ModelFailed, ModelRefused
from tradeloom.nodes.ml import _gate
from tradeloom.nodes.ml._gate import MAX_BYTES, MAX_NODES, examine
from tradeloom.nodes.ml._session import CHUNK, Session


@pytest.mark.parametrize("made", [linear, perceptron, forest, scaled])
def test_models_as_the_usual_makers_write_them_pass(made: Callable[[], onnx.ModelProto]) -> None:
    content = made().SerializeToString()
    examine(content, COUNT)
    rows = np.random.default_rng(1).standard_normal((700, COUNT)).astype(np.float32)
    assert Session(content).predict(rows).shape == (700,)


def test_an_answer_of_one_dimension_passes() -> None:
    squeezed = model_of(
        [node("MatMul", "x", "w", to="h"), node("Reshape", "h", "flat")],
        [floats("w", COUNT, 1), weight("flat", np.array([-1]))],
        answer=helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows"]),
    )
    examine(squeezed.SerializeToString(), COUNT)


def external() -> onnx.ModelProto:
    model = linear()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    place = tensor.external_data.add()
    place.key, place.value = "location", "../../etc/passwd"
    return model


def external_constant() -> onnx.ModelProto:
    model = model_of(
        [node("Constant", to="w", value=floats("value", COUNT, 1)), node("MatMul", "x", "w")],
    )
    tensor = model.graph.node[0].attribute[0].t
    tensor.data_location = TensorProto.EXTERNAL
    return model


def loop_bomb() -> onnx.ModelProto:
    body = helper.make_graph(
        [node("Identity", "going", to="still")],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
    )
    return model_of([node("Loop", "turns", "going", body=body)], [weight("turns", np.array(2**62))])


def hidden_graph() -> onnx.ModelProto:
    model = linear()
    attribute = model.graph.node[0].attribute.add()
    attribute.name, attribute.type = "body", onnx.AttributeProto.GRAPH
    attribute.g.CopyFrom(linear().graph)
    return model


def outer_product() -> onnx.ModelProto:
    """25 million numbers a row out of 10,000 weights."""
    return model_of(
        [
            node("MatMul", "x", "w", to="h"),
            node("Unsqueeze", "h", "two", to="u"),
            node("MatMul", "u", "v", to="b"),
            node("ReduceSum", "b", "both", keepdims=0),
        ],
        [
            floats("w", COUNT, 5000),
            floats("v", 1, 5000),
            weight("two", np.array([2])),
            weight("both", np.array([1, 2])),
        ],
        answer=helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows"]),
    )


def broadcast_rows() -> onnx.ModelProto:
    """Rows against rows: the square of however many there are, and later bars in the answer for earlier ones."""
    return model_of(
        [
            node("MatMul", "x", "w", to="h"),
            node("Transpose", "h", to="t", perm=[1, 0]),
            node("Add", "h", "t", to="square"),
            node("ReduceMean", "square", to="m", axes=[1], keepdims=1),
            node("MatMul", "square", "h", to="again"),
            node("Add", "m", "again"),
        ],
        [floats("w", COUNT, 1)],
    )


def many_products() -> onnx.ModelProto:
    layers = [node("MatMul", "x", "w", to="h0")]
    layers += [node("MatMul", f"h{each}", "square", to=f"h{each + 1}") for each in range(40)]
    layers.append(node("MatMul", "h40", "v"))
    return model_of(layers, [floats("w", COUNT, 400), floats("square", 400, 400), floats("v", 400, 1)])


def many_nodes() -> onnx.ModelProto:
    layers = [node("Identity", "x", to="h0")]
    layers += [node("Identity", f"h{each}", to=f"h{each + 1}") for each in range(MAX_NODES)]
    return model_of([*layers, node("MatMul", f"h{MAX_NODES}", "w")], [floats("w", COUNT, 1)])


def liar() -> onnx.ModelProto:
    """Says of a huge tensor that it is small."""
    model = outer_product()
    model.graph.value_info.append(helper.make_tensor_value_info("b", TensorProto.FLOAT, ["rows", 1, 1]))
    return model


def functions() -> onnx.ModelProto:
    model = linear()
    function = helper.make_function(
        "ai.onnx", "MatMul", ["a", "b"], ["c"], [node("Add", "a", "b", to="c")], [helper.make_opsetid("", 17)]
    )
    model.functions.append(function)
    return model


def negative_weight() -> onnx.ModelProto:
    model = linear()
    model.graph.initializer[0].dims[0] = -5
    return model


def huge_weight() -> onnx.ModelProto:
    model = linear()
    model.graph.initializer[0].dims[0] = 2**60
    return model


def typed(kind: int, shape: list[Any]) -> onnx.ModelProto:
    return model_of(
        [node("MatMul", "x", "w")],
        [floats("w", COUNT, 1)],
        given=helper.make_tensor_value_info("x", kind, shape),
    )


def two_inputs() -> onnx.ModelProto:
    model = linear()
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["rows", 1]))
    return model


def circle() -> onnx.ModelProto:
    return model_of([node("Add", "x", "b", to="a"), node("Add", "x", "a", to="b"), node("MatMul", "b", "w")],
                    [floats("w", COUNT, 1)])  # fmt: skip


HOSTILE: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "a file beside it": (external, "file beside it"),
    "a file beside it, as a constant": (external_constant, "file beside it"),
    "a loop": (loop_bomb, "'Loop' is not run"),
    "a graph inside": (hidden_graph, "graph of its own"),
    "a custom operator": (
        lambda: model_of([node("Evil", "x", domain="com.evil")], opsets=(("", 17), ("com.evil", 1))),
        "only ONNX's own",
    ),
    "an unknown operator": (lambda: model_of([node("Evil", "x")]), "'Evil' is not run"),
    "a size from the data": (
        lambda: model_of([node("Shape", "x", to="s"), node("ConstantOfShape", "s")]),
        "'ConstantOfShape' is not run",
    ),
    "a random number": (lambda: model_of([node("RandomNormalLike", "x")]), "'RandomNormalLike' is not run"),
    "an outer product": (outer_product, "numbers a row"),
    "an outer product that lies": (liar, "numbers a row"),
    "too many products": (many_products, "multiplies"),
    "too many operators": (many_nodes, "operators"),
    "functions": (functions, "functions"),
    "a weight of negative size": (negative_weight, "size that cannot be"),
    "a weight of impossible size": (huge_weight, "size that cannot be"),
    "an old operator set": (lambda: model_of([node("MatMul", "x", "w")], [floats("w", COUNT, 1)], opsets=(("", 1),)),
                            "ai.onnx 1"),
    "a future operator set": (lambda: model_of([node("MatMul", "x", "w")], [floats("w", COUNT, 1)],
                                               opsets=(("", 99),)), "ai.onnx 99"),
    "no operator set": (lambda: model_of([node("MatMul", "x", "w")], [floats("w", COUNT, 1)], opsets=()),
                        "no operator set"),
    "no operator": (lambda: model_of([]), "0 operators"),
    "a fixed number of rows": (lambda: typed(TensorProto.FLOAT, [1, COUNT]), "of a number left open|input is float"),
    "too few features": (lambda: typed(TensorProto.FLOAT, ["rows", COUNT - 1]), "input is float"),
    "an unknown number of features": (lambda: typed(TensorProto.FLOAT, ["rows", "many"]), "input is float"),
    "doubles": (lambda: typed(TensorProto.DOUBLE, ["rows", COUNT]), "input is double"),
    "a kind that does not exist": (lambda: typed(200, ["rows", COUNT]), "input is of no known kind"),
    "two inputs": (two_inputs, "2 inputs"),
    "two answers a row": (
        lambda: model_of([node("MatMul", "x", "w")], [floats("w", COUNT, 2)],
                         answer=helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 2])),
        "one float a row",
    ),
    "one answer for all rows": (
        lambda: model_of([node("ReduceMean", "x", axes=[0, 1], keepdims=1)],
                         answer=helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])),
        "one float a row",
    ),
    "rows that see each other": (broadcast_rows, "depends on the other rows"),
    "a circle": (circle, "not valid ONNX"),
    "a name from nowhere": (lambda: model_of([node("MatMul", "x", "nowhere")]), "not valid ONNX"),
    "weights that do not fit": (lambda: model_of([node("MatMul", "x", "w")], [floats("w", COUNT + 1, 1)]), "shapes"),
    "no number": (
        lambda: model_of([node("MatMul", "x", "w", to="h"), node("Log", "h")], [floats("w", COUNT, 1)]),
        "no finite number",
    ),
    "infinite": (lambda: linear(np.full(COUNT, np.inf)), "no finite number"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_broken_model_is_refused_and_told_why(name: str) -> None:
    made, why = HOSTILE[name]
    with pytest.raises(ModelRefused, match=why) as raised:
        examine(made().SerializeToString(), COUNT)
    assert raised.value.field == "model"


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"hello world" * 50, b"\xff" * 1000, b"PK\x03\x04" + b"x" * 100], ids=repr
)
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ModelRefused, match=r"empty|not an ONNX model|no operator set|not valid"):
        examine(content, COUNT)


def test_a_large_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(ModelRefused, match="20,971,520 is the most"):
        examine(b"\x08" * (MAX_BYTES + 1), COUNT)


@pytest.mark.exam(suite="broken models")
def test_broken_copies_of_models_never_end_in_anything_but_an_answer_or_a_refusal() -> None:
    """Bytes flipped, cut, doubled: parsers of a foreign format are where crashes are."""
    dice = random.Random(20_170_601)
    originals = [made().SerializeToString() for made in (linear, perceptron, forest, scaled)]
    tries = sized(400, 20_000)
    refused = 0
    for _ in range(tries):
        content = bytearray(dice.choice(originals))
        for _ in range(dice.randint(1, 8)):
            place = dice.randrange(len(content))
            match dice.randrange(4):
                case 0:
                    content[place] = dice.randrange(256)
                case 1:
                    content[place] ^= 1 << dice.randrange(8)
                case 2:
                    del content[place : place + dice.randint(1, 20)]
                case _:
                    content[place:place] = content[max(0, place - dice.randint(1, 20)) : place]
            if not content:
                break
        try:
            examine(bytes(content), COUNT)
            Session(bytes(content)).predict(np.zeros((3, COUNT), dtype=np.float32))
        except (ModelRefused, ModelFailed):
            refused += 1
    assert refused > tries // 3
    record("broken models", tried=tries, refused=refused, crashed=0)


def test_a_run_that_takes_too_long_is_ended() -> None:
    heavy = many_products().SerializeToString()
    session = Session(heavy, time_limit_s=0.05)
    with pytest.raises(ModelFailed, match=r"longer than 0\.05 seconds"):
        session.predict(np.ones((100_000, COUNT), dtype=np.float32))


def test_the_bounds_are_what_a_function_can_carry() -> None:
    """A chunk's tensors at the bound take 64 MB, its products under half a second."""
    assert _gate.MAX_ROW_ELEMENTS * CHUNK * 4 <= 64 * 1024 * 1024
    assert _gate.MAX_ROW_PRODUCTS * CHUNK <= 600_000_000
