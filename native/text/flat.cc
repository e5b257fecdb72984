#include "text/flat.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace onpath::text {
namespace {

// Layout, all numbers in the byte order of the machine that wrote it:
//   header     kHeaderBytes: magic[8] version u32, byte order u32, form bytes u64, checksum u64,
//              entries u32, name bytes u32, directory at u64, zeros
//   arrays     each at a multiple of kAlign, zeros between
//   directory  entries of kEntryBytes: array at u64, array bytes u64, name at u32, name bytes u32,
//              element bytes u32, zero u32; then the names
// The checksum is over everything behind the header.
constexpr char kMagic[8] = {'o', 'n', 'p', 'a', 't', 'h', 'T', '\n'};
constexpr uint32_t kVersion = 2;
constexpr uint32_t kByteOrder = 0x01020304;
constexpr size_t kAlign = 64;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kEntryBytes = 32;
constexpr uint32_t kMaxEntries = 4096;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t byte_order;
  uint64_t form_bytes;
  uint64_t checksum;
  uint32_t entries;
  uint32_t name_bytes;
  uint64_t directory_at;
  uint8_t zeros[16];
};
static_assert(sizeof(Header) == kHeaderBytes);
struct DirectoryEntry {
  uint64_t at;
  uint64_t bytes;
  uint32_t name_at;
  uint32_t name_bytes;
  uint32_t element_bytes;
  uint32_t zero;
};
static_assert(sizeof(DirectoryEntry) == kEntryBytes);

size_t aligned(size_t size) { return (size + kAlign - 1) / kAlign * kAlign; }

uint64_t load64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

uint64_t mixed(uint64_t value) {
  value ^= value >> 32;
  value *= 0x9E3779B97F4A7C15u;
  return value ^ value >> 29;
}

Error damaged_tokenizer(std::string what) {
  return {ErrorCode::INVALID_VOCABULARY,
          "The compiled tokenizer " + what + ". Compile the vocabulary again."};
}

}  // namespace

// Finds damage, not attacks. Eight independent lanes, so that it runs at memory speed.
uint64_t flat_checksum(std::span<const uint8_t> bytes) {
  constexpr uint64_t kMultiply = 0xD6E8FEB86659FD93u;
  constexpr size_t kLanes = 8;
  uint64_t lanes[kLanes] = {1, 2, 3, 4, 5, 6, 7, 8};
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8 * kLanes; at += 8 * kLanes, left -= 8 * kLanes) {
    for (size_t i = 0; i < kLanes; ++i) {
      lanes[i] = std::rotl(lanes[i] ^ load64(at + 8 * i), 27) * kMultiply;
    }
  }
  uint64_t sum = mixed(bytes.size());
  for (const uint64_t lane : lanes) sum = mixed(sum ^ lane) + lane;
  for (; left > 0; ++at, --left) sum = mixed(sum ^ *at);
  return sum;
}

Error damaged_form(std::string_view what) {
  return {ErrorCode::INVALID_VOCABULARY, "The compiled vocabulary is damaged (" + std::string(what) +
                                             "): compile it again from the vocabulary file."};
}

void FlatWriter::add(std::string_view name, size_t element_bytes, std::span<const std::byte> bytes) {
  const auto* first = reinterpret_cast<const uint8_t*>(bytes.data());
  entries_.push_back(
      {std::string(name), static_cast<uint32_t>(element_bytes), {first, first + bytes.size()}});
}

std::vector<uint8_t> FlatWriter::finish() const {
  size_t size = kHeaderBytes;
  std::vector<DirectoryEntry> directory;
  std::string names;
  for (const Entry& entry : entries_) {
    directory.push_back({size, entry.bytes.size(), static_cast<uint32_t>(names.size()),
                         static_cast<uint32_t>(entry.name.size()), entry.element_bytes, 0});
    names += entry.name;
    size = aligned(size + entry.bytes.size());
  }
  const size_t directory_at = size;
  size += directory.size() * kEntryBytes + names.size();

  std::vector<uint8_t> form(size);
  for (size_t i = 0; i < entries_.size(); ++i) {
    std::copy(entries_[i].bytes.begin(), entries_[i].bytes.end(),
              form.begin() + static_cast<ptrdiff_t>(directory[i].at));
  }
  if (!directory.empty()) {
    std::memcpy(form.data() + directory_at, directory.data(), directory.size() * kEntryBytes);
    std::memcpy(form.data() + directory_at + directory.size() * kEntryBytes, names.data(), names.size());
  }
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.byte_order = kByteOrder;
  header.form_bytes = size;
  header.entries = static_cast<uint32_t>(directory.size());
  header.name_bytes = static_cast<uint32_t>(names.size());
  header.directory_at = directory_at;
  header.checksum = flat_checksum(std::span(form).subspan(kHeaderBytes));
  std::memcpy(form.data(), &header, kHeaderBytes);
  return form;
}

Result<FlatReader> FlatReader::open(std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes) {
    return damaged_tokenizer("has " + std::to_string(bytes.size()) + " bytes, fewer than its header of 64");
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kAlign != 0) {
    return damaged_tokenizer("does not begin at a multiple of 64 bytes in memory");
  }
  Header header;
  std::memcpy(&header, bytes.data(), kHeaderBytes);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return damaged_tokenizer("does not begin as one");
  if (header.byte_order != kByteOrder)
    return damaged_tokenizer("was written on a machine of another byte order");
  if (header.version != kVersion) {
    return damaged_tokenizer("has version " + std::to_string(header.version) + ", this library reads " +
                             std::to_string(kVersion));
  }
  if (header.form_bytes != bytes.size()) {
    return damaged_tokenizer("has " + std::to_string(bytes.size()) + " bytes, its header says " +
                             std::to_string(header.form_bytes));
  }
  if (header.checksum != flat_checksum(bytes.subspan(kHeaderBytes))) {
    return damaged_tokenizer("is damaged: its checksum does not match");
  }
  const uint64_t directory_bytes = uint64_t{header.entries} * kEntryBytes;
  if (header.entries > kMaxEntries || header.directory_at > bytes.size() ||
      bytes.size() - header.directory_at != directory_bytes + header.name_bytes) {
    return damaged_tokenizer("has a directory that does not fit it");
  }
  const uint8_t* names = bytes.data() + header.directory_at + directory_bytes;
  FlatReader reader;
  reader.entries_.reserve(header.entries);
  for (uint32_t i = 0; i < header.entries; ++i) {
    DirectoryEntry entry;
    std::memcpy(&entry, bytes.data() + header.directory_at + i * kEntryBytes, kEntryBytes);
    if (entry.at % kAlign != 0 || entry.at > header.directory_at ||
        entry.bytes > header.directory_at - entry.at || entry.element_bytes == 0 ||
        entry.bytes % entry.element_bytes != 0 || entry.name_at > header.name_bytes ||
        entry.name_bytes > header.name_bytes - entry.name_at) {
      return damaged_tokenizer("has a directory entry " + std::to_string(i) + " that points outside of it");
    }
    reader.entries_.push_back(
        {std::string_view(reinterpret_cast<const char*>(names) + entry.name_at, entry.name_bytes),
         entry.element_bytes, bytes.subspan(entry.at, entry.bytes)});
  }
  std::sort(reader.entries_.begin(), reader.entries_.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  for (size_t i = 1; i < reader.entries_.size(); ++i) {
    if (reader.entries_[i].name == reader.entries_[i - 1].name) {
      return damaged_tokenizer("has two arrays called '" + std::string(reader.entries_[i].name) + "'");
    }
  }
  return reader;
}

const FlatReader::Entry* FlatReader::entry(std::string_view name) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), name,
                                      [](const Entry& a, std::string_view b) { return a.name < b; });
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

Result<std::span<const uint8_t>> FlatReader::find(std::string_view name, size_t element_bytes) const {
  const Entry* found = entry(name);
  if (!found) return damaged_tokenizer("has no array called '" + std::string(name) + "'");
  if (found->element_bytes != element_bytes) {
    return damaged_tokenizer("has elements of " + std::to_string(found->element_bytes) + " bytes in '" +
                             std::string(name) + "', expected " + std::to_string(element_bytes));
  }
  return found->bytes;
}

Error FlatReader::wrong_count(std::string_view name, size_t expected, size_t found) {
  return damaged_tokenizer("has " + std::to_string(found) + " elements in '" + std::string(name) +
                           "', expected " + std::to_string(expected));
}

}  // namespace onpath::text
