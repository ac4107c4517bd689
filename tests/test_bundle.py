"""The declaration that Databricks deploys: every field, file, variable and order in it is real."""

import re
from pathlib import Path

import pytest
import yaml
from databricks.bundles.jobs import Job

from pma.bundle import BundleError, Task, bundle_root, in_order, read_tasks, resolve
from pma.settings import parse
from pma.tables import WarehouseSettings

REPOSITORY = Path(__file__).parent.parent
BUNDLE = yaml.safe_load((REPOSITORY / "databricks.yml").read_text(encoding="utf-8"))
JOB_FILES = sorted((REPOSITORY / "conf" / "bundle").glob("*.job.yml"))
# What Databricks itself knows, beside the bundle's own variables.
BUILT_IN = {
    "bundle.name",
    "bundle.target",
    "bundle.git.commit",
    "workspace.file_path",
    "workspace.current_user.userName",
    "workspace.current_user.short_name",
}

each_file = pytest.mark.parametrize("file", JOB_FILES, ids=lambda file: file.name)


def declared_job(file):
    (job,) = yaml.safe_load(file.read_text(encoding="utf-8"))["resources"]["jobs"].values()
    return job


def texts(tree):
    if isinstance(tree, dict):
        tree = [*tree.keys(), *tree.values()]
    if isinstance(tree, list):
        return [text for item in tree for text in texts(item)]
    return [tree] if isinstance(tree, str) else []


@pytest.fixture
def bundle(tmp_path):
    """A bundle of one's own in a scratch folder: `bundle(tasks, variables)` returns the job file."""

    def write(tasks, variables=None):
        (tmp_path / "databricks.yml").write_text(
            yaml.safe_dump({"bundle": {"name": "mine"}, "variables": variables or {}}), encoding="utf-8"
        )
        file = tmp_path / "conf" / "mine.job.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump({"resources": {"jobs": {"mine": {"tasks": tasks}}}}), encoding="utf-8")
        return file

    return write


def task(key, after=(), parameters=(), script="../jobs/x.py"):
    return {
        "task_key": key,
        "depends_on": [{"task_key": other} for other in after],
        "spark_python_task": {"python_file": script, "parameters": list(parameters)},
    }


def test_the_bundle_includes_every_job_file_and_only_files_that_exist():
    included = [path for pattern in BUNDLE["include"] for path in REPOSITORY.glob(pattern)]

    assert sorted(included) == JOB_FILES
    assert [file.name.removesuffix(".job.yml") for file in JOB_FILES] == [
        *("embeddings", "maintenance", "marketing", "mmm", "mmm_selection", "planning", "simulation")
    ]


@each_file
def test_databricks_own_package_accepts_every_field_of_the_job(file):
    job = Job.from_dict(declared_job(file))

    assert [parsed.task_key for parsed in job.tasks] == [task["task_key"] for task in declared_job(file)["tasks"]]


def test_databricks_own_package_refuses_a_misspelt_field():
    wrong = declared_job(JOB_FILES[0]) | {"max_concurent_runs": 1}

    with pytest.raises(ValueError, match="Unexpected field 'max_concurent_runs'"):
        Job.from_dict(wrong)


@each_file
def test_every_script_that_a_task_names_exists(file):
    missing = [str(task.script) for task in read_tasks(file, {}) if not task.script.is_file()]

    assert missing == []


def test_every_script_of_jobs_is_a_task_of_one_job_but_the_one_for_machines_without_spark():
    named = [task.script for file in JOB_FILES for task in read_tasks(file, {})]

    assert [script.name for script in REPOSITORY.glob("jobs/*.py") if named.count(script) != 1] == ["land_mmm.py"]


@each_file
def test_every_task_runs_on_a_cluster_that_its_job_declares(file):
    job = declared_job(file)
    clusters = {cluster["job_cluster_key"] for cluster in job["job_clusters"]}

    assert {task["task_key"]: task["job_cluster_key"] in clusters for task in job["tasks"]} == {
        task["task_key"]: True for task in job["tasks"]
    }


@each_file
def test_every_task_installs_the_wheel_that_the_bundle_builds(file):
    folder = file.parent
    for declared in declared_job(file)["tasks"]:
        wheels = [library["whl"] for library in declared["libraries"] if "whl" in library]

        assert [(folder / wheel).parent.resolve() for wheel in wheels] == [REPOSITORY / "dist"]
    assert "--wheel-dir dist" in BUNDLE["artifacts"]["pma"]["build"]


def test_every_init_script_lies_in_the_repository_and_may_be_executed():
    scripts = [
        script["workspace"]["destination"]
        for file in JOB_FILES
        for cluster in declared_job(file)["job_clusters"]
        for script in cluster["new_cluster"].get("init_scripts", [])
    ]

    assert scripts == ["${workspace.file_path}/conf/bundle/init/horovod.sh"]
    local = Path(scripts[0].replace("${workspace.file_path}", str(REPOSITORY)))
    assert local.is_file()
    assert local.stat().st_mode & 0o111


def test_every_variable_used_is_declared_and_every_declared_one_is_used():
    everywhere = [BUNDLE] + [yaml.safe_load(file.read_text(encoding="utf-8")) for file in JOB_FILES]
    used = {name for tree in everywhere for text in texts(tree) for name in re.findall(r"\$\{([^}]*)\}", text)}
    declared = {f"var.{name}" for name in BUNDLE["variables"]}

    assert {name for name in used if name.startswith("var.")} == declared
    assert {name for name in used if not name.startswith("var.")} <= BUILT_IN


def test_every_variable_says_what_it_is():
    assert [name for name, body in BUNDLE["variables"].items() if not body.get("description")] == []


def test_targets_are_a_default_development_one_and_a_production_one_run_by_a_service_principal():
    targets = BUNDLE["targets"]

    assert {name: target["mode"] for name, target in targets.items()} == {"dev": "development", "prod": "production"}
    assert targets["dev"]["default"] is True
    assert targets["prod"]["run_as"] == {"service_principal_name": "${var.service_principal}"}
    assert targets["prod"]["workspace"]["root_path"].startswith("/Workspace/Shared/")
    assert [name for name, target in targets.items() if set(target["variables"]) - set(BUNDLE["variables"])] == []


@each_file
def test_every_task_gets_the_catalog_and_the_prefix_of_its_schemas(file):
    given = {"conf": str(REPOSITORY / "conf/databricks.yml"), "catalog": "dev", "schema_prefix": "ann_lee_"}
    for read in read_tasks(file, given):
        settings, _ = parse(read.parameters, read.key)
        assert settings.warehouse == WarehouseSettings(path=None, catalog="dev", schema_prefix="ann_lee_")


def test_each_developer_has_schemas_of_their_own_and_production_the_plain_ones():
    prefixes = {name: target["variables"]["schema_prefix"] for name, target in BUNDLE["targets"].items()}

    assert prefixes == {"dev": "${workspace.current_user.short_name}_", "prod": ""}
    assert BUNDLE["variables"]["schema_prefix"]["default"] == ""


def test_no_workspace_is_named():
    files = [REPOSITORY / "databricks.yml", *JOB_FILES]

    assert [file.name for file in files if "host:" in file.read_text(encoding="utf-8")] == []


def test_the_embeddings_are_computed_in_the_order_of_their_needs():
    tasks = read_tasks(REPOSITORY / "conf/bundle/embeddings.job.yml", {"conf": "conf/local.yml", "as_of": "2017-10-23"})

    assert [task.key for task in tasks] == [
        *("load", "features", "products", "places", "receipts", "autoencoder", "embed", "quality")
    ]
    assert {task.parameters for task in tasks} == {
        (
            *("--conf", "conf/local.yml", "--set", "warehouse.catalog=", "--set", "warehouse.schema_prefix="),
            *("--set", "artifacts="),
            *("--run-id", "{{job.run_id}}", "--as-of", "2017-10-23"),
        )
    }


def test_the_settings_file_of_the_deployment_is_the_default():
    (first, *_) = read_tasks(REPOSITORY / "conf/bundle/embeddings.job.yml", {})

    assert first.parameters[:2] == ("--conf", f"{REPOSITORY}/conf/databricks.yml")


def test_tasks_stand_after_all_they_wait_for_and_otherwise_as_declared(bundle):
    file = bundle([task("c", ["b", "a"]), task("z"), task("b"), task("a", ["b"])])

    assert [read.key for read in read_tasks(file, {})] == ["z", "b", "a", "c"]


def test_the_bundle_is_the_folder_of_databricks_yml(bundle, tmp_path):
    file = bundle([task("a")])

    assert bundle_root(file) == tmp_path
    (read,) = read_tasks(file, {})
    assert read == Task("a", tmp_path / "jobs" / "x.py", (), ())


def test_variables_come_from_the_command_line_then_from_the_default_which_may_name_others(bundle):
    variables = {"one": {"default": "${var.two}/x"}, "two": {"default": 2}, "three": {"default": "3"}}
    file = bundle([task("a", parameters=["${var.one}-${var.three}", "${workspace.file_path}", 7])], variables)

    (read,) = read_tasks(file, {"three": "III"})

    assert read.parameters == ("2/x-III", str(bundle_root(file)), "7")


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([task("a", ["b"]), task("b", ["a"]), task("c")], "tasks wait for each other in a circle: a, b$"),
        ([task("a", ["a"])], "tasks wait for each other in a circle: a$"),
        ([task("load"), task("b", ["laod"])], r"task b depends on laod \(did you mean load\?\); allowed: b, load"),
        ([task("a"), task("a")], "task a is declared twice"),
        ([], "mine.job.yml: the job has no tasks"),
        ([{"task_key": "n", "notebook_task": {}}], "task n has no spark_python_task"),
        ([task("a", parameters=["${var.cnof}"])], r"task a: no value .* for var.cnof \(did you mean var.conf\?\)"),
        ([task("a", parameters=["${job.id}"])], "task a: no value on this machine for job.id; allowed: "),
        ([task("a", parameters=["${var.empty}"])], "no value on this machine for var.empty"),
        ([task("a", parameters=["${var.loop}"])], "variables refer to each other in a circle"),
    ],
)
def test_a_declaration_that_cannot_be_followed_is_refused_by_name(bundle, tasks, message):
    variables = {
        "conf": {"default": "c.yml"},
        "empty": {"description": "no default"},
        "loop": {"default": "${var.loop}"},
    }
    file = bundle(tasks, variables)

    with pytest.raises(BundleError, match=message):
        read_tasks(file, {})


def test_a_variable_that_the_bundle_does_not_declare_is_refused_by_name(bundle):
    file = bundle([task("a")], {"catalog": {"default": ""}})

    with pytest.raises(BundleError, match=r"declares no variable catalogue \(did you mean catalog\?\)"):
        read_tasks(file, {"catalogue": "x"})


def test_a_file_with_no_job_a_broken_one_and_one_outside_a_bundle_are_refused_by_name(bundle, tmp_path):
    file = bundle([])
    file.write_text("resources: {}", encoding="utf-8")
    with pytest.raises(BundleError, match=r"mine.job.yml: found 0 jobs under resources.jobs; allowed: one to a file"):
        read_tasks(file, {})
    file.write_text("a: [", encoding="utf-8")
    with pytest.raises(BundleError, match=r"mine.job.yml: not valid YAML"):
        read_tasks(file, {})
    (tmp_path / "databricks.yml").unlink()
    with pytest.raises(
        BundleError, match=r"mine.job.yml: no databricks.yml with the key `bundle` in a folder above it"
    ):
        read_tasks(file, {})


def test_the_order_does_not_depend_on_anything_but_the_declaration():
    tasks = [Task(key, Path("x"), (), after) for key, after in [("d", ("a",)), ("c", ()), ("a", ()), ("b", ("c", "a"))]]

    assert [ordered.key for ordered in in_order(tasks, Path("f"))] == ["c", "a", "d", "b"]


def test_text_without_a_variable_stays_as_it_is():
    assert resolve("a $b {c} {{job.id}}", {"var.b": "x"}, "here") == "a $b {c} {{job.id}}"
