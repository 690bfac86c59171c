"""The language's words."""

LITERAL_WORDS = frozenset({"true", "false", "null", "in"})
"""Words the grammar itself uses: neither a name nor a field after a dot."""

# fmt: off
RESERVED_WORDS = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
})
# fmt: on
"""Words CEL reserves for host languages: not a name, but allowed as a field after a dot."""

ROOTS = frozenset({"input", "inputs", "nodes", "trigger", "item", "index"})
"""The names a workflow's expressions start from."""

KEYWORDS = LITERAL_WORDS | RESERVED_WORDS | ROOTS
"""Words a node's id must avoid. Function names are not among them: `nodes.max.value` is a field, never a call."""
