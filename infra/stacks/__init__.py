"""One module a stack, in the order they deploy."""
