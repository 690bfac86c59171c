"""Interpreter of the Amazon States Language subset the compiler emits (JSONata query language)."""
