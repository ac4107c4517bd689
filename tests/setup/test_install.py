"""conf/setup/install.py: each step once, a failed one named, and again from there."""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
FILE = REPOSITORY / "conf" / "setup" / "install.py"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """The script as a module, over a repository in a scratch folder."""
    spec = importlib.util.spec_from_file_location("install", FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "install", module)
    spec.loader.exec_module(module)
    java = tmp_path / "java"
    (java / "bin").mkdir(parents=True)
    (java / "bin" / "java").touch()
    monkeypatch.setenv("JAVA_HOME", str(java))
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    paths = {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "STEPS": venv / ".steps",
        "LOG": tmp_path / ".cache" / "setup.log",
        "JAVA_HOME": venv / "java_home",
    }
    for name, path in paths.items():
        monkeypatch.setattr(module, name, path)
    (tmp_path / ".cache").mkdir()
    return module


@pytest.fixture
def steps(install, monkeypatch):
    """`steps(a="1", b="1")` sets the steps with their fingerprints; the list returned records those done."""
    done = []

    def declare(broken=(), **fingerprints):
        def do(name):
            if name in broken:
                raise install.SetupError(f"{name} cannot be fetched")
            done.append(name)

        declared = [
            install.Step(name, f"what {name} is", fingerprint, lambda name=name: do(name))
            for name, fingerprint in fingerprints.items()
        ]
        monkeypatch.setattr(install, "steps", lambda: declared)
        return done

    return declare


def test_a_second_set_up_repeats_nothing(install, steps, capsys):
    done = steps(a="1", b="1")

    assert install.main(["--check"]) == 1
    assert install.main([]) == 0
    assert install.main(["--check"]) == 0
    assert install.main([]) == 0

    assert done == ["a", "b"]
    assert "[1/2] what a is ..." in capsys.readouterr().err


def test_only_a_step_whose_fingerprint_changed_is_repeated(install, steps):
    done = steps(a="1", b="1", c="1")
    install.main([])

    steps(a="1", b="2", c="1")

    assert install.main(["--check"]) == 1
    assert install.main([]) == 0
    assert done == ["a", "b", "c", "b"]


def test_a_failed_step_is_named_and_the_next_set_up_begins_there(install, steps, capsys):
    done = steps(a="1", b="1", c="1", broken=["b"])

    assert install.main([]) == 1

    said = capsys.readouterr().err
    assert "b cannot be fetched" in said
    assert "Run the same command again: finished steps are not repeated." in said
    assert done == ["a"]
    steps(a="1", b="1", c="1")
    assert install.main([]) == 0
    assert done == ["a", "b", "c"]


def test_a_java_that_went_away_makes_the_set_up_look_again(install, steps, tmp_path):
    steps(a="1")
    install.main([])
    assert install.main(["--check"]) == 0

    (tmp_path / "java" / "bin" / "java").unlink()

    assert install.main(["--check"]) == 1


def test_a_command_that_fails_shows_the_end_of_what_it_said(install):
    code = "import sys\nfor n in range(100): print('line', n)\nsys.exit(7)"

    with pytest.raises(install.SetupError) as raised:
        install.run(sys.executable, "-c", code)

    lines = str(raised.value).splitlines()
    assert lines[24] == "line 99"
    assert lines[0] == "line 75"
    assert lines[25].startswith("failed with exit status 7: ")


def test_a_command_gives_back_its_own_output_and_not_that_of_the_one_before(install):
    install.run(sys.executable, "-c", "print('first')")

    assert install.run(sys.executable, "-c", "print('second')") == "second\n"


def test_a_command_does_not_see_another_spark_or_python_path(install, monkeypatch):
    monkeypatch.setenv("SPARK_HOME", "/opt/other-spark")
    monkeypatch.setenv("PYTHONPATH", "/opt/other-spark/python")

    code = "import os; print([name for name in ('SPARK_HOME', 'PYTHONPATH') if name in os.environ])"

    assert install.run(sys.executable, "-c", code) == "[]\n"


def test_a_long_command_says_how_far_it_is(install, monkeypatch, capsys):
    monkeypatch.setattr(install, "HEARTBEAT_SECONDS", 0.3)

    install.run(sys.executable, "-c", "import time; print('[ 45%] Building\\ncd x', flush=True); time.sleep(2)")

    assert "[ 45%] Building" in capsys.readouterr().err


def test_versions_are_read_from_the_one_place_that_names_them(install):
    lock = REPOSITORY / "conf" / "setup" / "requirements.lock"

    assert install.pinned("pyspark", lock) == "4.0.2"
    assert install.pinned("delta-spark", lock) == "4.0.1"
    assert install.pinned("tensorflow(?:-cpu)?", lock) == "2.18.1"
    assert install.pinned("horovod", REPOSITORY / "conf" / "bundle" / "init" / "horovod.sh") == "0.28.1"


def test_a_version_that_is_not_there_is_refused_by_name(install, tmp_path):
    (tmp_path / "some.lock").write_text("pyspark==4.0.2\n", encoding="utf-8")

    with pytest.raises(install.SetupError, match=r"some.lock: no version of spark; add it"):
        install.pinned("spark", tmp_path / "some.lock")


def test_deltas_jars_replace_those_of_another_version_and_leave_spark_its_own(install, tmp_path, monkeypatch):
    spark = tmp_path / "pyspark" / "jars"
    spark.mkdir(parents=True)
    for name in ("scala-library-2.13.16.jar", "antlr4-runtime-4.13.1.jar", "delta-spark_2.13-3.9.jar"):
        (spark / name).write_text("of spark", encoding="utf-8")
    cache = tmp_path / "cache" / "delta"
    cache.mkdir(parents=True)
    for name in ("antlr4-runtime-4.13.1.jar", "delta-spark_2.13-4.0.1.jar", "delta-storage-4.0.1.jar"):
        (cache / name).write_text("of delta", encoding="utf-8")
    monkeypatch.setattr(install, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(install, "run", lambda *command: f"a warning\n{spark.parent}\n")

    install.install_delta(cache, "4.0.1")

    assert {jar.name: jar.read_text(encoding="utf-8") for jar in spark.iterdir()} == {
        "scala-library-2.13.16.jar": "of spark",
        "antlr4-runtime-4.13.1.jar": "of spark",
        "delta-spark_2.13-4.0.1.jar": "of delta",
        "delta-storage-4.0.1.jar": "of delta",
    }


def test_jars_that_maven_does_not_give_leave_no_half_filled_cache(install, tmp_path, monkeypatch):
    monkeypatch.setattr(install, "run", lambda *command: "")

    with pytest.raises(install.SetupError, match="Maven gave no jar; put Delta's jars into"):
        install.fetch_jars("io.delta:delta-spark_2.13:4.0.1", tmp_path / "jars" / "delta-4.0.1")

    assert list((tmp_path / "jars").iterdir()) == []


def test_of_two_set_ups_at_once_one_waits_for_the_other(install, tmp_path, capsys):
    lock = tmp_path / "lock"
    holder = (
        f"import sys, time; sys.path.insert(0, {str(FILE.parent)!r}); import install\n"
        f"with install.locked(install.Path({str(lock)!r}), 'x'):\n"
        "    print('held', flush=True); sys.stdin.readline(); print(time.monotonic(), flush=True)"
    )
    other = subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    letting_go = subprocess.Popen(["sh", "-c", "sleep 1; echo"], stdout=other.stdin)

    with install.locked(lock, "another set-up"):
        entered = time.monotonic()

    assert letting_go.wait() == 0
    assert entered >= float(other.stdout.readline())
    assert other.wait() == 0
    assert capsys.readouterr().err == "waiting for another set-up\n"
