"""Which Tradeloom this is."""

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """As installed; "0" where the sources are used as they lie."""
    try:
        return version("tradeloom")
    except PackageNotFoundError:
        return "0"
