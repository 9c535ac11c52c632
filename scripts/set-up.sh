# shellcheck shell=bash
# Sourced by the other scripts: makes the virtual environment that they run in, once.
#
# PYTHON names another Python than python3; NIPACK_VENV another place than .venv.  NIPACK_LOWEST=1
# installs the oldest versions that pyproject.toml allows.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${NIPACK_VENV:-$top/.venv}
python=${PYTHON:-python3}
case $(uname -s) in
MINGW* | MSYS* | CYGWIN*) bin=$venv/Scripts ;;
*) bin=$venv/bin ;;
esac

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# What to type for a package of the system: package_hint DEBIAN-NAME MACOS-NAME
package_hint() {
    if command -v apt-get >/dev/null; then
        echo "sudo apt install $1"
    elif command -v brew >/dev/null; then
        echo "brew install $2"
    else
        echo "install $1 with your system's package manager"
    fi
}

# Make the environment with the given dependency groups of pyproject.toml, or bring it up to date.
set_up() {
    command -v "$python" >/dev/null ||
        die "$python is missing; $(package_hint python3 python)"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        die "$python is $("$python" -V 2>&1), and 3.10 or newer is needed; name one: PYTHON=python3.12 $0"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        die "$python cannot make a virtual environment; $(package_hint python3-venv python)"
    local groups=() group stamp="$venv/.nipack-$*"
    for group in "$@"; do
        groups+=(--group "$top/pyproject.toml:$group")
    done
    if [ "$stamp" -nt "$top/pyproject.toml" ] && [ "$stamp" -nt "$top/nipack-build/pyproject.toml" ]; then
        return
    fi
    printf '== setting up %s (once; needs the network)\n' "$venv" >&2
    # A Python that was upgraded away leaves an environment that does not run.
    if ! "$bin/python" -c '' 2>/dev/null; then
        "$python" -m venv --clear "$venv" ||
            die "$venv cannot be made; name another place: NIPACK_VENV=~/nipack-venv $0"
    fi
    "$bin/python" -m pip install --quiet --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
    if [ -n "${NIPACK_LOWEST-}" ]; then
        "$bin/python" -m pip install --quiet --quiet --disable-pip-version-check uv
        "$bin/uv" pip install --quiet --python "$bin/python" --resolution lowest-direct \
            --editable "$top" --editable "$top/nipack-build[licenses,publish]" "${groups[@]}" ||
            die "uv could not install what is needed; see its message above"
        touch "$stamp"
        return
    fi
    "$bin/python" -m pip install --quiet --quiet --disable-pip-version-check \
        --editable "$top" --editable "$top/nipack-build[licenses,publish]" "${groups[@]}" ||
        die "pip could not install what is needed; see its message above"
    touch "$stamp"
}
