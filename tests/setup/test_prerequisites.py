"""conf/setup/setup.sh on machines that have this and lack that: each machine is a PATH of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
# Stands where install.py would: shows that it was called, and with what.
INSTALL = 'import os, sys\nprint("installed by", sys.version_info[:2], os.environ["JAVA_HOME"], os.environ["CXX"])\n'
PYTHON = f'exec {sys.executable} "$@"'
OLD_PYTHON = (
    f"""exec {sys.executable} -c 'import sys; sys.version_info = (3, 11, 7, "final", 0); exec(sys.argv[-1])' "$@" """
)
BARE_PYTHON = f"""exec {sys.executable} -c 'import sys; sys.modules["ensurepip"] = None; exec(sys.argv[-1])' "$@" """
PYENV_SHIM = "echo 'pyenv: python3.12: command not found' >&2; exit 127"
COMPILER = "grep -q optional"
OLD_COMPILER = "echo 'error: unrecognized command line option -std=c++17' >&2; exit 1"


class Machine:
    """A folder with a copy of the set-up, a home, and a PATH that holds just what is put there."""

    def __init__(self, root):
        self.root = root
        self.bin = root / "bin"
        (root / "repo" / "conf").mkdir(parents=True)
        shutil.copytree(REPOSITORY / "conf" / "setup", root / "repo" / "conf" / "setup")
        (root / "repo" / "conf" / "setup" / "install.py").write_text(INSTALL, encoding="utf-8")
        for tool in ("dirname", "sed", "grep"):
            self.bin.mkdir(exist_ok=True)
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.environment = {"PATH": str(self.bin), "HOME": str(root / "home"), "PMA_JVMS": ""}

    def add(self, name, body, folder=None):
        program = (folder or self.bin) / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        program.chmod(0o755)

    def add_java(self, version, home=None):
        home = home or self.root / f"java{version}"
        lines = f"    java.home = {home}\n    java.specification.version = {version}\n"
        self.add("java", f"printf '%s' '{lines}' >&2", home / "bin")
        return home

    def run(self, *words, **environment):
        script = self.root / "repo" / "conf" / "setup" / "setup.sh"
        return subprocess.run(
            ["/bin/sh", script, *words],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def refuses(self, **environment):
        """Run the set-up, which must end with status 1 and do nothing; return the first line it prints."""
        done = self.run(**environment)
        assert done.returncode == 1
        assert "installed by" not in done.stdout
        assert [path.name for path in (self.root / "repo").iterdir()] == ["conf"]
        return done.stdout.splitlines()[0]


@pytest.fixture
def machine(tmp_path):
    """A machine that has everything."""
    machine = Machine(tmp_path)
    machine.add("python3.12", PYTHON)
    machine.add("c++", COMPILER)
    machine.add("make", "exit 0")
    machine.add("uname", "echo Linux x86_64")
    java = machine.add_java(17)
    (machine.bin / "java").symlink_to(java / "bin" / "java")
    return machine


def found(done):
    assert done.returncode == 0, done.stdout
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_what_was_found_is_handed_to_the_installation(machine):
    done = machine.run()

    assert done.stdout == f"installed by (3, 12) {machine.root}/java17 c++\n"
    assert done.returncode == 0


def test_the_python_that_a_shim_stands_for_is_the_one_handed_on(machine):
    assert found(machine.run("--find"))["PYTHON"] == sys.executable


def test_a_pyenv_shim_that_does_not_run_is_passed_over_for_the_version_that_pyenv_has(machine):
    machine.add("python3.12", PYENV_SHIM)
    machine.add("python3.12", PYTHON, machine.root / "home" / ".pyenv" / "versions" / "3.12.1" / "bin")

    assert machine.run().stdout.startswith("installed by (3, 12)")


def test_pyenv_may_live_elsewhere(machine):
    machine.add("python3.12", PYENV_SHIM)
    machine.add("python3.12", PYTHON, machine.root / "my pyenv" / "versions" / "3.12.9" / "bin")

    assert machine.run(PYENV_ROOT=str(machine.root / "my pyenv")).stdout.startswith("installed by (3, 12)")


def test_a_python3_that_is_3_12_will_do(machine):
    (machine.bin / "python3.12").rename(machine.bin / "python3")

    assert machine.run().stdout.startswith("installed by (3, 12)")


@pytest.mark.parametrize("body", [OLD_PYTHON, BARE_PYTHON, PYENV_SHIM], ids=["3.11", "without venv", "dead shim"])
def test_without_a_python_3_12_that_can_make_environments_the_first_line_says_so(machine, body):
    machine.add("python3.12", body)
    machine.add("python3", OLD_PYTHON)

    assert machine.refuses().startswith(
        "Missing: Python 3.12 with venv (Debian, Ubuntu: apt-get install python3.12 python3.12-venv; anywhere: "
    )


def test_a_python_that_the_person_names_is_taken_or_refused_never_replaced(machine):
    machine.add("mine", PYTHON, machine.root)
    machine.add("other", OLD_PYTHON, machine.root)
    (machine.bin / "python3.12").unlink()

    assert machine.run(PYTHON=str(machine.root / "mine")).stdout.startswith("installed by (3, 12)")
    machine.add("python3.12", PYTHON)
    line = machine.refuses(PYTHON=str(machine.root / "other"))
    assert line.startswith(f"Missing: PYTHON={machine.root}/other is not it: Python 3.12 with venv (")


@pytest.mark.parametrize("version", [17, 21])
def test_a_default_java_that_spark_supports_is_taken(machine, version):
    home = machine.add_java(version)
    (machine.bin / "java").unlink()
    (machine.bin / "java").symlink_to(home / "bin" / "java")

    assert found(machine.run("--find"))["JAVA_HOME"] == str(home)


def test_java_home_comes_before_the_path(machine):
    home = machine.add_java(21, machine.root / "the one of java home")

    assert found(machine.run("--find", JAVA_HOME=str(home)))["JAVA_HOME"] == str(home)


def test_a_java_too_new_is_passed_over_for_a_right_one_among_those_installed(machine):
    newest = machine.add_java(25)
    (machine.bin / "java").unlink()
    (machine.bin / "java").symlink_to(newest / "bin" / "java")
    right = machine.add_java(17, machine.root / "jvm" / "b-17")
    machine.add_java(25, machine.root / "jvm" / "a-25")

    done = machine.run("--find", JAVA_HOME=str(newest), PMA_JVMS=f"{machine.root}/jvm/*")

    assert found(done)["JAVA_HOME"] == str(right)


@pytest.mark.parametrize("version", ["1.8", "11", "25"])
def test_without_java_17_or_21_the_first_line_says_so(machine, version):
    home = machine.add_java(version)
    (machine.bin / "java").unlink()
    (machine.bin / "java").symlink_to(home / "bin" / "java")

    line = machine.refuses()

    assert line.startswith("Missing: Java 17 or 21 (Debian, Ubuntu: apt-get install openjdk-17-jdk-headless)")


def test_a_java_that_does_not_start_is_no_java(machine):
    (machine.bin / "java").unlink()
    machine.add("java", "echo 'The operation could not be completed. Unable to locate a Java Runtime.'; exit 1")

    assert machine.refuses().startswith("Missing: Java 17 or 21 (")


def test_another_compiler_is_tried_where_the_first_knows_no_cpp17(machine):
    machine.add("c++", OLD_COMPILER)
    machine.add("clang++", COMPILER)

    assert found(machine.run("--find"))["CXX"] == "clang++"


def test_without_a_compiler_for_cpp17_the_first_line_says_so(machine):
    machine.add("c++", OLD_COMPILER)

    assert machine.refuses().startswith("Missing: a C++17 compiler (Debian, Ubuntu: apt-get install g++)")


def test_without_make_the_first_line_says_so(machine):
    (machine.bin / "make").unlink()

    assert machine.refuses().startswith("Missing: make (Debian, Ubuntu: apt-get install make)")


@pytest.mark.parametrize("other", ["Darwin arm64", "Linux aarch64"])
def test_a_machine_of_another_kind_is_told_so_in_the_first_line(machine, other):
    machine.add("uname", f"echo {other}")

    assert machine.refuses().startswith("Missing: Linux on x86-64, which the locked TensorFlow and Horovod are of")


def test_all_that_is_missing_stands_in_the_first_line(machine):
    for name in ("python3.12", "java", "c++", "make"):
        (machine.bin / name).unlink()

    line = machine.refuses()

    places = [line.index(name) for name in ("Python 3.12", "Java 17", "a C++17 compiler", "make (")]
    assert places == sorted(places)


def test_where_all_is_in_place_nothing_is_looked_for_and_nothing_is_said(machine):
    machine.add("python", "exit 0", machine.root / "repo" / ".venv" / "bin")
    for name in ("python3.12", "java", "c++", "make"):
        (machine.bin / name).unlink()

    done = machine.run()

    assert (done.returncode, done.stdout) == (0, "")


def test_where_a_step_is_left_the_installation_runs_again(machine):
    machine.add("python", "exit 1", machine.root / "repo" / ".venv" / "bin")

    assert machine.run().stdout.startswith("installed by (3, 12)")
