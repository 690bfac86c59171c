"""How a config string says what it is: `= expression`, or text, which may hold `{{ … }}`."""


def is_expression(value: str) -> bool:
    """Whether the whole string is one expression: it starts with `=`."""
    return value.startswith("=")


def expression_source(value: str) -> str:
    """The expression of such a string: what follows the `=`. Positions in it are one less than in the string."""
    return value.removeprefix("=")


def unescape(value: str) -> str:
    """Plain text that has to start with `=` is written `\\=`; this takes the backslash off."""
    return value[1:] if value.startswith("\\=") else value


def has_placeholders(value: str) -> bool:
    """Whether the text may hold `{{ … }}` and so has to be parsed as a template."""
    return "{{" in value
