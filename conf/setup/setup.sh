#!/bin/sh
# Set pma up in .venv. Finds the prerequisites, then hands over to install.py; where all is in place it says nothing.
#   setup.sh           find and install
#   setup.sh --find    only print what was found
# PYTHON, JAVA_HOME and CXX name your own choice. PMA_JVMS lists the folders in which else to look for a Java.
set -u
cd "$(dirname "$0")/../.." || exit 1

machine_help="Linux on x86-64, which the locked TensorFlow and Horovod are of (elsewhere: in a container of it)"
python_help="Python 3.12 with venv (Debian, Ubuntu: apt-get install python3.12 python3.12-venv; anywhere: pyenv install 3.12)"
java_help="Java 17 or 21 (Debian, Ubuntu: apt-get install openjdk-17-jdk-headless)"
compiler_help="a C++17 compiler (Debian, Ubuntu: apt-get install g++)"
make_help="make (Debian, Ubuntu: apt-get install make)"

# Say where Python 3.12 is. A pyenv shim of that name may stand on the PATH and yet not run: only running it tells.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        runs_python "$PYTHON"
        return
    fi
    for candidate in python3.12 "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.12*/bin/python3.12 \
        "${HOME:-}"/.local/share/uv/python/cpython-3.12*/bin/python3.12 python3 python; do
        runs_python "$candidate" && return
    done
    return 1
}

runs_python() {
    "$1" -E -c 'import sys, venv, ensurepip
if sys.version_info[:2] != (3, 12): sys.exit(1)
print(sys.executable)' 2>/dev/null
}

# Say where a Java is that Spark 4.0 supports. The default one may be too new, and JAVA_HOME may name another.
find_java() {
    for candidate in "${JAVA_HOME:-/nowhere}/bin/java" java; do
        runs_java "$candidate" && return
    done
    # Unquoted: each word of PMA_JVMS is a pattern of folders.
    for folder in ${PMA_JVMS-/usr/lib/jvm/* ${HOME:-}/.sdkman/candidates/java/*}; do
        [ -x "$folder/bin/java" ] && runs_java "$folder/bin/java" && return
    done
    return 1
}

runs_java() {
    properties=$("$1" -XshowSettings:properties -version 2>&1) || return 1
    case $(echo "$properties" | sed -n 's/^ *java.specification.version = //p') in
        17 | 21) echo "$properties" | sed -n 's/^ *java.home = //p' ;;
        *) return 1 ;;
    esac
}

find_compiler() {
    for candidate in ${CXX:-c++ g++ clang++}; do
        echo '#include <optional>
int main() { return std::optional<int>(0).value(); }' |
            "$candidate" -std=c++17 -fsyntax-only -x c++ - 2>/dev/null && echo "$candidate" && return
    done
    return 1
}

if [ "${1:-}" != --find ] && [ -x .venv/bin/python ] && .venv/bin/python -E -S conf/setup/install.py --check 2>/dev/null; then
    exit 0
fi

missing=
[ "$(uname -sm)" = "Linux x86_64" ] || missing="; $machine_help"
python=$(find_python) || missing="$missing; ${PYTHON:+PYTHON=$PYTHON is not it: }$python_help"
java_home=$(find_java) || missing="$missing; $java_help"
compiler=$(find_compiler) || missing="$missing; ${CXX:+CXX=$CXX is not it: }$compiler_help"
command -v make >/dev/null || missing="$missing; $make_help"
if [ -n "$missing" ]; then
    echo "Missing: ${missing#; }" >&2
    exit 1
fi
if [ "${1:-}" = --find ]; then
    printf 'PYTHON=%s\nJAVA_HOME=%s\nCXX=%s\n' "$python" "$java_home" "$compiler"
    exit 0
fi
export JAVA_HOME="$java_home" CXX="$compiler"
exec "$python" -E conf/setup/install.py
