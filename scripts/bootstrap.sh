#!/usr/bin/env bash
# Makes .venv: a Python >= 3.12, the locked packages with their hashes checked, dagreg itself editable.
# Run again it only compares two stamps. A half-made environment has no stamp and is made anew.
#
#   PYTHON=python3.12 scripts/bootstrap.sh    uses that interpreter
#   DAGREG_UV=0       scripts/bootstrap.sh    installs with pip even where uv is at hand
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV

venv=.venv
lock=requirements.lock
say() { printf 'bootstrap: %s\n' "$*" >&2; }

has_uv() { [ "${DAGREG_UV:-1}" != 0 ] && uv --version >/dev/null 2>&1; }

# Only running it tells whether it is one: a pyenv shim exists for versions that are not selected.
usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1 </dev/null
}

candidates() {
    local minor root
    for minor in 14 13 12; do echo "python3.$minor"; done
    echo python3
    echo python
    for root in "${PYENV_ROOT:-}" "$(pyenv root 2>/dev/null || true)" "${HOME:-}/.pyenv"; do
        [ -d "$root/versions" ] || continue
        for minor in 14 13 12; do
            printf '%s\n' "$root"/versions/3."$minor".*/bin/python
        done
    done
    if has_uv; then uv python find '>=3.12' 2>/dev/null || true; fi
}

find_python() {
    local python
    if [ -n "${PYTHON:-}" ]; then
        if usable "$PYTHON"; then echo "$PYTHON"; return; fi
        say "PYTHON=$PYTHON is not a working Python >= 3.12 with venv and ensurepip."
        return 1
    fi
    while IFS= read -r python; do
        if usable "$python"; then echo "$python"; return; fi
    done < <(candidates)
    say "no Python >= 3.12 found (looked on PATH, in pyenv and in uv). Install one, for instance with"
    say "    apt-get install python3.13 python3.13-venv     (Debian, Ubuntu)"
    say "    brew install python@3.13                       (macOS)"
    say "    pyenv install 3.13    or    uv python install 3.13"
    say "and run this again, or name it: PYTHON=/path/to/python make test"
    return 1
}

# What the environment was made from; the folder counts because a venv's scripts hold its absolute path.
deps_key() { "$1" -c 'import hashlib, os, sys
print(sys.version, os.getcwd(), hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$lock" | tr '\n' ' '; }
package_key() { "$1" -c 'import hashlib
print(hashlib.sha256(open("pyproject.toml", "rb").read()).hexdigest())'; }
stamped() { [ -f "$venv/$1" ] && [ "$(cat "$venv/$1")" = "$2" ]; }

current() {
    [ -x "$venv/bin/python" ] && [ -f "$venv/deps.stamp" ] || return 1
    local key
    key=$(deps_key "${PYTHON:-$venv/bin/python}" 2>/dev/null) || return 1
    stamped deps.stamp "$key" && "$venv/bin/python" -c '' 2>/dev/null
}

install_locked() {
    if has_uv; then
        if uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"; then return; fi
        say "uv could not install; trying pip"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
}

if ! current; then
    python=$(find_python)
    say "making $venv with $("$python" --version) ($(has_uv && echo uv || echo pip))"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    install_locked
    deps_key "$venv/bin/python" > "$venv/deps.stamp"
fi

key=$(package_key "$venv/bin/python")
if ! stamped package.stamp "$key"; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    echo "$key" > "$venv/package.stamp"
    say "$venv is ready"
fi
