"""What an uploaded model must be before it is ever run.

A list of operators that compute and nothing else: no subgraphs, no functions, no files beside it, nothing that makes a
tensor of a size the data chooses. Then shapes are inferred for a full chunk of rows, so that memory and arithmetic are
known, and bounded, before anything runs.
"""

import math
from typing import TYPE_CHECKING, Any

from tradeloom.errors import ModelFailed, ModelRefused
from tradeloom.nodes.ml._session import CHUNK, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 20 * 1024 * 1024
MAX_NODES = 1_000
OPSETS = {"": (7, 23), "ai.onnx.ml": (1, 5)}
"""Domains and the versions of them that are run here."""

MAX_ROW_ELEMENTS = 65_536
"""Numbers all intermediate tensors hold together, for one row."""

MAX_ROW_PRODUCTS = 2_000_000
"""Multiplications for one row."""

TRIED_ROWS = 16

ELEMENTWISE = """
    Abs Acos Add And Asin Atan Cast Ceil Celu Clip Cos Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual
    HardSigmoid HardSwish Identity Less LessOrEqual LeakyRelu Log LogSoftmax Max Mean Min Mish Mul Neg Not Or PRelu
    Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Sub Sum Tan Tanh Where Xor
"""
SHAPES = """
    Concat Constant Flatten Gather Reshape Slice Split Squeeze Transpose Unsqueeze Shape ArgMax ArgMin ReduceL1 ReduceL2
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
"""
LAYERS = "BatchNormalization Gemm LayerNormalization MatMul"
TRADITIONAL = frozenset({"LinearRegressor", "Normalizer", "Scaler", "TreeEnsembleRegressor", "SVMRegressor"})
ALLOWED = {"": frozenset(f"{ELEMENTWISE} {SHAPES} {LAYERS}".split()), "ai.onnx.ml": TRADITIONAL}


def examine(content: bytes, features: int) -> None:
    """Raises `ModelRefused`, saying why, for anything but a model of `features` floats in and one float out, a row."""
    if not content:
        raise _refused("The file is empty.")
    if len(content) > MAX_BYTES:
        raise _refused(f"The file has {len(content):,} bytes; {MAX_BYTES:,} is the most.")
    import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own errors, and what it raises on half a file
        raise _refused("The file is not an ONNX model.") from error
    _examine_versions(model)
    _examine_graph(model)
    _examine_signature(model, features)
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise _refused(f"The model is not valid ONNX: {_first_line(error)}") from error
    _examine_cost(model, features)
    _try_out(content, features)


def _examine_versions(model: Any) -> None:
    if not model.opset_import:
        raise _refused("The model names no operator set.")
    for imported in model.opset_import:
        domain = "" if imported.domain == "ai.onnx" else imported.domain
        if domain not in OPSETS:
            raise _refused(f"The model uses operators of {imported.domain[:80]!r}; only ONNX's own are run here.")
        least, most = OPSETS[domain]
        if not least <= imported.version <= most:
            name = domain or "ai.onnx"
            raise _refused(f"The model uses {name} {imported.version}; {least} to {most} are run here.")
    if len(model.functions) or len(model.training_info):
        raise _refused("The model brings functions or training steps; only a plain graph is run here.")


def _examine_graph(model: Any) -> None:
    graph = model.graph
    if not 1 <= len(graph.node) <= MAX_NODES:
        raise _refused(f"The model has {len(graph.node):,} operators; 1 to {MAX_NODES:,} may be used.")
    if len(graph.sparse_initializer):
        raise _refused("The model has sparse weights, which are not run here.")
    for tensor in graph.initializer:
        _examine_tensor(tensor)
    for node in graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if node.op_type not in ALLOWED.get(domain, ()):
            hint = f"These may be used: {', '.join(sorted(set().union(*ALLOWED.values())))}."
            raise _refused(f"The operator {node.op_type[:80]!r} is not run here.", hint=hint)
        for attribute in node.attribute:
            if attribute.HasField("g") or len(attribute.graphs) or attribute.ref_attr_name:
                raise _refused(f"The operator {node.op_type} holds a graph of its own.")
            if attribute.HasField("sparse_tensor") or len(attribute.sparse_tensors):
                raise _refused(f"The operator {node.op_type} holds a sparse tensor.")
            for tensor in [attribute.t, *attribute.tensors] if attribute.HasField("t") else attribute.tensors:
                _examine_tensor(tensor)


def _examine_tensor(tensor: Any) -> None:
    from onnx import TensorProto

    if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
        raise _refused("The model keeps weights in a file beside it.", hint="Save it as one file.")
    if any(size < 0 for size in tensor.dims) or math.prod(tensor.dims) > MAX_BYTES:
        raise _refused(f"The weight {tensor.name[:80]!r} has a size that cannot be.")


def _examine_signature(model: Any, features: int) -> None:
    from onnx import TensorProto

    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise _refused(
            f"The model has {len(inputs)} inputs and {len(model.graph.output)} outputs; it must have one of each."
        )
    given = inputs[0].type.tensor_type
    shape = [size.dim_value if size.HasField("dim_value") else None for size in given.shape.dim]
    if given.elem_type != TensorProto.FLOAT or shape != [None, features]:
        told = [size if size is not None else "any" for size in shape]
        known = given.elem_type in TensorProto.DataType.values()
        kind = TensorProto.DataType.Name(given.elem_type).lower() if known else "of no known kind"
        raise _refused(
            f"The model's input is {kind} {told}.",
            hint=f"It must be float [any, {features}]: rows first, of a number left open, then the declared features.",
        )
    if model.graph.output[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise _refused("The model's output is not float.")


def _examine_cost(model: Any, features: int) -> None:
    """Infer every shape for a chunk of rows, and bound what the intermediate tensors and products come to."""
    import onnx

    sized = onnx.ModelProto()
    sized.CopyFrom(model)
    weights = {tensor.name: list(tensor.dims) for tensor in sized.graph.initializer}
    for given in sized.graph.input:
        if given.name not in weights:
            given.type.tensor_type.shape.dim[0].dim_value = CHUNK
    for told in [*sized.graph.output]:
        told.type.tensor_type.ClearField("shape")
    del sized.graph.value_info[:]  # what the file says of its own tensors is not to be believed
    try:
        inferred = onnx.shape_inference.infer_shapes(sized, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:
        raise _refused(f"The model's shapes do not fit together: {_first_line(error)}") from error
    shapes = dict(weights)
    for each in [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]:
        shapes.setdefault(each.name, _shape(each))
    elements = products = 0
    for node in inferred.graph.node:
        made = [_elements(node, name, shapes) for name in node.output if name]
        elements += sum(made)
        products += sum(made) * _products_each(node, shapes)
    if elements > MAX_ROW_ELEMENTS * CHUNK:
        raise _refused(f"The model makes {elements // CHUNK:,} numbers a row; {MAX_ROW_ELEMENTS:,} is the most.")
    if products > MAX_ROW_PRODUCTS * CHUNK:
        raise _refused(f"The model multiplies {products // CHUNK:,} times a row; {MAX_ROW_PRODUCTS:,} is the most.")
    outcome = shapes[inferred.graph.output[0].name]
    if outcome not in ([CHUNK, 1], [CHUNK]):
        raise _refused(f"The model gives {outcome} for {CHUNK} rows; it must give one float a row.")


def _shape(value: Any) -> list[int] | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") or not all(size.HasField("dim_value") for size in tensor.shape.dim):
        return None
    return [size.dim_value for size in tensor.shape.dim]


def _elements(node: Any, name: str, shapes: dict[str, list[int] | None]) -> int:
    shape = shapes.get(name)
    if shape is None and node.op_type in TRADITIONAL:
        shape = shapes[name] = _traditional(node, shapes)
    if shape is None:
        raise _refused(f"The size of what {node.op_type} gives cannot be known before it runs.")
    return math.prod(shape)


def _traditional(node: Any, shapes: dict[str, list[int] | None]) -> list[int] | None:
    """Shapes of `ai.onnx.ml` operators that ONNX does not infer: a scaler keeps its input's."""
    given = shapes.get(node.input[0])
    if given is None or node.op_type in {"Scaler", "Normalizer"}:
        return given
    targets = next((each.i for each in node.attribute if each.name in {"targets", "n_targets"}), 1)
    return [given[0], int(targets)]


def _products_each(node: Any, shapes: dict[str, list[int] | None]) -> int:
    """How many multiplications one element of the output takes, at most."""
    if node.op_type in {"MatMul", "Gemm"}:
        return max(_lengths(shapes.get(name) for name in node.input[:2]), default=1)
    if node.op_type in {"LinearRegressor", "TreeEnsembleRegressor", "SVMRegressor"}:
        # All of it may be gone through for each row.
        return max((len(each.floats) for each in node.attribute), default=1)
    if node.op_type.startswith(("Reduce", "Arg", "Softmax", "LogSoftmax", "LayerNorm")):
        return max((math.prod(shape) // CHUNK for shape in [shapes.get(node.input[0]) or [CHUNK]]), default=1)
    return max(1, len(node.input))


def _lengths(found: "Iterable[list[int] | None]") -> list[int]:
    return [size for shape in found if shape for size in shape if size != CHUNK] or [CHUNK]


def _try_out(content: bytes, features: int) -> None:
    """A run of a few rows: what the shapes promise must also come out, and each row's answer be its own.

    A model that mixes rows would see later bars in its test, and answer differently for one bar and for many.
    """
    import numpy as np

    rows = np.random.RandomState(1).standard_normal((TRIED_ROWS, features)).astype(np.float32)
    rows[:3] = [[0.0], [1.0], [-1.0]]
    try:
        session = Session(content, time_limit_s=2.0)
        together = session.predict(rows)
        alone = np.concatenate([session.predict(rows[place : place + 1]) for place in range(TRIED_ROWS)])
    except ModelFailed as error:
        raise _refused(error.message, hint=error.hint) from error
    if not np.allclose(together, alone, rtol=1e-3, atol=1e-5):
        raise _refused("The model's answer for a row depends on the other rows.")


def _refused(message: str, *, hint: str | None = None) -> ModelRefused:
    return ModelRefused(message, field="model", hint=hint)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
