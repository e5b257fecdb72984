// Cutting text between two characters that no token has next to each other.
//
// Why that is exact. Merging joins two neighbours into a token whose text is theirs together. Let no token
// that merging can produce, and no user defined symbol, have `a` directly followed by `b`. Then in a text
// ...a|b... no merge ever crosses the border: what it made would be a produced token with `ab` in it. As the
// order of merges on either side depends on their ranks and places alone, each side comes out as if it stood
// alone. Symbols before merging: a user defined symbol that crossed the border would have `ab` in it, and as
// the search for them goes on from the end of each, it arrives at the border and sees nothing of what lies
// before. Bytes of a character that falls back are tokens that do not merge (models where they do are left
// without cuts). Unknown characters may become one token together: between two of them no cut is made where
// the model fuses. Models that tell the first or last symbol of a piece from others, or that look a whole
// piece up, have no cuts.
#pragma once

#include <memory>

#include "text/bpe_source.h"
#include "text/bpe_tables.h"
#include "text/pre_tokenizer.h"

namespace onpath::text {

BpeCutTables make_bpe_cuts(const BpeTables& tables, const BpeSource& source);
/// Null if the model has none. `tables` outlives it.
PreTokenizerPtr make_bpe_cutter(const BpeTables& tables);

}  // namespace onpath::text
