// What tests of models share: tokens that compare and print, one encoding, compiled forms in memory.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "text/flat.h"
#include "text/model.h"

namespace onpath::text {

struct Token {
  TokenId id;
  uint32_t begin, end;
  bool operator==(const Token&) const = default;
};
inline void PrintTo(const Token& token, std::ostream* out) {
  *out << token.id << "[" << token.begin << "," << token.end << ")";
}

inline const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

inline std::vector<Token> encode(const Model& model, std::string_view piece, ModelScratch& scratch) {
  TokenBuffer out(true);
  out.reserve(piece.size() * model.tokens_per_byte() + 1);
  model.encode(bytes_of(piece), piece.size(), scratch, out);
  std::vector<Token> tokens;
  for (size_t i = 0; i < out.size(); ++i) {
    tokens.push_back({out.ids()[i], out.spans()[i].begin, out.spans()[i].end});
  }
  return tokens;
}
inline std::vector<Token> encode(const Model& model, std::string_view piece) {
  return encode(model, piece, *model.make_scratch());
}

/// The compiled form of one model, where a reader wants it: at a multiple of 64 bytes.
class CompiledModel {
 public:
  explicit CompiledModel(const Model& model) {
    FlatWriter form;
    model.write(form);
    const std::vector<uint8_t> bytes = form.finish();
    size_ = bytes.size();
    bytes_.reset(new (std::align_val_t{64}) uint8_t[size_]);
    std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  std::span<uint8_t> bytes() { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(uint8_t* bytes) const { ::operator delete[](bytes, std::align_val_t{64}); }
  };
  std::unique_ptr<uint8_t[], Free> bytes_;
  size_t size_ = 0;
};

inline std::string random_text(std::mt19937& random, size_t most, const std::vector<std::string>& alphabet) {
  std::string text;
  const size_t size = 1 + random() % most;
  for (size_t i = 0; i < size; ++i) text += alphabet[random() % alphabet.size()];
  return text;
}

}  // namespace onpath::text
