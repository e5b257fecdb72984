#include "base/drop_reason.h"

namespace onpath {

const char* drop_reason_name(DropReason reason) {
  static constexpr const char* kNames[] = {
#define ONPATH_DROP_REASON(name, scope, meaning) #name,
#include "base/drop_reasons.def"
#undef ONPATH_DROP_REASON
  };
  return kNames[static_cast<size_t>(reason)];
}

DropScope drop_reason_scope(DropReason reason) {
  static constexpr DropScope kScopes[] = {
#define ONPATH_DROP_REASON(name, scope, meaning) DropScope::scope,
#include "base/drop_reasons.def"
#undef ONPATH_DROP_REASON
  };
  return kScopes[static_cast<size_t>(reason)];
}

}  // namespace onpath
