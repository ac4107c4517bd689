"""Where compiled functions are kept: code that numba would compile again has a folder of its own."""

import os
import shutil
from pathlib import Path

import pytest

import pma
from pma.media.compiled import cache_folder


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copytree(Path(pma.__file__).parent, tmp_path / "here"))


def test_the_same_code_has_the_same_folder(package, tmp_path):
    assert cache_folder(package) == cache_folder(package)
    assert cache_folder(package).parent == tmp_path / "cache"


def test_the_same_code_in_another_place_has_another_folder(package, tmp_path):
    other = Path(shutil.copytree(package, tmp_path / "there"))
    assert cache_folder(other) != cache_folder(package)


def test_code_that_was_checked_out_again_has_another_folder(package):
    before = cache_folder(package)
    os.utime(package / "mmm" / "density.py", ns=(1, 1))
    assert cache_folder(package) != before


def test_where_the_cache_cannot_be_written_the_temporary_folder_is_taken(package, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache_folder(package).parent == tmp_path
