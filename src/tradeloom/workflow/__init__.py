"""The workflow document, its graph, and what can be wrong with them."""
