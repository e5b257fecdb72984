# Sourced by the other scripts: puts what scripts/setup placed under .setup/ on the search paths. Safe to source twice.
# Sets onpath_root (the repository) and ONPATH_PYTHON (the Python that has Pillow, or would have it).

onpath_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# onpath_path first|last VARIABLE FOLDER...: adds each folder that exists and is not in the list yet.
onpath_path() {
  local where=$1 name=$2 folder list
  shift 2
  for folder in "$@"; do
    list=${!name:-}
    [[ -d $folder && ":$list:" != *":$folder:"* ]] || continue
    if [[ -z $list ]]; then list=$folder
    elif [[ $where == first ]]; then list=$folder:$list
    else list=$list:$folder; fi
    export "$name=$list"
  done
}

# A Node and npm of our own come before the system's: they are there only because the system's were too old.
onpath_path first PATH "$onpath_root/.setup/tools/node_modules/.bin" "$onpath_root"/.setup/tools/node_modules/node-linux-*/bin

# The onpath command of this checkout.
onpath_path last PATH "$onpath_root/scripts/bin"

# Debian packages that were unpacked because they could not be installed come after the system's.
onpath_debs=$onpath_root/.setup/root
if [[ -d $onpath_debs ]]; then
  onpath_path last PATH "$onpath_debs"/usr/bin "$onpath_debs"/usr/sbin "$onpath_debs"/bin
  onpath_path last LD_LIBRARY_PATH "$onpath_debs"/usr/lib/*-linux-gnu "$onpath_debs"/lib/*-linux-gnu \
    "$onpath_debs"/usr/lib/*-linux-gnu/{blas,lapack,pulseaudio} "$onpath_debs"/usr/lib/llvm-14/lib
  onpath_path last CMAKE_PREFIX_PATH "$onpath_debs"/usr
  onpath_path last PYTHONPATH "$onpath_debs"/usr/lib/python3/dist-packages
  onpath_path last GST_PLUGIN_PATH_1_0 "$onpath_debs"/usr/lib/*-linux-gnu/gstreamer-1.0
  for onpath_scanner in "$onpath_debs"/usr/lib/*-linux-gnu/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner; do
    [[ -x $onpath_scanner ]] && export GST_PLUGIN_SCANNER_1_0=$onpath_scanner
  done
fi

# The Python of Debian's packages, not another one that happens to come first on PATH.
ONPATH_PYTHON=/usr/bin/python3
[[ -x $ONPATH_PYTHON || ! -x $onpath_debs/usr/bin/python3 ]] || ONPATH_PYTHON=$onpath_debs/usr/bin/python3
export ONPATH_PYTHON
