"""JSON templates: any string that is `{% expression %}`, at any depth, is replaced by the expression's value."""

from collections.abc import Callable, Mapping
from typing import Any

from tradeloom.engine.codec import canonical
from tradeloom.engine.errors import InvalidDefinition
from tradeloom.engine.interpreter.failures import QUERY_EVALUATION, StatesError
from tradeloom.engine.interpreter.jsonata import parse
from tradeloom.engine.interpreter.quick import UNDEFINED

Variables = Mapping[str, Any]
Renderer = Callable[[Variables], Any]

OPEN, CLOSE = "{%", "%}"


class Template:
    """A parsed template. `field` is where it stands in the definition, for errors; `names` the variables it reads."""

    __slots__ = ("_render", "constant", "field", "names", "uses_context")

    def __init__(self, value: Any, field: str) -> None:
        self.field = field
        self.names: set[str] = set()
        self.uses_context = False
        render = self._renderer(value, field)
        self.constant: bool = render is None
        if render is None:
            fixed = canonical(value)
            render = _always(fixed)
        self._render = render

    def render(self, variables: Variables) -> Any:
        """The value. Raises `StatesError` where an expression fails or gives nothing."""
        return self._render(variables)

    def _renderer(self, value: Any, field: str) -> Renderer | None:
        """None when the value holds no expression."""
        if isinstance(value, str):
            return self._expression(value, field)
        if isinstance(value, dict):
            return self._object(value, field)
        if isinstance(value, list):
            return self._array(value, field)
        return None

    def _expression(self, text: str, field: str) -> Renderer | None:
        if not text.startswith(OPEN):
            return None
        if not text.endswith(CLOSE) or len(text) < len(OPEN) + len(CLOSE):
            raise InvalidDefinition(f"{text!r} begins an expression and does not end it", field=field)
        try:
            expression = parse(text[len(OPEN) : -len(CLOSE)].strip())
        except InvalidDefinition as error:
            raise InvalidDefinition(error.message, field=field) from error
        self.names |= expression.names
        self.uses_context |= "context" in expression.text
        evaluate = expression.evaluate

        def render(variables: Variables) -> Any:
            value = evaluate(variables)
            if value is UNDEFINED:
                raise StatesError(
                    QUERY_EVALUATION,
                    f"The JSONata expression '{expression.text}' specified for the field '{field}' "
                    "returned nothing (undefined).",
                )
            return value

        return render

    def _object(self, value: dict[str, Any], field: str) -> Renderer | None:
        fixed: dict[str, Any] = {}
        made: list[tuple[str, Renderer]] = []
        for key, item in value.items():
            render = self._renderer(item, f"{field}/{key}")
            if render is None:
                fixed[key] = canonical(item)
                continue
            fixed[key] = None  # keeps the keys' order
            made.append((key, render))
        if not made:
            return None

        def render_object(variables: Variables) -> Any:
            result = fixed.copy()
            for key, render in made:
                result[key] = render(variables)
            return result

        return render_object

    def _array(self, value: list[Any], field: str) -> Renderer | None:
        made = [(item, self._renderer(item, f"{field}[{index}]")) for index, item in enumerate(value)]
        if all(render is None for _, render in made):
            return None
        renderers = [_always(canonical(item)) if render is None else render for item, render in made]
        return lambda variables: [render(variables) for render in renderers]


def _always(value: Any) -> Renderer:
    return lambda variables: value
