# Hugepages and hugetlbfs. Sourced by scripts/host.

# Most that can be meant; a size with a zero too many should not take the machine down.
most_hugepages_kb=$((1 << 32)) # 4 TiB

# kilobytes TEXT: of 2M, 1G, 512k; fails if it is none.
kilobytes() {
  [[ $1 =~ ^([0-9]{1,9})([kKMG])$ ]] || return 1
  case ${BASH_REMATCH[2]} in
    k | K) echo $((10#${BASH_REMATCH[1]})) ;;
    M) echo $((10#${BASH_REMATCH[1]} << 10)) ;;
    G) echo $((10#${BASH_REMATCH[1]} << 20)) ;;
  esac
}

default_page_kb() {
  local found
  found=$(sed -n 's/^Hugepagesize: *\([0-9]*\) kB$/\1/p' "$root/proc/meminfo" 2>/dev/null || true)
  echo "${found:-2048}"
}

# Where the kernel keeps the count of pages of this size, of one NUMA node or of all.
pages_file() {
  local folder=$sys/kernel/mm
  [[ -z $2 ]] || folder=$sys/devices/system/node/node$2
  echo "$folder/hugepages/hugepages-$1kB/nr_hugepages"
}

reserve_hugepages() {
  local page_kb count file had got
  page_kb=$(if [[ -n $page ]]; then kilobytes "$page"; else default_page_kb; fi) ||
    wrong "--page is ${page@Q}; expected a page size such as 2M or 1G."
  [[ -z $node || $node =~ ^[0-9]{1,4}$ ]] || wrong "--node is ${node@Q}; expected the number of a NUMA node."
  count=$(pages_of "$1" "$page_kb") || exit
  file=$(pages_file "$page_kb" "$node")
  [[ -e $file ]] || fail "This host has no hugepages of $page_kb kB${node:+ on NUMA node $node}. It has: $(page_sizes). A container has to be given the host's /sys."
  had=$(read_of "$file")
  had=${had:-0}
  if ((had >= count)); then
    say "$had hugepages of $page_kb kB are reserved${node:+ on NUMA node $node} already; $count were asked for."
  else
    remember "pages:$page_kb:$node" "$had"
    put "$count" "$file" || fail "The kernel refused to reserve $count hugepages of $page_kb kB ($file). Is this a container without the right to?"
    if [[ $dry == no ]]; then
      got=$(read_of "$file")
      if ((${got:-0} < count)); then
        put "$had" "$file"
        forget "pages:$page_kb:$node"
        fail "The kernel found memory for only ${got:-0} of $count hugepages of $page_kb kB, and the count is $had again as before. Ask for fewer, or reserve them at boot, while memory is in one piece: hugepagesz=${page_kb}K hugepages=$count on the kernel's command line."
      fi
      say "$count hugepages of $page_kb kB are reserved${node:+ on NUMA node $node}; before, there were $had."
    fi
  fi
  mount_hugepages "$page_kb"
}

# pages_of SIZE|COUNT PAGE_KB: how many pages that is.
pages_of() {
  local size
  if [[ $1 =~ ^[0-9]{1,9}$ ]]; then
    size=$((10#$1 * $2))
  else
    size=$(kilobytes "$1") || wrong "hugepages is ${1@Q}; expected a size such as 512M or 4G, or a number of pages."
    ((size % $2 == 0)) || wrong "$1 is no whole number of pages of $2 kB."
  fi
  ((size > 0)) || wrong "hugepages is ${1@Q}; ask for one page or more. To give pages back: scripts/host undo."
  ((size <= most_hugepages_kb)) || wrong "$1 is more than 4 TiB of pages of $2 kB; is there a zero too many?"
  echo $((size / $2))
}

page_sizes() {
  local sizes
  sizes=$(ls "$sys/kernel/mm/hugepages" 2>/dev/null | sed -n 's/^hugepages-\([0-9]*\)kB$/\1 kB/p' | paste -sd , | sed 's/,/, /g')
  echo "${sizes:-none}"
}

hugetlbfs_mounts() { awk '$3 == "hugetlbfs" { print $2 }' "$root/proc/mounts" 2>/dev/null | paste -sd ' '; }

mount_hugepages() {
  local at=$root/dev/hugepages
  if [[ -n $(hugetlbfs_mounts) ]]; then
    say "hugetlbfs is mounted on $(hugetlbfs_mounts) already."
    return
  fi
  remember "mount:$at" yes
  run mkdir -p "$at"
  run mount -t hugetlbfs -o "pagesize=${1}K,mode=1770" onpath "$at" || { forget "mount:$at"; fail "hugetlbfs could not be mounted on $at. Is this a container without the right to?"; }
  [[ $dry == yes ]] || say "hugetlbfs is mounted on $at."
}

# restore_hugepages PAGE_KB:NODE COUNT
restore_hugepages() {
  local page_kb=${1%%:*} on=${1#*:} file
  file=$(pages_file "$page_kb" "$on")
  put "$2" "$file" || fail "The kernel refused to give hugepages back ($file)."
  forget "pages:$1"
  [[ $dry == yes ]] || say "$2 hugepages of $page_kb kB are reserved${on:+ on NUMA node $on} again, as before. Those in use go when their program ends."
}

unmount_hugepages() {
  run umount "$1" || fail "$1 could not be unmounted: a program uses it. End it, then undo again."
  forget "mount:$1"
  [[ $dry == yes ]] || say "$1 is unmounted."
}

check_hugepages() {
  local folder size reserved free all=0
  for folder in "$sys"/kernel/mm/hugepages/hugepages-*kB; do
    [[ -e $folder ]] || continue
    size=${folder##*-}
    reserved=$(read_of "$folder/nr_hugepages")
    free=$(read_of "$folder/free_hugepages")
    say "hugepages of $size: ${reserved:-0} reserved, ${free:-0} free"
    all=$((all + ${free:-0} * ${size%kB}))
  done
  if ((all < 64 << 10)); then
    say "Less than 64 MB of hugepages are free; a dpdk port holds its packets in them: scripts/host hugepages 512M"
    return 1
  fi
  [[ -n $(hugetlbfs_mounts) ]] || { say "hugetlbfs is not mounted: scripts/host hugepages 512M mounts it"; return 1; }
}
