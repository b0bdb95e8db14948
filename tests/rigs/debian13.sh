#!/bin/bash
# Debian 13 with its Python, for `make test-debian13`: makes its folder and the packages, and runs pytest in it.
set -euo pipefail
root=.cache/debian13/root
packages=.cache/debian13/packages
site=usr/local/lib/python3.13/dist-packages

# A folder is made beside its place and moved there when it is whole.
begin() { rm -rf --one-file-system "$1" "$1.new"; mkdir -p "$1.new"; }
end() { touch "$1.new/.done"; mv "$1.new" "$1"; }

# Mounts and processes are private to the command. They end with it, and it ends with this script.
alone() { setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc "$@"; }

# The mirror of Debian that this machine itself uses. Without one, mmdebstrap has a default.
mirror() {
  command -v apt-get >/dev/null || return 0
  apt-get indextargets --no-release-info --format "\$(REPO_URI)" "Created-By: Packages" "Component: main" \
    | grep -m 1 -E '^https?://.*/debian/$' || true
}

make_root() {
  local mirrors
  mapfile -t mirrors < <(mirror)
  begin "$root"
  alone mmdebstrap --quiet --variant=essential --include=procps,python3,systemd \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' trixie "$root.new" "${mirrors[@]}"
  mkdir -p "$root.new/project" "$root.new/$site"
  end "$root"
}

# This machine's own pip fetches them: it is set up to reach a registry.
make_packages() {
  begin "$packages"
  .venv/bin/python -m pip --disable-pip-version-check --no-input -q install --no-compile --only-binary=:all: \
    --python-version 3.13 --target "$packages.new" --require-hashes -r requirements.txt -c requirements-dev.txt \
    pytest hypothesis
  end "$packages"
}

run_inside() {
  mount --bind . "$root/project"
  mount --bind "$packages" "$root/$site"
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/tmp"
  exec env -i PATH=/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 chroot "$root" /usr/bin/env --chdir=/project \
    python3 -m pytest -p no:cacheprovider "$@"
}

case ${1:-} in
  root) make_root ;;
  packages) make_packages ;;
  run) alone "$0" inside "${@:2}" ;;
  inside) run_inside "${@:2}" ;;
  *) echo "Usage: tests/rigs/debian13.sh root | packages | run TEST…" >&2; exit 2 ;;
esac
