# Sourced by scripts/nics. Boots a guest for each kernel driver, and counts what the guests report.

passed_code=67 # 2 * 33 + 1, see init
failed_code=69
stalled_code=75
aborted_code=134 # SIGABRT: QEMU found itself wrong

# Whether KVM can run a guest. The device alone says little: nested machines without hardware support have it too, and hang.
kvm_works() { [[ -w /dev/kvm ]] && grep -qwE 'vmx|svm' /proc/cpuinfo; }

# Sets nic_arguments for a driver: pairs joined by hubs, and one more NIC that nobody is to bind. No NIC has firmware to boot from.
describe_nics() {
  local driver=$1 name device a b slot options hub=0
  nic_arguments=(-device "e1000,romfile=,addr=0x$unbound_slot")
  while read -r name device a b; do
    options=romfile=
    if [[ $device == virtio-net-pci ]]; then
      options+=,disable-legacy=on
      # Without these it would bypass the IOMMU, and VFIO would map addresses that it never uses.
      [[ $driver != vfio-pci ]] || options+=,iommu_platform=on,ats=on
    fi
    for slot in "$a" "$b"; do
      nic_arguments+=(-netdev "hubport,id=wire$slot,hubid=$hub"
        -device "$device,$options,netdev=wire$slot,addr=0x$slot,mac=52:54:00:12:34:$slot")
    done
    hub=$((hub + 1))
  done < <(printf '%s\n' "${pairs[@]}")
}

# Whether the guest's kernel says again and again that a CPU gets no timer interrupts: the emulator lost one, and nothing will go on.
stalled() {
  local reports
  reports=$(grep -c 'rcu_preempt detected stalls' "$work/$1.log" 2>/dev/null) || true
  ((${reports:-0} > 1))
}

# boot DRIVER ACCELERATOR SECONDS: its console goes to DRIVER.log, what it reports to DRIVER.rows. Answers QEMU's code, or $stalled_code.
boot() {
  local driver=$1 accelerator=$2 seconds=$3
  local machine=q35 cpu=host iommu=() append="console=ttyS0 quiet panic=-1 mitigations=off nokaslr"
  # On a busy machine the emulated timer is late when the kernel tries it, which would then panic.
  append+=" no_timer_check"
  if [[ $accelerator == kvm ]]; then machine+=,kernel-irqchip=split; else cpu=max accelerator=tcg,thread=multi; fi
  if [[ $driver == vfio-pci ]]; then
    iommu=(-device intel-iommu,caching-mode=on,device-iotlb=on,aw-bits=48)
    append+=" intel_iommu=on"
  fi
  # Reserving hugepages later takes seconds. What the kernel does not know becomes a variable of the first process.
  append+=" hugepages=256 nics_driver=$driver"
  describe_nics "$driver"
  timeout "$seconds" "${qemu[@]}" -M "$machine" -accel "$accelerator" -cpu "$cpu" -smp 2 -m 1536 \
    -nodefaults -display none -monitor none -no-reboot "${iommu[@]}" "${nic_arguments[@]}" \
    -kernel "$cache/kernel/vmlinuz" -initrd "$work/initramfs" -append "$append" \
    -serial "file:$work/$driver.log" -serial "file:$work/$driver.rows" \
    -device isa-debug-exit,iobase=0xf4,iosize=4 \
    -virtfs local,path=/usr,mount_tag=usr,security_model=none,readonly=on,multidevs=remap \
    -virtfs "local,path=$work/stage,mount_tag=stage,security_model=none,readonly=on,multidevs=remap" \
    </dev/null >"$work/$driver.qemu" 2>&1 &
  local guest=$! code=0
  # Whoever ends this script ends its guests.
  trap "kill $guest" TERM
  while kill -0 "$guest" 2>/dev/null; do
    ! stalled "$driver" || kill "$guest" 2>/dev/null || true
    sleep 1
  done
  wait "$guest" || code=$?
  ! stalled "$driver" || code=$stalled_code
  return "$code"
}

# For boot_driver, whose variables it reads; sets its code.
try_boot() {
  code=0
  boot "$driver" "$accelerator" "$seconds" || code=$?
}

# boot_driver DRIVER: leaves QEMU's exit code in DRIVER.code. A guest that KVM got nowhere with is tried once more without.
boot_driver() {
  local driver=$1 seconds=${ONPATH_NICS_SECONDS:-480} accelerator=${ONPATH_NICS_ACCEL:-} code=0 started=$SECONDS up
  [[ -n $accelerator ]] || { kvm_works && accelerator=kvm; } || accelerator=tcg
  try_boot
  if [[ $accelerator == kvm && -z ${ONPATH_NICS_ACCEL:-} && ! -s $work/$driver.rows ]]; then
    say "$driver: the guest gave no sign of life under KVM; once more without"
    accelerator=tcg
    try_boot
  fi
  if ((code == stalled_code)); then
    say "$driver: the emulator lost a timer interrupt and the guest stood still; once more"
    try_boot
  fi
  # QEMU 10 can: one CPU's access to a device goes by a look-up that the other has just renewed.
  if ((code == aborted_code)); then
    say "$driver: the emulator ended by an assertion of its own; once more"
    grep 'Assertion' "$work/$driver.qemu" || true
    try_boot
  fi
  up=$(awk -F'\t' '$1 == "up" { print int($4) }' "$work/$driver.rows")
  echo "$code" >"$work/$driver.code"
  echo "$((SECONDS - started)) s, ${accelerator^^}, up after ${up:-?} s" >"$work/$driver.time"
}

boot_all() {
  local driver guests=()
  # At the same time: most of a guest's work is one thread's.
  for driver in "$@"; do
    boot_driver "$driver" &
    guests+=($!)
  done
  trap 'kill "${guests[@]}" 2>/dev/null' EXIT
  wait
  trap - EXIT
}

# Of scripts/host, by driver: see host-tests.
declare -A host_results=([uio_pci_generic]=6 [vfio-pci]=2)

# report DRIVER...: the table, the counts, and what the guest said where something is wrong. Exit code 1 if something is.
report() {
  local driver passed=0 failed=0 right wrong
  local of_pairs=$((2 * ${#pairs[@]} + 2)) expected
  # igb is tried with two queues, too.
  [[ " ${pairs[*]} " != *" igb "* ]] || of_pairs=$((of_pairs + 1))
  printf '%-16s %-9s %-10s %8s  %s\n' driver pair path packets result
  for driver in "$@"; do
    : >>"$work/$driver.rows"
    expected=$of_pairs
    [[ -n $host_lacks ]] || expected=$((expected + ${host_results[$driver]}))
    awk -F'\t' -v driver="$driver" '$1 != "up" { printf "%-16s %-9s %-10s %8s  %s\n", driver, $2, $1, $3, $4 }' \
      "$work/$driver.rows"
    right=$(awk -F'\t' '$1 != "up" && $4 !~ /^FAILED/' "$work/$driver.rows" | wc -l)
    wrong=$(awk -F'\t' '$4 ~ /^FAILED/' "$work/$driver.rows" | wc -l)
    # A guest that ended otherwise, or before its time, has failed whatever it reported until then.
    if (($(<"$work/$driver.code") != passed_code || right != expected)); then
      ((wrong)) || wrong=1
      explain "$driver" "$right" "$expected"
    fi
    passed=$((passed + right)) failed=$((failed + wrong))
    say "$driver: $(<"$work/$driver.time")"
  done
  count "$passed" "$failed" 0
  say "$passed passed, $failed failed"
  ((failed == 0))
}

explain() {
  local driver=$1 right=$2 expected=$3 code
  code=$(<"$work/$driver.code")
  case $code in
    "$passed_code") say "$driver: the guest was content, but reported $right of $expected results" ;;
    "$failed_code") say "$driver: the guest failed" ;;
    "$stalled_code") say "$driver: the guest stood still, as its emulator lost a timer interrupt" ;;
    124) say "$driver: the guest was not done in time" ;;
    *) say "$driver: no result; QEMU ended with code $code" ;;
  esac
  tail -n 60 "$work/$driver.log" 2>/dev/null | tr -d '\r' || true
  grep -v 'is not connected to host network' "$work/$driver.qemu" || true
}
