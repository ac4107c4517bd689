#!/bin/bash
# Compile Horovod against the tensorflow that is installed beside it, and keep the wheel.
#   horovod.sh                       init script of a Databricks cluster: install tensorflow and Horovod on this node
#   horovod.sh wheel PYTHON FOLDER   only compile, and leave the wheel in FOLDER (the set-up of a laptop)
# PMA_WHEELS names a folder that all nodes see, such as one of a volume: the first node leaves its wheel there.
set -euo pipefail

HOROVOD=0.28.1
TENSORFLOW=2.18.1

compile() {
    local python=$1 folder=$2
    # pip's cache knows nothing of the tensorflow a wheel was compiled against: it must give none back.
    # MAKEFLAGS of a make around this one would leave Horovod's own make with a single process.
    PATH="$(dirname "$python"):$PATH" MAKEFLAGS="-j$(getconf _NPROCESSORS_ONLN)" \
        HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_GLOO=1 \
        HOROVOD_WITHOUT_MPI=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
        "$python" -m pip wheel --verbose --no-build-isolation --no-deps --no-cache-dir --no-binary horovod \
        --wheel-dir "$folder" "horovod==$HOROVOD"
}

install_on_node() {
    local python=${PMA_PYTHON:-/databricks/python/bin/python}
    "$python" -m pip install --quiet \
        "tensorflow-cpu==$TENSORFLOW" "setuptools<80" wheel "cmake<4" cloudpickle psutil packaging pyyaml
    local built
    built=$(mktemp -d)
    local kept="${PMA_WHEELS:+$PMA_WHEELS/horovod-$HOROVOD-tensorflow-$TENSORFLOW-$(uname -m)}"
    if [ -n "$kept" ] && compgen -G "$kept/horovod-*.whl" >/dev/null; then
        cp "$kept"/horovod-*.whl "$built"
    else
        if ! command -v c++ >/dev/null || ! command -v make >/dev/null; then
            apt-get update -q
            apt-get install -yq g++ make
        fi
        compile "$python" "$built"
        if [ -n "$kept" ]; then
            # A whole wheel or none: another node may look at this moment.
            mkdir -p "$kept"
            for wheel in "$built"/horovod-*.whl; do
                cp "$wheel" "$kept/.part-$HOSTNAME"
                mv "$kept/.part-$HOSTNAME" "$kept/$(basename "$wheel")"
            done
        fi
    fi
    "$python" -m pip install --quiet --no-deps "$built"/horovod-*.whl
}

case "${1:-}" in
    "") install_on_node ;;
    wheel) compile "$2" "$3" ;;
    *) echo "horovod.sh: found $1; allowed: wheel PYTHON FOLDER, or nothing" >&2; exit 2 ;;
esac
