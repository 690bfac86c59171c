"""What a browser fetches before the editor stands: all script that is imported at once, as it goes over the wire."""

import pytest

from tests.console.first_load import MANIFEST, gzipped_sizes

LIMIT_BYTES = 250_000


@pytest.mark.skipif(not MANIFEST.exists(), reason="no console here: make console")
def test_the_editor_is_there_with_little_script() -> None:
    sizes = gzipped_sizes()
    largest = sorted(sizes.items(), key=lambda each: -each[1])[:8]
    assert sum(sizes.values()) < LIMIT_BYTES, f"{sum(sizes.values())} bytes gzipped; the largest: {largest}"
