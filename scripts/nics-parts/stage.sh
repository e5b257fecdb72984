# Sourced by scripts/nics. What the guest sees: a list of NICs, a root file system of a few files in memory, and a folder of copies with
# the package and its test. The machine's own /usr comes beside them, read-only.

# Nothing is at the one, and nobody binds what is at the other.
absent_slot=0e
unbound_slot=0f

# Sets host_lacks to what scripts/host needs and the guest would not see, or to nothing.
choose_host_tests() {
  local tool
  host_lacks=
  for tool in bash python3 dpdk-devbind.py lspci ip ss; do
    [[ -x /usr/bin/$tool || -x /usr/sbin/$tool ]] || host_lacks+=" $tool"
  done
  [[ -z $host_lacks ]] || say "scripts/host is left out: these are not in /usr:$host_lacks (apt-get install dpdk iproute2)"
}

# address SLOT: of a device on the first bus.
address() { printf '0000:00:%s.0' "$1"; }

# Sets pairs, lines of `name device slot slot`: those that this QEMU has.
choose_pairs() {
  local name device rest
  pairs=()
  while read -r name device rest; do
    [[ -n $name && $name != \#* ]] && knows "$device" || continue
    pairs+=("$name $device $rest")
  done <"$parts/pairs"
}

# make_stage FOLDER: copies, because links would lead out of what the guest sees.
make_stage() {
  local stage=$1 node module
  mkdir -p "$stage/build/Release" "$stage/build/ts/test" "$stage/node_modules"
  cp package.json "$stage/"
  cp -r scripts/host scripts/host-parts "$stage/"
  cp -L build/Release/onpath.node build/Release/libonpath_dpdk.so* "$stage/build/Release/"
  cp -r build/ts/lib "$stage/build/ts/"
  cp -r build/ts/test/nics build/ts/test/support "$stage/build/ts/test/"
  for module in zod node-gyp-build; do cp -rL "node_modules/$module" "$stage/node_modules/"; done
  node=$(node -p process.execPath)
  # Below /usr the guest sees it anyway.
  if [[ $node != /usr/* ]]; then
    cp -L "$node" "$stage/node"
    node=/stage/node
  fi
  echo "$node" >"$stage/node-path"
  "$ONPATH_PYTHON" "$parts/photographs.py" test/data/astronaut.png "$stage/photographs"
}

# make_initramfs FILE: the same for every guest; what differs comes on the kernel's command line.
make_initramfs() {
  local file=$1 root=$work/root name a b
  mkdir -p "$root"/{bb,dev,etc,modules,proc,run,stage,sys,tmp,usr,var}
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root/"
  ln -s /run "$root/var/run"
  cp -L "$busybox" "$root/busybox"
  cp "$parts/init" "$parts/run-tests" "$root/"
  [[ -n $host_lacks ]] || cp "$parts/host-tests" "$root/"
  chmod +x "$root/init"
  cp "$cache"/kernel/modules/* "$root/modules/"
  # Libraries may lie in folders that only the machine's own cache names.
  [[ ! -e /etc/ld.so.cache ]] || cp /etc/ld.so.cache "$root/etc/"
  while read -r name _ a b; do
    echo "$name $(address "$a") $(address "$b")"
  done < <(printf '%s\n' "${pairs[@]}") >"$root/etc/pairs"
  echo "$(address "$absent_slot") $(address "$unbound_slot")" >"$root/etc/refused"
  (cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null) >"$file"
}
