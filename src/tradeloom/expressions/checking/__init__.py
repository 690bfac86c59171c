"""Static types of expressions: `facts` (what a condition implies), `rules` (operators), `checker` (the walk).

`templates` checks texts with expressions in them.
"""
