# Network cards and the drivers they are bound to. Sourced by scripts/host.

dpdk_drivers=(vfio-pci uio_pci_generic igb_uio)
mellanox=0x15b3

card_folder() { echo "$sys/bus/pci/devices/$1"; }
link_name() { basename "$(readlink "$1" 2>/dev/null)" 2>/dev/null || true; }
driver_of() { link_name "$(card_folder "$1")/driver"; }
group_of() { link_name "$(card_folder "$1")/iommu_group"; }
is_dpdk_driver() { [[ " ${dpdk_drivers[*]} " == *" $1 "* ]]; }

# interfaces_of ADDRESS: the kernel's names for it; between a virtio card and its interface stands a virtio device.
interfaces_of() {
  local folder
  for folder in "$(card_folder "$1")"/net/* "$(card_folder "$1")"/virtio*/net/*; do
    [[ ! -e $folder ]] || basename "$folder"
  done
}

# address_of DEVICE: the PCI address of a network card that is there.
address_of() {
  local address=${1,,} at class
  if [[ $address =~ ^([0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$ ]]; then
    [[ $address == *:*:* ]] || address=0000:$address
  elif [[ -n $1 && $1 != */* && $1 != . && $1 != .. && -e $sys/class/net/$1 ]]; then
    at=$(readlink -f "$sys/class/net/$1/device" 2>/dev/null || true)
    [[ ${at##*/} != virtio* ]] || at=${at%/*}
    address=${at##*/}
    [[ $address == *:*:*.* ]] ||
      fail "$1 is an interface without a PCI card, and only cards can be bound; onpath devices says how a port opens it as it is."
  else
    fail "${1@Q} is neither a PCI address such as 0000:03:00.0 nor an interface of this host; scripts/host check lists the cards."
  fi
  [[ -e $(card_folder "$address") ]] || fail "There is no PCI device $address on this host; scripts/host check lists the cards."
  class=$(read_of "$(card_folder "$address")/class")
  [[ $class == 0x02* ]] || fail "$address is no network card (its PCI class is ${class:-unknown})."
  echo "$address"
}

addresses_of() {
  local device address found=()
  for device in "$@"; do
    address=$(address_of "$device") || exit
    [[ " ${found[*]} " == *" $address "* ]] || found+=("$address")
  done
  printf '%s\n' "${found[@]}"
}

# All cards are looked at before the first is touched.
bind_cards() {
  local addresses address names=() list carried
  list=$(addresses_of "$@") || exit
  mapfile -t addresses <<<"$list"
  [[ -z $driver ]] || is_dpdk_driver "$driver" || wrong "--driver is ${driver@Q}; expected one of ${dpdk_drivers[*]}."
  [[ -z $user ]] || id -u -- "$user" >/dev/null 2>&1 || wrong "--user is ${user@Q}, whom this host does not know."
  carried=$(carriers) || exit
  for address in "${addresses[@]}"; do
    refuse_bifurcated "$address"
    refuse_carrier "$address" "$carried"
    refuse_hidden "$address"
    names+=("$(driver_for "$address")") || exit
    [[ -z $user || ${names[-1]} == vfio-pci ]] ||
      fail "$address would be bound to ${names[-1]}, which is for root only; leave --user out. Nothing was bound."
  done
  local i
  for i in "${!addresses[@]}"; do refuse_group "${addresses[i]}" "${names[i]}" "$carried" "${addresses[@]}"; done
  for i in "${!addresses[@]}"; do bind_card "${addresses[i]}" "${names[i]}"; done
}

# Those cards are driven by the kernel and by DPDK at once; without their kernel driver neither works.
refuse_bifurcated() {
  local vendor
  vendor=$(read_of "$(card_folder "$1")/vendor")
  [[ $vendor != "$mellanox" ]] ||
    fail "$1 is a ConnectX or BlueField card (mlx4, mlx5): it is bifurcated and stays with its kernel driver, and a dpdk port opens it as it is (device: '$1'). Nothing was bound."
}

refuse_carrier() {
  local name why
  [[ $force == no ]] || return 0
  for name in $(interfaces_of "$1"); do
    why=$(awk -F '\t' -v name="$name" '$1 == name { print $2; exit }' <<<"$2")
    [[ -z $why ]] ||
      fail "$1 is $name, which $why: binding it would cut this host off. Take another card, or add --force. Nothing was bound."
  done
}

# The interface of a card may be in another network namespace: what it carries cannot be seen from here.
refuse_hidden() {
  local held
  held=$(driver_of "$1")
  [[ $force == yes || -z $held || -n $(interfaces_of "$1") ]] || is_dpdk_driver "$held" ||
    fail "$1 is bound to $held, but its interface is not to be seen here (another network namespace, a container): look there what it carries, then add --force. Nothing was bound."
}

driver_for() {
  local group
  group=$(group_of "$1")
  if [[ -n $group ]]; then
    echo "${driver:-vfio-pci}"
  elif [[ $driver == vfio-pci ]]; then
    fail "$1 is in no IOMMU group, which vfio-pci needs: switch the IOMMU on (in the firmware, and on Intel intel_iommu=on on the kernel's command line), or leave --driver out for uio_pci_generic. Nothing was bound."
  else
    echo "${driver:-uio_pci_generic}"
  fi
}

# vfio hands over an IOMMU group as a whole: what the kernel still drives there has to be given too, but for bridges.
refuse_group() {
  local address=$1 name=$2 carried=$3 group member held others=()
  shift 3
  group=$(group_of "$address")
  [[ $name == vfio-pci && -n $group ]] || return 0
  for member in "$sys/kernel/iommu_groups/$group/devices"/*; do
    member=${member##*/}
    held=$(driver_of "$member")
    [[ -n $held && $held != vfio* && " $* " != *" $member "* ]] || continue
    [[ $(read_of "$(card_folder "$member")/class") != 0x06* ]] || continue
    refuse_carrier "$member" "$carried"
    others+=("$member ($held)")
  done
  ((${#others[@]} == 0)) ||
    fail "$address shares IOMMU group $group with ${others[*]}, and vfio-pci takes a group as a whole: give those too, or put the card into another slot. Nothing was bound."
}

bind_card() {
  local address=$1 name=$2 was interface options=()
  was=$(driver_of "$address")
  if [[ $was == "$name" ]]; then
    say "$address is bound to $name already."
  else
    load_module "$name"
    need_devbind
    for interface in $(interfaces_of "$address"); do
      say "$address is $interface: it leaves the kernel, with its addresses and routes."
      # dpdk-devbind.py refuses a card that a route leads over.
      run ip link set dev "$interface" down || fail "$interface could not be taken down; nothing was bound."
    done
    is_dpdk_driver "$was" || remember "card:$address" "${was:--}"
    [[ $force == no ]] || options=(--force)
    devbind "$address" "$name" "${options[@]}"
    [[ $dry == yes ]] || say "$address is bound to $name${was:+, no longer to $was}."
  fi
  [[ $name == vfio-pci ]] || say "Under $name no IOMMU confines what $address reads and writes, and the program needs root."
  let_user_open "$address"
}

load_module() {
  [[ ! -e $sys/module/${1//-/_} ]] || return 0
  run modprobe "$1" || fail "The kernel module $1 could not be loaded (modprobe $1)."
}

need_devbind() {
  [[ $dry == yes ]] || command -v dpdk-devbind.py >/dev/null ||
    fail "dpdk-devbind.py is not there: apt-get install --no-install-recommends dpdk"
}

# devbind ADDRESS DRIVER OPTION...: it may end with 0 although the kernel bound nothing, so the result is looked at.
devbind() {
  local said
  if [[ $dry == yes ]]; then run dpdk-devbind.py --bind="$2" "${@:3}" "$1"; return; fi
  said=$(dpdk-devbind.py --bind="$2" "${@:3}" "$1" 2>&1) && [[ $(driver_of "$1") == "$2" ]] && return
  [[ -n $(driver_of "$1") ]] || said="It is bound to no driver now; scripts/host undo tries to give it back. $said"
  fail "$1 could not be bound to $2. dpdk-devbind.py: $(paste -sd ' ' <<<"$said")"
}

let_user_open() {
  local file=$root/dev/vfio/$(group_of "$1")
  [[ -n $user ]] || return 0
  run chown -- "$user" "$file" || fail "$file could not be given to $user."
  [[ $dry == yes ]] || say "$user may open $file."
}

unbind_cards() {
  local addresses address names=() was list
  list=$(addresses_of "$@") || exit
  mapfile -t addresses <<<"$list"
  for address in "${addresses[@]}"; do
    was=$(remembered "card:$address") || was=$driver
    is_dpdk_driver "$(driver_of "$address")" || was=there
    [[ -n $was ]] ||
      fail "$address was not bound by this script since the host started: name its kernel driver by --driver. Nothing was given back."
    is_dpdk_driver "$was" && wrong "--driver is $was; unbind takes the kernel driver that the card goes back to."
    names+=("$was")
  done
  local i
  for i in "${!addresses[@]}"; do give_back "${addresses[i]}" "${names[i]}"; done
}

# give_back ADDRESS DRIVER: `-` is none, `there` says that DPDK does not have it.
give_back() {
  local now
  now=$(driver_of "$1")
  if ! is_dpdk_driver "$now"; then
    # A bind that failed half-way may have left it without a driver.
    if [[ -n $now || $2 == there || $2 == - ]]; then
      forget "card:$1"
      say "$1 is with the kernel (${now:-no driver}) already."
      return
    fi
  fi
  need_devbind
  if [[ $2 == - ]]; then
    run dpdk-devbind.py --unbind "$1" || fail "$1 could not be unbound from $now."
  else
    devbind "$1" "$2"
  fi
  forget "card:$1"
  [[ $dry == yes ]] || say "$1 is given back to ${2/#-/no driver, as before}. Addresses and routes of its interface do not come back by themselves."
}

check_cards() {
  local folder address name group carried found=0 why interface
  if compgen -G "$sys/kernel/iommu_groups/*" >/dev/null; then say "IOMMU: on, cards go to vfio-pci"
  else say "IOMMU: off or absent, cards go to uio_pci_generic (root only, and nothing confines them)"; fi
  carried=$(carriers) || exit
  for folder in "$sys"/bus/pci/devices/*; do
    [[ $(read_of "$folder/class") == 0x02* ]] || continue
    found=1
    address=${folder##*/}
    name=$(driver_of "$address")
    group=$(group_of "$address")
    why=
    for interface in $(interfaces_of "$address"); do
      why+=" $interface$(awk -F '\t' -v name="$interface" '$1 == name { print ", which " $2; exit }' <<<"$carried")"
    done
    [[ $(read_of "$folder/vendor") != "$mellanox" ]] || why+=" (mlx: stays with its kernel driver)"
    say "card $address: ${name:-no driver}${group:+, IOMMU group $group}${why:+,$why}"
  done
  ((found)) || say "No network cards on the PCI bus here; dpdk ports on kernel interfaces (net_af_packet, net_af_xdp) need none."
}
