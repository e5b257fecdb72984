#include "dpdk/telemetry.h"

#include <rte_errno.h>
#include <rte_telemetry.h>
#include <rte_version.h>

#include <array>
#include <cctype>
#include <cstring>
#include <string>

namespace onpath::dpdk {
namespace {

constexpr size_t kMostCommands = 32;
/// Filled by the control thread; the telemetry thread learns of an entry when its command is registered.
std::array<const onpath_telemetry_command*, kMostCommands> known;
size_t known_count = 0;

/// The dictionary that is being answered with, and those begun inside it.
class Tree {
 public:
  explicit Tree(rte_tel_data* root) : at_{root} {}
  ~Tree() {
    while (depth_ > 0) end();
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  void begin(const char* name) {
    if (depth_ + 1 == kMostDepth) {
      ++left_out_;
      return;
    }
    rte_tel_data* inside = left_out_ > 0 ? nullptr : rte_tel_data_alloc();
    if (inside == nullptr || rte_tel_data_start_dict(inside) != 0) {
      rte_tel_data_free(inside);
      ++left_out_;
      return;
    }
    ++depth_;
    at_[depth_] = inside;
    names_[depth_] = valid(name);
  }
  void end() {
    if (left_out_ > 0) {
      --left_out_;
      return;
    }
    if (depth_ == 0) return;
    rte_tel_data* inside = at_[depth_];
    const std::string& name = names_[depth_];
    --depth_;
    // Taken over, and freed once the answer was sent, unless there was no room.
    if (const int result = rte_tel_data_add_dict_container(at_[depth_], name.c_str(), inside, 0); result < 0)
      rte_tel_data_free(inside);
  }
  void text(const char* name, const char* value) {
    if (left_out_ == 0) rte_tel_data_add_dict_string(at_[depth_], valid(name).c_str(), value);
  }
  void count(const char* name, uint64_t value) {
    if (left_out_ > 0) return;
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
    rte_tel_data_add_dict_uint(at_[depth_], valid(name).c_str(), value);
#else
    rte_tel_data_add_dict_u64(at_[depth_], valid(name).c_str(), value);
#endif
  }

 private:
  static constexpr size_t kMostDepth = 8;

  /// Letters, digits, '_' and '/' are what DPDK takes.
  static std::string valid(const char* name) {
    std::string result = name;
    for (char& c : result) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 128 || (std::isalnum(byte) == 0 && c != '_' && c != '/')) c = '_';
    }
    if (result.size() >= RTE_TEL_MAX_STRING_LEN) result.resize(RTE_TEL_MAX_STRING_LEN - 1);
    return result;
  }

  std::array<rte_tel_data*, kMostDepth> at_{};
  std::array<std::string, kMostDepth> names_;
  size_t depth_ = 0;
  size_t left_out_ = 0;  // dictionaries begun that had no room
};

Tree& tree(void* self) { return *static_cast<Tree*>(self); }

int answer(const char* path, const char* parameters, rte_tel_data* data) {
  for (const onpath_telemetry_command* command : known) {
    if (command == nullptr || std::strcmp(command->path, path) != 0) continue;
    if (rte_tel_data_start_dict(data) != 0) return -1;
    Tree made(data);
    const onpath_telemetry_writer writer{
        &made, [](void* self, const char* name) { tree(self).begin(name); },
        [](void* self) { tree(self).end(); },
        [](void* self, const char* name, const char* value) { tree(self).text(name, value); },
        [](void* self, const char* name, uint64_t value) { tree(self).count(name, value); }};
    return command->answer(parameters, &writer) == 1 ? 0 : -1;
  }
  return -1;
}

bool is_known(const char* path) {
  for (size_t i = 0; i < known_count; ++i) {
    if (std::strcmp(known[i]->path, path) == 0) return true;
  }
  return false;
}

}  // namespace

Outcome register_commands(std::span<const onpath_telemetry_command> commands) {
  for (const onpath_telemetry_command& command : commands) {
    if (is_known(command.path)) continue;
    if (known_count == kMostCommands)
      return Failure{"PORT_FAILED", "There are more telemetry commands than the driver takes."};
    known[known_count] = &command;
    const int result = rte_telemetry_register_cmd(command.path, answer, command.help);
    if (result != 0) {
      known[known_count] = nullptr;
      return Failure{"PORT_FAILED", std::string("DPDK's telemetry did not take the command ") + command.path +
                                        ": " + rte_strerror(-result) + "."};
    }
    ++known_count;
  }
  return {};
}

}  // namespace onpath::dpdk
