// A bad network in front of any port: what arrives is lost, doubled, damaged and reordered as asked for. For
// tests and staging. What leaves is not touched.
#pragma once

#include "base/result.h"
#include "dataplane/port_abi.h"
#include "port/impairments.h"

namespace onpath {

/// A port over `port`, which it destroys with itself, or at once if this fails.
/// - A damaged packet has one bit flipped and loses the NIC's word that its checksums are right. A datagram
/// has
///   no checksum that is ours to verify, and the kernel would not have let it through: it is lost.
/// - What the window of reordering holds leaves when later packets push it out, or when nothing has arrived
/// for
///   a millisecond.
/// - Duplicates, and with a window everything, are copies that cannot be written: they do not leave in place.
/// rx_packets + impaired_lost + impaired_held = packets of `port` + impaired_duplicated.
/// Errors: INVALID_ARGUMENT, OUT_OF_MEMORY.
Result<const onpath_port*> open_impaired_port(const onpath_port* port, const Impairments& impairments);

}  // namespace onpath
