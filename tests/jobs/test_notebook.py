"""The notebook runs from top to bottom on the shop's tables and shows what it promises."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.jobs.shop import REPOSITORY


@pytest.fixture(scope="module")
def executed(shop, tmp_path_factory):
    notebook = nbformat.read(REPOSITORY / "notebooks/customer.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PMA_WAREHOUSE", str(shop.parent / "warehouse"))
        patch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(REPOSITORY)}}).execute()
    return notebook


def test_it_shows_vector_blocks_neighbours_purchases_and_two_pictures(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    text = "\n".join(output["data"]["text/plain"] for output in outputs if "data" in output)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]

    assert "60 customers with history on 2017-08-28" in text
    for words in ("purchases", "location", "cosine", "all others", "receipts more than others"):
        assert words in text
    assert len(pictures) == 2


def test_the_stored_notebook_carries_no_output():
    notebook = nbformat.read(REPOSITORY / "notebooks/customer.ipynb", as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []
