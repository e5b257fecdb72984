#include "stage/replace.h"

#include <algorithm>
#include <cstring>

namespace onpath {
namespace {

constexpr uint32_t kNoWord = UINT32_MAX;

Error invalid(std::string message) { return {ErrorCode::INVALID_SPEC, std::move(message)}; }

/// Gathers small pieces, so that the taker is called for runs.
class Runs {
 public:
  explicit Runs(TextTaker& taker) : taker_(taker) {}

  bool add(std::span<const uint8_t> bytes) {
    if (bytes.size() > sizeof run_ - size_) {
      if (!flush()) return false;
      if (bytes.size() > sizeof run_) return taker_.take_text(bytes);
    }
    if (!bytes.empty()) std::memcpy(run_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return true;
  }
  bool flush() {
    const size_t size = std::exchange(size_, 0);
    return size == 0 || taker_.take_text({run_, size});
  }

 private:
  TextTaker& taker_;
  size_t size_ = 0;
  uint8_t run_[2048];
};

}  // namespace

Result<ReplacerPtr> Replacer::make(std::vector<Replacement> dictionary) {
  if (dictionary.empty()) return invalid("The dictionary has no word; expected at least one.");
  size_t total = 0;
  for (const Replacement& entry : dictionary) {
    if (entry.word.empty()) return invalid("The dictionary has an empty word; expected 1 byte or more.");
    if (entry.word.size() > kMaxWordBytes) {
      return invalid("A word of the dictionary has " + std::to_string(entry.word.size()) +
                     " bytes; expected at most " + std::to_string(kMaxWordBytes) + ". It begins with \"" +
                     entry.word.substr(0, 32) + "\".");
    }
    if (entry.with.size() > kMaxReplacementBytes) {
      return invalid("What \"" + entry.word.substr(0, 32) + "\" becomes has " +
                     std::to_string(entry.with.size()) + " bytes; expected at most " +
                     std::to_string(kMaxReplacementBytes) + ".");
    }
    total += entry.word.size() + entry.with.size();
  }
  if (total > kMaxDictionaryBytes) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "The dictionary has " + std::to_string(total) +
                                                " bytes; expected at most " +
                                                std::to_string(kMaxDictionaryBytes) + "."};
  }
  // Bytes compare as unsigned: edges are searched.
  std::sort(dictionary.begin(), dictionary.end(),
            [](const Replacement& a, const Replacement& b) { return a.word < b.word; });
  for (size_t i = 1; i < dictionary.size(); ++i) {
    if (dictionary[i].word == dictionary[i - 1].word)
      return invalid("The dictionary has \"" + dictionary[i].word.substr(0, 32) + "\" twice.");
  }
  std::shared_ptr<Replacer> made(new Replacer);
  made->dictionary_ = std::move(dictionary);
  if (auto ok = made->build(); !ok) return ok.error();
  return ReplacerPtr(std::move(made));
}

/// Nodes are numbered in breadth-first order, so that a node's children follow one another, and its fallback,
/// which is shorter, comes before it.
Result<void> Replacer::build() {
  struct Range {
    uint32_t begin, end, depth;  // the words that begin with a node's path
  };
  std::vector<Range> ranges = {{0, static_cast<uint32_t>(dictionary_.size()), 0}};
  std::vector<uint32_t> parents = {kNone};
  std::vector<uint32_t> words = {kNoWord};  // of each node: the word that it ends
  std::vector<uint8_t> bytes = {0};         // that lead to it
  first_.fill(kNone);
  for (uint32_t node = 0; node < ranges.size(); ++node) {
    const Range range = ranges[node];
    edges_of_.push_back(static_cast<uint32_t>(edges_.size()));
    longest_ = std::max(longest_, size_t{range.depth});
    uint32_t at = range.begin;
    if (range.depth > 0 && dictionary_[at].word.size() == range.depth) words[node] = at++;
    while (at < range.end) {
      const auto byte = static_cast<uint8_t>(dictionary_[at].word[range.depth]);
      uint32_t end = at + 1;
      while (end < range.end && static_cast<uint8_t>(dictionary_[end].word[range.depth]) == byte) ++end;
      const auto child = static_cast<Node>(ranges.size());
      if (node == kRoot) first_[byte] = child;
      edges_.push_back({child, byte});
      ranges.push_back({at, end, range.depth + 1});
      parents.push_back(node);
      words.push_back(kNoWord);
      bytes.push_back(byte);
      at = end;
    }
  }
  edges_of_.push_back(static_cast<uint32_t>(edges_.size()));
  if (!follow(parents, bytes, words)) {
    return Error{ErrorCode::LIMIT_EXCEEDED, "The dictionary needs more than " +
                                                std::to_string(kMaxTableBytes) +
                                                " bytes of tables. Use fewer or shorter words."};
  }
  return {};
}

/// What each node becomes, from what its parent becomes: the parent's part is emitted, and the byte is tried
/// from the parent's fallback, and so on, as it will be when text is read. False: too large.
bool Replacer::follow(const std::vector<uint32_t>& parents, const std::vector<uint8_t>& bytes,
                      const std::vector<uint32_t>& words) {
  const size_t nodes = parents.size();
  fallback_.assign(nodes, kRoot);
  emitted_of_.assign(1, 0);
  emitted_of_.reserve(nodes + 1);
  emitted_of_.push_back(0);  // the root emits nothing
  const auto append = [&](Node node) {
    if (emitted_.size() > kMaxTableBytes) return;
    const uint64_t begin = emitted_of_[node];
    const uint64_t size = emitted_of_[node + 1] - begin;
    const size_t at = emitted_.size();
    emitted_.resize(at + size);
    std::copy_n(emitted_.begin() + static_cast<int64_t>(begin), size,
                emitted_.begin() + static_cast<int64_t>(at));
  };
  for (Node node = 1; node < nodes; ++node) {
    if (words[node] != kNoWord) {
      const std::string& with = dictionary_[words[node]].with;
      emitted_.insert(emitted_.end(), with.begin(), with.end());
    } else {
      Node at = parents[node];
      Node next = kNone;
      while (next == kNone && at != kRoot) {
        append(at);
        at = fallback_[at];
        next = child(at, bytes[node]);
      }
      if (next == kNone) {
        emitted_.push_back(bytes[node]);
      } else {
        fallback_[node] = next;
      }
    }
    emitted_of_.push_back(emitted_.size());
    if (emitted_.size() > kMaxTableBytes) return false;
  }
  return true;
}

uint64_t Replacer::bytes() const {
  uint64_t bytes = sizeof *this + edges_of_.size() * sizeof(uint32_t) + edges_.size() * sizeof(Edge) +
                   fallback_.size() * sizeof(Node) + emitted_of_.size() * sizeof(uint64_t) + emitted_.size();
  for (const Replacement& entry : dictionary_) bytes += sizeof entry + entry.word.size() + entry.with.size();
  return bytes;
}

bool ReplaceState::push(std::span<const uint8_t> bytes, TextTaker& taker) {
  Runs out(taker);
  const Replacer& words = *replacer_;
  Replacer::Node node = node_;
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (node == Replacer::kRoot) {
      size_t end = at;
      while (end < bytes.size() && words.is_plain(bytes[end])) ++end;
      if (end > at) {
        if (!out.add(bytes.subspan(at, end - at))) return false;
        at = end;
        if (at == bytes.size()) break;
      }
    }
    const uint8_t byte = bytes[at];
    Replacer::Node next = words.child(node, byte);
    while (next == Replacer::kNone && node != Replacer::kRoot) {
      if (!out.add(words.emitted(node))) return false;
      node = words.fallback(node);
      next = words.child(node, byte);
    }
    if (next == Replacer::kNone) {
      if (!out.add({&byte, 1})) return false;
      node = Replacer::kRoot;
      continue;
    }
    node = next;
    if (words.is_leaf(node)) {  // nothing longer can follow
      if (!out.add(words.emitted(node))) return false;
      node = Replacer::kRoot;
    }
  }
  node_ = node;
  held_ = std::min<uint64_t>(held_ + bytes.size(), words.window_bytes());
  return out.flush();
}

bool ReplaceState::end(TextTaker& taker) {
  Runs out(taker);
  for (; node_ != Replacer::kRoot; node_ = replacer_->fallback(node_)) {
    if (!out.add(replacer_->emitted(node_))) return false;
  }
  return out.flush();
}

}  // namespace onpath
