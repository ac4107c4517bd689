"""Tiny scripts in a scratch bundle, really run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from pma.bundle import BundleError, Task
from pma.runs import new_run_id
from pma.workflow import Result, main, select, table

REPOSITORY = Path(__file__).parent.parent
# Writes its name, its words and the run's id into the folder it runs in, then does what it was told.
SCRIPT = """
import os, sys, time
from pathlib import Path
name = Path(sys.argv[0]).stem
with open("log", "a") as log:
    log.write(f"{name} {' '.join(sys.argv[1:])}\\n")
"""


@pytest.fixture
def job(tmp_path):
    """`job(a="", b="sys.exit(3)")` returns a job file; each script ends in its code and waits for those before it."""

    def write(**endings):
        (tmp_path / "databricks.yml").write_text(
            '{bundle: {name: mine}, variables: {conf: {default: "none"}}}', encoding="utf-8"
        )
        tasks = []
        for name, ending in endings.items():
            (tmp_path / f"{name}.py").write_text(f"{SCRIPT}{ending}\n", encoding="utf-8")
            tasks.append(
                {
                    "task_key": name,
                    "depends_on": [{"task_key": before} for before in list(endings)[: list(endings).index(name)]],
                    "spark_python_task": {
                        "python_file": f"{name}.py",
                        "parameters": ["--conf", "${var.conf}", "{{job.run_id}}"],
                    },
                }
            )
        # Declared in reverse: only the dependencies can bring them into order.
        tree = {"resources": {"jobs": {"mine": {"tasks": tasks[::-1]}}}}
        (tmp_path / "mine.job.yml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        return tmp_path / "mine.job.yml"

    return write


@pytest.fixture(autouse=True)
def one_run(monkeypatch):
    monkeypatch.setattr("pma.workflow.new_run_id", lambda: "R")


def log_of(file):
    log = file.parent / "log"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def test_all_tasks_run_in_order_with_their_parameters_under_one_run_id(job, capfd):
    file = job(a="", b="", c="")

    status = main(["run", str(file), "--var", "conf=mine.yml"])

    assert status == 0
    assert log_of(file) == ["a --conf mine.yml R", "b --conf mine.yml R", "c --conf mine.yml R"]
    out, err = capfd.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["task", "a", "b", "c", "all"]
    assert "run R: a, b, c" in err
    assert "R [2/3] b ..." in err


def test_several_jobs_run_one_after_the_other_under_one_run_id(job, tmp_path):
    first = job(a="", b="").rename(tmp_path / "first.job.yml")
    second = job(c="")

    assert main(["run", str(first), str(second), "--var", "conf=mine.yml"]) == 0
    assert log_of(first) == ["a --conf mine.yml R", "b --conf mine.yml R", "c --conf mine.yml R"]
    assert main(["run", str(first), str(second), "--from", "b"]) == 0
    assert log_of(first)[3:] == ["b --conf none R", "c --conf none R"]


def test_a_task_of_two_jobs_of_one_run_is_refused(job, tmp_path, capfd):
    first = job(a="").rename(tmp_path / "first.job.yml")

    assert main(["run", str(first), str(job(a=""))]) == 2
    assert "mine.job.yml: task a is declared by another job of this run too" in capfd.readouterr().err


def test_a_setting_of_the_command_line_reaches_every_task(job):
    file = job(a="", b="")
    assert main(["run", str(file), "--var", "conf=mine.yml", "--set", "x.y=1", "--set", "z=2"]) == 0
    assert log_of(file) == ["a --conf mine.yml R --set x.y=1 --set z=2", "b --conf mine.yml R --set x.y=1 --set z=2"]


def test_every_run_has_an_id_of_its_own_that_its_tasks_share(job, monkeypatch):
    monkeypatch.setattr("pma.workflow.new_run_id", new_run_id)
    file = job(a="", b="")

    assert [main(["run", str(file)]) for _ in range(2)] == [0, 0]

    first, again, second, once_more = (line.split()[-1] for line in log_of(file))
    assert (first, second) == (again, once_more)
    assert first != second


def test_the_first_failure_stops_the_run_and_its_status_is_handed_on_with_the_way_back(job, capfd):
    file = job(a="", b="sys.exit(3)", c="")

    status = main(["run", str(file)])

    assert status == 3
    assert log_of(file) == ["a --conf none R", "b --conf none R"]
    out, err = capfd.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["task", "a", "b", "all"]
    assert "b failed" in err
    assert "--from b" in err


def test_a_script_that_raises_stops_the_run_and_its_error_is_printed(job, capfd):
    file = job(a="raise ValueError('il.purchases: no rows')", b="")

    assert main(["run", str(file)]) == 1

    assert log_of(file) == ["a --conf none R"]
    assert "ValueError: il.purchases: no rows" in capfd.readouterr().err


def test_a_script_has_the_folder_and_the_command_line_to_itself(job):
    file = job(a="os.chdir('/'); sys.argv.append('x')", b="")
    ours, here = list(sys.argv), Path.cwd()

    assert main(["run", str(file)]) == 0

    assert log_of(file) == ["a --conf none R", "b --conf none R"]
    assert (sys.argv, Path.cwd()) == (ours, here)


def test_one_task_alone_or_all_from_one_on_can_be_run(job):
    file = job(a="", b="", c="")

    assert main(["run", str(file), "--only", "b"]) == 0
    assert main(["run", str(file), "--from", "b"]) == 0

    assert [line.split()[0] for line in log_of(file)] == ["b", "b", "c"]


def test_a_long_task_says_how_long_it_has_taken(job, monkeypatch, capfd):
    monkeypatch.setattr("pma.workflow.HEARTBEAT_SECONDS", 0.2)

    assert main(["run", str(job(a="time.sleep(0.7)"))]) == 0

    assert "[1/1] a ... 0 s" in capfd.readouterr().err


def test_show_prints_what_would_run_and_runs_nothing(job, capfd):
    file = job(a="", b="")

    assert main(["show", str(file), "--var", "conf=x y"]) == 0

    assert capfd.readouterr().out.splitlines() == [
        f"a: {file.parent}/a.py --conf 'x y' '{{{{job.run_id}}}}'",
        f"b: {file.parent}/b.py --conf 'x y' '{{{{job.run_id}}}}'",
    ]
    assert log_of(file) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "x"], "no task x; allowed: a, b"),
        (["--var", "cnof=1"], "declares no variable cnof (did you mean conf?)"),
        (["--var", "conf"], "--var conf: found no `=`"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_runs(job, capfd, words, message):
    file = job(a="", b="")

    assert main(["run", str(file), *words]) == 2

    assert message in capfd.readouterr().err
    assert log_of(file) == []


def test_a_script_that_does_not_exist_is_named_before_anything_runs(job, capfd):
    file = job(a="", b="")
    (file.parent / "b.py").unlink()

    assert main(["run", str(file)]) == 2

    assert f"task b names {file.parent}/b.py, which does not exist" in capfd.readouterr().err
    assert log_of(file) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_that_is_killed_says_how_to_complete_it(job, number, status):
    file = job(a="Path('ready').touch(); time.sleep(60)")
    runner = subprocess.Popen(
        [sys.executable, "-m", "pma.workflow", "run", str(file)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until((file.parent / "ready").exists)
        runner.send_signal(number)
        said = runner.communicate(timeout=30)[1]
    finally:
        runner.kill()

    assert runner.returncode == status
    assert ("run the same command again to complete it" in said) == (number != signal.SIGKILL)


def wait_until(true):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "nothing happened for 30 s"
        time.sleep(0.05)


def test_the_table_gives_each_task_and_the_sum_of_seconds_with_the_highest_peak():
    results = [
        Result(Task(key, Path("x"), (), ()), 0, seconds, peak)
        for key, seconds, peak in [("load", 12.34, 2_000_000_000), ("autoencoder", 60.0, 3_456_000_000)]
    ]

    assert table(results).splitlines() == [
        "task          seconds   peak GB",
        "load             12.3      2.00",
        "autoencoder      60.0      3.46",
        "all              72.3      3.46",
    ]


def test_only_and_from_choose_among_the_tasks_in_their_order():
    tasks = [Task(key, Path("x"), (), ()) for key in "abc"]

    assert select(tasks, None, None) == tasks
    assert select(tasks, "b", None) == tasks[1:2]
    assert select(tasks, None, "b") == tasks[1:]
    with pytest.raises(BundleError, match="no task d; allowed: a, b, c"):
        select(tasks, None, "d")
