// Senders that leave by a plane's ports: who has which transmit queue, and their end before the ports'.
// Control path only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "dataplane/plane_parts.h"
#include "dataplane/sender.h"

namespace onpath {

class PlaneSenders {
 public:
  /// `parts` outlive close().
  explicit PlaneSenders(const PlaneParts& parts);

  /// Errors: NOT_FOUND, BUSY, CLOSED, and those of open_sender_on().
  Result<std::unique_ptr<Sender>> open(const std::string& port, SenderConfig config);
  /// Closes every sender; none can be opened afterwards. Idempotent.
  void close();

 private:
  struct Queues;  // shared with the senders, which may outlive the plane
  const std::shared_ptr<Queues> queues_;
};

}  // namespace onpath
