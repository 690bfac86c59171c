"""indicator.talib: any of TA-Lib's functions over bars, by name."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from tradeloom.errors import NodeConfigError, NotANumber
from tradeloom.nodes.base import Example, Tier, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    SERIES_LENGTH,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    last_series,
    previous,
)
from tradeloom.nodes.indicator._forgetting import bars_remembered
from tradeloom.nodes.indicator._functions import AVERAGES, Function, functions, known_function
from tradeloom.nodes.indicator._talib import lookback, talib
from tradeloom.trading.bars import MAX_BARS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.nodes.indicator._drawing import Pane
    from tradeloom.trading.bars import Bars

Column = Literal["close", "open", "high", "low", "median", "typical", "weighted", "volume"]

FunctionName = Annotated[
    str, AfterValidator(known_function), WithJsonSchema({"type": "string", "enum": list(functions())})
]

ROW_NUMBERS = frozenset({"MAXINDEX", "MININDEX", "MINMAXINDEX"})
"""Their outputs are rows of the array they are given, which mean nothing to anybody else."""

_OVERLAYS = frozenset({"overlap", "price transform"})
"""Groups of functions whose outputs are prices."""


class TalibConfig(IndicatorConfig):
    function: FunctionName = setting(
        "RSI",
        title="Function",
        help="Which of TA-Lib's functions, by its own name. Candlestick patterns are in the Pattern node.",
        widget="select",
        static=True,
    )
    parameters: dict[str, Any] = setting(
        default_factory=dict,
        title="Parameters",
        help="The function's own parameters by TA-Lib's names, such as timeperiod; the others keep TA-Lib's defaults. "
        f"Kinds of average (matype) go by name: {', '.join(AVERAGES)}.",
        widget="key-value",
        examples=[{"timeperiod": 14}, {"fastk_period": 14, "slowk_period": 3, "slowk_matype": "EMA"}],
    )
    source: Column = setting(
        "close",
        title="Price",
        help="Which column of the bars a function of one series takes; the first of two for BETA, CORREL, ADD and "
        "their like. Functions defined on high, low, close or volume take those by themselves.",
        widget="select",
        show_if={"function": [name for name, each in functions().items() if each.chooses_price]},
    )
    second_source: Column = setting(
        "open",
        title="Second price",
        help="The other column, for functions of two series.",
        widget="select",
        show_if={"function": [name for name, each in functions().items() if each.takes_two]},
        advanced=True,
    )
    output: str | None = setting(
        None,
        title="Output",
        help="Which of the function's outputs `value`, `previous` and `series` follow; its first when left empty.",
        widget="text",
        static=True,
        examples=["slowd", "upperband"],
        max_length=40,
    )

    @field_validator("parameters")
    @classmethod
    def _parameters_of_the_function(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        function = functions().get(info.data.get("function", ""))
        return value if function is None else function.checked(value)

    @field_validator("output")
    @classmethod
    def _output_of_the_function(cls, value: str | None, info: ValidationInfo) -> str | None:
        function = functions().get(info.data.get("function", ""))
        if value is not None and function is not None and value not in function.outputs:
            raise ValueError(f"{function.name} has no output {value!r}; it has {', '.join(function.outputs)}")
        return value


class TalibOutput(IndicatorOutput):
    value: float = Field(description="The chosen output on the last bar.")
    previous: float = Field(description="The chosen output one bar earlier.")
    values: dict[str, float] = Field(description="Every output of the function by TA-Lib's name, such as `upperband`.")
    previous_values: dict[str, float] = Field(description="Every output one bar earlier.")
    function: str = Field(description="The function, by TA-Lib's name.")
    series: list[float] = Field(
        description=f"The last {SERIES_LENGTH} values of the chosen output, oldest first; fewer when fewer bars were "
        "asked for or are there."
    )


class Talib(IndicatorNode):
    type = "indicator.talib"
    title = "TA-Lib function"
    description = "Any of TA-Lib's functions over bars, by name and with its own parameters."
    help = (
        "Choose a function by TA-Lib's name and give its parameters by theirs. `values` holds every output under "
        "TA-Lib's name (`= nodes.bands.values.upperband`; a function with one output calls it `real` or `integer`), "
        "`value` the first of them or the one you choose.\n\n"
        "Functions with a memory (averages, Wilder's smoothing, Hilbert transforms) get as many bars before yours as "
        "it takes for their start not to matter. Those that add up from the first bar (OBV, AD, PVT, NVI, PVI, WAD, "
        "CUMSUM, VWAP) have no level of their own: compare their value with the one before, never with a fixed number. "
        "MAXINDEX, MININDEX and MINMAXINDEX tell how many bars ago it was. Volume is what the broker gives, in FX the "
        "count of ticks.\n\n"
        "Where TA-Lib gives no number (the logarithm of a negative, a volume of zero divided by) the node fails and "
        "says so. MAVP is left out: it averages over periods that bars do not hold."
    )
    icon = "square-function"
    tier = Tier.PRO
    errors = (*IndicatorNode.errors, NodeConfigError)
    example = Example(
        title="Commodity channel index of 20 bars",
        config={"function": "CCI", "parameters": {"timeperiod": 20}},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = TalibConfig
    Output = TalibOutput

    @classmethod
    def memory(cls, config: Mapping[str, Any]) -> int:
        function = functions().get(str(config.get("function", "RSI")))
        given = config.get("parameters", {})
        if function is None or not isinstance(given, Mapping):
            return MAX_BARS
        values = {each.name: _known(each.checked, given.get(each.name, each.default)) for each in function.parameters}
        before = bars_remembered(function, values)
        return min(before, MAX_BARS) if None in values.values() else before

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        return cls.memory(values)

    @classmethod
    def bars_needed(cls, config: TalibConfig) -> int:
        return lookback(config.function, _arguments(config)) + 2

    def require(self, config: TalibConfig, bars: "Bars") -> None:
        import numpy as np

        inputs = _inputs(_function(config), config)
        if "volume" in inputs and not np.isfinite(bars.volume).all():
            raise NotANumber("a bar holds a volume that is no number", field="config.bars")

    @classmethod
    def columns(cls, config: TalibConfig, bars: "Bars") -> "Columns":
        function = _function(config)
        outputs = _outputs(function, config, bars)
        chosen = outputs[config.output or function.outputs[0]]
        made: Columns = {"value": chosen, "previous": previous(chosen)}
        for name, column in outputs.items():
            made[f"values.{name}"] = column
            made[f"previous_values.{name}"] = previous(column)
        return made

    @classmethod
    def panes(cls, config: TalibConfig) -> "dict[str, Pane]":
        function = _function(config)
        pane: Pane = "price" if function.group in _OVERLAYS else "own"
        return {f"values.{name}": pane for name in function.outputs}

    def more(self, config: TalibConfig, bars: "Bars", columns: "Columns") -> dict[str, Any]:
        return {"function": config.function, "series": last_series(columns["value"], bars)}


def _known(checked: Any, raw: Any) -> float | str | None:
    """A parameter as drawn; None where it is an expression, or nothing the parameter takes."""
    try:
        value: float | str = checked(raw)
    except ValueError:
        return None
    return value


def _function(config: TalibConfig) -> Function:
    return functions()[config.function]


def _inputs(function: Function, config: TalibConfig) -> list[str]:
    chosen = {"price": config.source, "price0": config.source, "price1": config.second_source}
    return [chosen.get(name, name) for name in function.inputs]


def _arguments(config: TalibConfig) -> dict[str, Any]:
    values = _function(config).checked(config.parameters)
    return {name: AVERAGES[value] if isinstance(value, str) else value for name, value in values.items()}


def _outputs(function: Function, config: TalibConfig, bars: "Bars") -> "dict[str, NDArray[np.float64]]":
    """Every output as float64, NaN before the function's first row."""
    import numpy as np

    arguments = _arguments(config)
    arrays = [bars.column(name) for name in _inputs(function, config)]
    try:
        made = getattr(talib(), function.name)(*arrays, **arguments)
    except Exception as error:  # TA-Lib raises nothing more special
        raise NodeConfigError(
            f"TA-Lib refuses {json.dumps(config.parameters)} for {function.name}: {error}", field="config.parameters"
        ) from error
    first = lookback(function.name, arguments)
    outputs = {}
    for name, column in zip(function.outputs, made if isinstance(made, tuple | list) else (made,), strict=True):
        column = column.astype(np.float64)
        column[:first] = np.nan
        outputs[name] = np.arange(len(column)) - column if function.name in ROW_NUMBERS else column
    return outputs
