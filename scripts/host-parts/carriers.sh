# Which interfaces must not be taken away: those of the default routes and of ssh sessions. Sourced by scripts/host.

# carriers: a line `INTERFACE<tab>WHY` for each, with those that it is built on (members of a bond, the parent of a VLAN).
carriers() {
  command -v ip >/dev/null && command -v ss >/dev/null ||
    fail "ip and ss are needed to see which card must not be taken away: apt-get install iproute2"
  {
    default_routes
    ssh_sessions
  } | sort -u | while IFS=$'\t' read -r name why; do with_lowers "$name" "$why"; done
}

default_routes() {
  local family
  for family in -4 -6; do
    ip "$family" route show default 2>/dev/null | grep -o 'dev [^ ]*' | cut -d ' ' -f 2 | sed 's/$/\tcarries the default route/' || true
  done
}

# Sessions are known by SSH_CONNECTION, which sudo drops but the shells above it have, and by connections to our port 22, which
# survive tmux and the like.
ssh_sessions() {
  local local_address name
  { ssh_addresses_above; ssh_addresses_connected; } | sort -u | while read -r local_address; do
    name=$(ip -o addr show to "$local_address" 2>/dev/null | awk '{ print $2; exit }')
    # Over loopback no card is in use.
    [[ -z $name || $name == lo ]] || printf '%s\tcarries an ssh session\n' "$name"
  done
}

ssh_addresses_above() {
  local pid=$$ connection
  [[ -z ${SSH_CONNECTION:-} ]] || cut -d ' ' -f 3 <<<"$SSH_CONNECTION"
  while [[ $pid =~ ^[0-9]+$ ]] && ((pid > 1)); do
    connection=$(tr '\0' '\n' 2>/dev/null </proc/$pid/environ | sed -n 's/^SSH_CONNECTION=//p' || true)
    [[ -z $connection ]] || cut -d ' ' -f 3 <<<"$connection"
    pid=$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status" 2>/dev/null || echo 0)
  done
}

ssh_addresses_connected() {
  ss -Htn state established '( sport = :22 )' 2>/dev/null | awk '{ print $3 }' |
    sed -e 's/:[0-9]*$//' -e 's/^\[\(.*\)\]$/\1/' -e 's/^::ffff://' -e 's/%.*//' || true
}

with_lowers() {
  local lower
  printf '%s\t%s\n' "$1" "$2"
  for lower in "$sys/class/net/$1"/lower_*; do
    [[ ! -e $lower ]] || with_lowers "${lower##*/lower_}" "is below $1, which ${2#* which }"
  done
}
