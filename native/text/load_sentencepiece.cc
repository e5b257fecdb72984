// SentencePiece models: a protobuf message of pieces, trainer and normalizer settings. Field numbers are
// those of sentencepiece_model.proto.
#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <utility>

#include "text/load.h"
#include "text/load_json.h"
#include "text/varint.h"

namespace onpath::text {
namespace {

// The wire format: fields one after the other, a number and a kind in front of each.
class Fields {
 public:
  explicit Fields(std::string_view message) : left_(message) {}

  uint32_t number = 0;
  uint64_t value = 0;      // varints; the bits of 32 and 64 bit numbers
  std::string_view bytes;  // strings and messages

  /// The next field; false at the end, or where the message is damaged (then !ok()).
  bool next() {
    if (left_.empty() || !ok_) return false;
    uint64_t tag = 0;
    if (!varint(tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX) return fail();
    number = static_cast<uint32_t>(tag >> 3);
    value = 0;
    bytes = {};
    switch (tag & 7) {
      case 0:
        return varint(value) || fail();
      case 1:
        return fixed(8);
      case 2: {
        uint64_t size = 0;
        if (!varint(size) || size > left_.size()) return fail();
        bytes = left_.substr(0, size);
        left_.remove_prefix(size);
        return true;
      }
      case 5:
        return fixed(4);
      default:
        return fail();
    }
  }
  bool ok() const { return ok_; }

 private:
  bool fail() {
    ok_ = false;
    return false;
  }
  bool fixed(size_t size) {
    if (left_.size() < size) return fail();
    std::memcpy(&value, left_.data(), size);
    left_.remove_prefix(size);
    return true;
  }
  bool varint(uint64_t& out) {
    const std::optional<uint64_t> found = take_varint(left_);
    if (found) out = *found;
    return found.has_value();
  }
  std::string_view left_;
  bool ok_ = true;
};

enum PieceType : uint64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};
enum ModelType : uint64_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

struct Piece {
  std::string_view text;
  float score = 0;
  uint64_t type = kNormal;
};

struct File {
  std::vector<Piece> pieces;
  uint64_t model_type = kUnigram;
  bool byte_fallback = false;
  std::string_view unk_surface = " \xE2\x81\x87 ";
  PrecompiledDef normalizer;
};

Error damaged(const char* where) {
  return invalid_vocabulary(std::string("The SentencePiece model is damaged in its ") + where +
                            "; expected a protobuf message.");
}

Result<Piece> read_piece(std::string_view message) {
  Piece piece;
  Fields fields(message);
  while (fields.next()) {
    if (fields.number == 1) piece.text = fields.bytes;
    if (fields.number == 2) {
      const auto bits = static_cast<uint32_t>(fields.value);
      std::memcpy(&piece.score, &bits, sizeof bits);
    }
    if (fields.number == 3) piece.type = fields.value;
  }
  if (!fields.ok()) return damaged("pieces");
  return piece;
}

Result<File> read_file(std::span<const uint8_t> bytes) {
  File file;
  file.normalizer.sentencepiece = true;
  file.normalizer.remove_extra_whitespaces = true;
  file.normalizer.add_dummy_prefix = true;
  file.normalizer.escape_whitespaces = true;
  Fields fields({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  while (fields.next()) {
    if (fields.number == 1) {
      if (file.pieces.size() >= kMaxTokens) {
        return Error{ErrorCode::LIMIT_EXCEEDED,
                     "The SentencePiece model has more than " + std::to_string(kMaxTokens) + " pieces."};
      }
      ONPATH_TAKE(piece, read_piece(fields.bytes));
      file.pieces.push_back(piece);
    } else if (fields.number == 2) {
      Fields trainer(fields.bytes);
      while (trainer.next()) {
        if (trainer.number == 3) file.model_type = trainer.value;
        if (trainer.number == 24) file.normalizer.treat_whitespace_as_suffix = trainer.value != 0;
        if (trainer.number == 35) file.byte_fallback = trainer.value != 0;
        if (trainer.number == 44) file.unk_surface = trainer.bytes;
      }
      if (!trainer.ok()) return damaged("trainer_spec");
    } else if (fields.number == 3) {
      Fields normalizer(fields.bytes);
      while (normalizer.next()) {
        if (normalizer.number == 2) file.normalizer.charsmap = std::string(normalizer.bytes);
        if (normalizer.number == 3) file.normalizer.add_dummy_prefix = normalizer.value != 0;
        if (normalizer.number == 4) file.normalizer.remove_extra_whitespaces = normalizer.value != 0;
        if (normalizer.number == 5) file.normalizer.escape_whitespaces = normalizer.value != 0;
      }
      if (!normalizer.ok()) return damaged("normalizer_spec");
    }
  }
  if (!fields.ok()) return damaged("fields");
  return file;
}

Result<void> check_pieces(const File& file) {
  std::unordered_set<std::string_view> seen;
  size_t unknown = 0;
  size_t byte_pieces = 0;
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    const Piece& piece = file.pieces[i];
    const std::string where = "Piece " + std::to_string(i) + " of the SentencePiece model";
    if (piece.text.empty()) return invalid_vocabulary(where + " is empty.");
    if (piece.text.size() > kMaxTokenBytes) {
      return Error{ErrorCode::LIMIT_EXCEEDED,
                   where + " has " + std::to_string(piece.text.size()) + " bytes."};
    }
    if (piece.type < kNormal || piece.type > kByte) {
      return invalid_vocabulary(where + " has the type " + std::to_string(piece.type) + "; expected 1 to 6.");
    }
    if (!(piece.score == piece.score)) return invalid_vocabulary(where + " has a score that is no number.");
    if (!seen.insert(piece.text).second) {
      return invalid_vocabulary(where + ", '" + std::string(piece.text) + "', stands there twice.");
    }
    unknown += piece.type == kUnknown ? 1 : 0;
    byte_pieces += piece.type == kByte ? 1 : 0;
  }
  if (unknown != 1) {
    return invalid_vocabulary("The SentencePiece model has " + std::to_string(unknown) +
                              " unknown pieces; expected one.");
  }
  if (byte_pieces != (file.byte_fallback ? 256u : 0u)) {
    return invalid_vocabulary("The SentencePiece model has " + std::to_string(byte_pieces) +
                              " byte pieces; expected " + (file.byte_fallback ? "256." : "none."));
  }
  return {};
}

// The best score has rank 0; equal scores have equal ranks.
std::vector<uint32_t> ranks_of(const std::vector<Piece>& pieces) {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].type == kNormal || pieces[i].type == kUserDefined) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&pieces](uint32_t a, uint32_t b) { return pieces[a].score > pieces[b].score; });
  std::vector<uint32_t> ranks(pieces.size(), BpeDefinition::kNoRank);
  for (size_t i = 0; i < order.size(); ++i) {
    const bool equal = i > 0 && pieces[order[i]].score == pieces[order[i - 1]].score;
    ranks[order[i]] = equal ? ranks[order[i - 1]] : static_cast<uint32_t>(i);
  }
  return ranks;
}

}  // namespace

Result<TokenizerDefinition> load_sentencepiece(std::span<const uint8_t> bytes) {
  ONPATH_TAKE(file, read_file(bytes));
  if (file.model_type != kUnigram && file.model_type != kBpe) {
    const char* name = file.model_type == kWord ? "word" : file.model_type == kChar ? "char" : "unknown";
    return unsupported_component("trainer_spec.model_type",
                                 std::string("SentencePiece's ") + name + " model");
  }
  Result<void> checked = check_pieces(file);
  if (!checked.ok()) return checked.error();

  TokenizerDefinition out;
  out.format = Format::sentencepiece;
  TokenId unk = 0;
  std::vector<TokenId> user_defined;
  std::vector<TokenId> never_produced;
  bool has_unused = false;
  out.tokens.reserve(file.pieces.size());
  for (TokenId id = 0; id < file.pieces.size(); ++id) {
    const Piece& piece = file.pieces[id];
    out.tokens.push_back({id, std::string(piece.text)});
    has_unused = has_unused || piece.type == kUnused;
    if (piece.type == kUnknown) unk = id;
    if (piece.type == kUserDefined) {
      user_defined.push_back(id);
      file.normalizer.user_defined.emplace_back(piece.text);
    }
    if (piece.type != kNormal && piece.type != kUserDefined) never_produced.push_back(id);
    if (piece.type == kControl) out.added.push_back(special_token(id, std::string(piece.text)));
  }
  if (file.model_type == kBpe) {
    if (has_unused) return unsupported_component("pieces", "unused pieces in a BPE model");
    BpeDefinition bpe;
    bpe.ranks = ranks_of(file.pieces);
    bpe.byte_fallback = file.byte_fallback;
    bpe.fuse_unk = true;
    bpe.unk = unk;
    bpe.user_defined = std::move(user_defined);
    out.model = std::move(bpe);
  } else {
    UnigramDefinition unigram;
    for (const Piece& piece : file.pieces) unigram.scores.push_back(static_cast<double>(piece.score));
    unigram.unk = unk;
    unigram.byte_fallback = file.byte_fallback;
    unigram.single_precision = true;
    unigram.user_defined = std::move(user_defined);
    unigram.unused = std::move(never_produced);
    out.model = std::move(unigram);
  }
  out.decoders.emplace_back(
      SentencePieceDecoderDef{file.normalizer.add_dummy_prefix, std::string(file.unk_surface)});
  out.normalizers.emplace_back(std::move(file.normalizer));
  out.post = default_post_processor();
  return out;
}

}  // namespace onpath::text
