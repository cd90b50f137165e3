#!/bin/sh
# venv.sh DIR LOCKFILE: a Python environment that holds what LOCKFILE pins, digests checked.
# Done before: nothing happens. The copy of the lock file in DIR says what it was made from.
set -eu
dir=$1 lock=$2
cmp -s "$lock" "$dir/.lock" && exit 0
echo "set-up: Python tools of $lock"
if ! "$dir/bin/python" -c '' 2>/dev/null; then
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
		echo "Python 3.10 or newer is needed; \"python3\" is $(python3 --version 2>&1)" >&2
		exit 1
	}
	mkdir -p "$dir"
	python3 -m venv --clear "$dir"
fi
"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r "$lock"
cp "$lock" "$dir/.lock"
