#!/usr/bin/env bash
# Looks for what tools/debian-packages.txt lists, and installs what is missing
# where it may (root, on Debian); elsewhere it says what is missing and goes on.
#
#   tools/deps.sh PYTHON build|test|bench|fuzz...
set -euo pipefail

python=$1
shift
list=$(dirname "$0")/debian-packages.txt
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Interlock needs Python 3.11 or newer; '$python' is $version. Say which: make PYTHON=python3.12 ..." >&2
  exit 1
fi

is_there() { # kind name
  case $1 in
    command) command -v "$2" >/dev/null ;;
    header) "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), sys.argv[1])))' "$2" ;;
    module) "$python" -c 'import importlib.util, sys
try:
    found = importlib.util.find_spec(sys.argv[1])
except ModuleNotFoundError:
    found = None
sys.exit(found is None)' "$2" ;;
  esac
}

# Debian's packages hold files for Debian's interpreter, not for another one.
may_help() { # kind
  [ "$1" = command ] || [ "$("$python" -c 'import sys; print(sys.base_prefix)')" = /usr ]
}

wanted=()
while read -r purpose kind name package reason; do
  [[ $purpose == \#* || -z $purpose || " $* " != *" $purpose "* ]] && continue
  is_there "$kind" "$name" && continue
  package=${package//\{version\}/$version}
  if may_help "$kind"; then
    echo "Missing: $kind $name ($reason), from the Debian package $package." >&2
    wanted+=("$package")
  else
    echo "Missing: $kind $name ($reason). '$python' was built without it." >&2
  fi
done <"$list"

[ ${#wanted[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Going on without. To install: sudo apt-get install ${wanted[*]}" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# The lists of a fresh machine are empty or old.
apt-get update -qq || echo "apt-get update failed; trying with the lists that are there." >&2
apt-get install -y -qq --no-install-recommends "${wanted[@]}" >&2 ||
  echo "apt-get could not install: ${wanted[*]}. Going on without." >&2
