"""The command line: `tradeloom`.

Exit codes: 0 done · 1 the execution failed · 2 wrong usage · 3 a document or input that cannot be used · 4 something
around Tradeloom does not work (PostgreSQL, bridge, port, disk) · 5 a fault of Tradeloom itself · 130 interrupted.
"""

from tradeloom.cli.app import main as main
