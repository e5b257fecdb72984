// A component of a sequence of pre-tokenizers: what matches, and what becomes of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/definition.h"
#include "text/pre_tokenizer.h"
#include "text/pre_tokenizer_scan.h"
#include "text/regex.h"

namespace onpath::text {

/// The piece that begins at a boundary.
struct ComponentPiece {
  /// Its end; if it is not decided: how far it surely goes on, for all that may follow.
  size_t end = 0;
  bool decided = false;
  bool dropped = false;
  /// Begun again at any place inside, it ends at the same place.
  bool resumable = false;
  bool failed = false;  // a regex ran into its limits
};

class PreTokenizerComponent {
 public:
  virtual ~PreTokenizerComponent() = default;
  /// at < text.size.
  virtual ComponentPiece next(const scan::Text& text, size_t at) const = 0;
  virtual std::string name() const = 0;
  virtual uint64_t bytes() const { return 0; }
};
using ComponentPtr = std::unique_ptr<const PreTokenizerComponent>;

/// Characters that have any of the bits of `components_of`.
ComponentPtr make_class_component(std::string name, uint8_t bits, SplitBehavior behavior);
ComponentPtr make_character_component(std::string name, uint32_t code, SplitBehavior behavior);
/// \w+|[^\w\s]+, the rest dropped.
ComponentPtr make_whitespace_component();
ComponentPtr make_gpt2_component();
Result<ComponentPtr> make_split_component(const SplitDef& split, RegexEngine engine);

/// Components one after the other, each of the pieces of the one before. Not empty.
PreTokenizerPtr make_sequence(std::vector<ComponentPtr> components);

/// A cut before each " ".
PreTokenizerPtr make_space_pre_tokenizer();

}  // namespace onpath::text
