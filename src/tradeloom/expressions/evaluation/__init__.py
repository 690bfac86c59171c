"""Evaluation: syntax tree → nested closures (`build`) → one run of them (`program`)."""
