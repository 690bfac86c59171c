"""Why something of an account cannot be used: found once, raised at every use."""

from tradeloom.errors import StorageUnavailable


def unusable(thing: str, trouble: StorageUnavailable | None) -> StorageUnavailable:
    """To be raised: the trouble with `thing`, or that it is not open. Without the way it came before, since an error
    keeps every frame that it ever went through."""
    return (trouble or StorageUnavailable(f"{thing} is not open")).with_traceback(None)
