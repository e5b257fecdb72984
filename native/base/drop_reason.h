// Drop reasons as an enum, with their names; the list itself is drop_reasons.def.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onpath {

enum class DropReason : uint8_t {
#define ONPATH_DROP_REASON(name, scope, meaning) name,
#include "base/drop_reasons.def"
#undef ONPATH_DROP_REASON
};

inline constexpr size_t kDropReasonCount = 0
#define ONPATH_DROP_REASON(name, scope, meaning) +1
#include "base/drop_reasons.def"
#undef ONPATH_DROP_REASON
    ;

/// Whether a reason counts packets or whole samples.
enum class DropScope : uint8_t { packet, sample };

const char* drop_reason_name(DropReason reason);
DropScope drop_reason_scope(DropReason reason);

}  // namespace onpath
