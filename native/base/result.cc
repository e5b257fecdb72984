#include "base/result.h"

namespace onpath {

const char* error_code_name(ErrorCode code) {
  switch (code) {
#define ONPATH_ERROR_CODE(name, meaning) \
  case ErrorCode::name:                  \
    return #name;
#include "base/error_codes.def"
#undef ONPATH_ERROR_CODE
  }
  return "UNKNOWN";
}

}  // namespace onpath
