# Sourced by scripts/nics. What the guests need and the machine lacks: a kernel, a static busybox, and a QEMU that knows igb where the
# machine's own is older than 8. Downloads only what is not in $cache yet, and unpacks it there.

# The modules that the guest loads; what they depend on comes along. e1000 is a kernel driver that cards are taken from and given back to.
guest_modules=(virtio_pci 9pnet_virtio 9p uio_pci_generic vfio_pci vfio_iommu_type1 e1000)

# with_apt TOOL ARGUMENT...: apt-get or apt-cache with lists of its own, so that neither root nor the machine's configuration
# is needed or changed. The sources are Debian's own suite and its backports, from the machine's mirror.
with_apt() {
  local tool=$1 apt=$cache/apt
  shift
  local options=(-qq -o "Dir::State=$apt" -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
    -o Dir::State::status=/var/lib/dpkg/status -o "Dir::Etc::SourceList=$apt/sources.list"
    -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Acquire::Retries=2)
  "$tool" "${options[@]}" "$@"
}

debian_release() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

# Once a run, and only in a run that downloads.
refresh_apt() {
  [[ -z ${apt_is_fresh:-} ]] || return 0
  local apt=$cache/apt codename mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=
  : >"$cache/fetch.log"
  command -v apt-get >>"$cache/fetch.log" || return 1
  codename=$(debian_release)
  mirror=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v codename="$codename" '$1 == codename && $2 == "main" { print $3; exit }')
  [[ ! -e $keyring ]] || signed="[signed-by=$keyring] "
  mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial
  printf "deb $signed${mirror:-http://deb.debian.org/debian} %s main\n" "$codename" "$codename-backports" >"$apt/sources.list"
  with_apt apt-get update >>"$cache/fetch.log" 2>&1 </dev/null || return 1
  apt_is_fresh=yes
}

# download ARGUMENT...: leaves the packages that apt's arguments name, and no others, in $cache/download.
download() {
  rm -rf "$cache/download"
  mkdir -p "$cache/download"
  (cd "$cache/download" && with_apt apt-get download "$@") >>"$cache/fetch.log" 2>&1 </dev/null
}

# Sets busybox. It is downloaded rather than installed, as a system has either the static one or the other.
choose_busybox() {
  busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1 && return
  busybox=$cache/busybox
  [[ ! -x $busybox ]] || return 0
  refresh_apt || return 1
  say "downloading busybox-static (once)"
  download busybox-static || return 1
  dpkg-deb --fsys-tarfile "$cache"/download/*.deb | tar -xOf - ./bin/busybox ./usr/bin/busybox 2>/dev/null >"$busybox.new" || true
  chmod +x "$busybox.new"
  "$busybox.new" true 2>>"$cache/fetch.log" || return 1
  mv "$busybox.new" "$busybox"
}

# Leaves $cache/kernel: vmlinuz, modules/ with a list in loading order, and for which modules that was made.
fetch_kernel() {
  [[ ! -e $cache/kernel/made-for || $(<"$cache/kernel/made-for") != "${guest_modules[*]}" ]] || return 0
  local package version made=$cache/kernel.new
  refresh_apt || return 1
  package=$(with_apt apt-cache depends linux-image-amd64 2>>"$cache/fetch.log" |
    sed -n 's/^ *Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
  [[ -n $package ]] || return 1
  version=${package#linux-image-}
  say "downloading $package (once)"
  download "$package" || return 1
  rm -rf "$made"
  mkdir -p "$made/all" "$made/modules"
  dpkg-deb --fsys-tarfile "$cache"/download/*.deb | tar -xf - -C "$made/all" ./boot ./lib/modules
  mv "$made/all/boot/vmlinuz-$version" "$made/vmlinuz" || return 1
  "$busybox" depmod -b "$made/all" "$version" >>"$cache/fetch.log" 2>&1
  keep_modules "$made/all/lib/modules/$version" "$made/modules" || return 1
  echo "${guest_modules[*]}" >"$made/made-for"
  rm -rf "$made/all" "$cache/download" "$cache/kernel"
  mv "$made" "$cache/kernel"
}

# keep_modules FROM TO: of some four thousand modules the few that the guest loads. modules.dep names for each what must be loaded
# before it, the first needed last.
keep_modules() {
  local from=$1 to=$2 module path
  while read -r path; do
    [[ -e $to/${path##*/} ]] && continue
    cp "$from/$path" "$to/"
    echo "${path##*/}" >>"$to/order"
  done < <(
    for module in "${guest_modules[@]}"; do
      awk -v name="/${module//_/[-_]}\\.ko:\$" '$1 ~ name { for (i = NF; i > 1; i--) print $i; print substr($1, 1, length($1) - 1) }' \
        "$from/modules.dep"
    done
  )
  for module in "${guest_modules[@]}"; do
    # A module that is built into the kernel needs no file.
    compgen -G "$to/${module//_/[-_]}.ko" >/dev/null ||
      grep -q "/${module//_/[-_]}\.ko\$" "$from/modules.builtin" || { echo "no module $module" >>"$cache/fetch.log"; return 1; }
  done
}

# knows DEVICE: whether the QEMU in qemu has this device. Its exit code is 0 either way.
knows() { [[ $("${qemu[@]}" -device "$1,help" 2>&1) == *"$1 options:"* ]]; }

# Sets qemu: the command with its own first arguments. The machine's own serves if it knows igb, or if no newer one can be had.
choose_qemu() {
  local root=$cache/qemu unpacked=$onpath_root/.setup/root/usr/share own
  own=$(command -v qemu-system-x86_64)
  qemu=("$own")
  # One that scripts/setup unpacked looks for its firmware where it would have been installed.
  [[ $own != "$onpath_root"/* ]] || qemu+=(-L "$unpacked/qemu" -L "$unpacked/seabios")
  knows igb && return
  local older=("${qemu[@]}")
  [[ -e $root/usr/bin ]] || fetch_qemu "$root" || true
  # Left alone it would try the installed QEMU's modules, which are of another build.
  qemu=(env "QEMU_MODULE_DIR=$root/usr/lib/x86_64-linux-gnu/qemu"
    "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios")
  knows igb && return
  qemu=("${older[@]}")
  say "going on without igb: it takes QEMU 8, and none could be had from Debian's backports (see $cache/fetch.log)"
}

# The packages of QEMU itself; the libraries that it links to are those of the machine's own QEMU.
fetch_qemu() {
  local root=$1 package codename
  refresh_apt || return 1
  codename=$(debian_release)
  say "downloading QEMU from $codename-backports, for igb (once)"
  download -t "$codename-backports" qemu-system-x86 qemu-system-common qemu-system-data seabios || return 1
  rm -rf "$root.new" "$root"
  mkdir -p "$root.new"
  for package in "$cache"/download/*.deb; do dpkg-deb -x "$package" "$root.new" || return 1; done
  rm -rf "$cache/download"
  mv "$root.new" "$root"
}
