// What DPDK logs: its last lines are kept so that errors can quote them; little or nothing goes to stderr.
#pragma once

#include <cstdint>
#include <string>

namespace onpath::dpdk {

/// Takes DPDK's log from now on. Lines of `stderr_level` (1 emergency to 8 debug) and graver ones are written
/// to stderr, too; 0: none. False if the stream cannot be made.
bool take_log(uint32_t stderr_level);

/// How many lines there have been; a point in time for log_since().
uint64_t log_mark();

/// The last errors and warnings since then, as a part of a sentence: ` DPDK said: "...", "...".` Empty if
/// there were none.
std::string log_since(uint64_t mark);

/// Whether one of these lines since `mark` holds `text`.
bool log_has(uint64_t mark, const char* text);

}  // namespace onpath::dpdk
