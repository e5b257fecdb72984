// The compiled form of a Unigram model.
#include <cmath>

#include "text/unigram.h"

namespace onpath::text {
namespace {

/// Keeps every sum of a text below 4 GiB finite, so that sums compare as the reference's do.
constexpr double kMostScore = 1e200;
constexpr double kMostSingleScore = 1e26;

Error damaged_unigram(const std::string& what) {
  return {ErrorCode::INVALID_VOCABULARY, "The compiled Unigram model " + what + "; compile it again."};
}

}  // namespace

void Unigram::write(FlatWriter& form) const {
  form.array("unigram.nodes", tables_.nodes);
  form.array("unigram.ids", tables_.ids);
  form.array("unigram.byte_ids", tables_.byte_ids);
  form.number("unigram.settings", tables_.settings);
}

Result<void> check_unigram(const UnigramTables& tables) {
  const UnigramSettings& settings = tables.settings;
  const size_t size = tables.nodes.size();
  if (size == 0 || tables.ids.size() != size) return damaged_unigram("has no nodes, or not as many ids");
  if (tables.byte_ids.size() != 256) return damaged_unigram("does not have 256 ids of bytes");
  if (settings.longest_token < 4 || settings.longest_token > kMaxTokenBytes) {
    return damaged_unigram("says its longest token has " + std::to_string(settings.longest_token) + " bytes");
  }
  if (settings.cut_rule != UnigramCutRule::none && settings.cut_rule != UnigramCutRule::spaces &&
      settings.cut_rule != UnigramCutRule::reach) {
    return damaged_unigram("has an unknown rule for cuts");
  }
  const double most = settings.single_precision != 0 ? kMostSingleScore : kMostScore;
  if (!(std::fabs(settings.unk_score) <= most)) return damaged_unigram("has a score that is out of range");
  for (const UnigramNode& node : tables.nodes) {
    if (node.base > size || size - node.base < 256)
      return damaged_unigram("has a node whose children lie outside");
    if (std::fabs(node.score) > most) return damaged_unigram("has a score that is out of range");
  }
  return {};
}

Result<ModelPtr> read_unigram(const FlatReader& form) {
  ONPATH_TAKE(nodes, form.array<UnigramNode>("unigram.nodes"));
  ONPATH_TAKE(ids, form.array<TokenId>("unigram.ids"));
  ONPATH_TAKE(byte_ids, form.array<TokenId>("unigram.byte_ids"));
  ONPATH_TAKE(settings, form.number<UnigramSettings>("unigram.settings"));
  UnigramTables tables{std::move(nodes), std::move(ids), std::move(byte_ids), settings};
  if (Result<void> checked = check_unigram(tables); !checked.ok()) return checked.error();
  return ModelPtr(std::make_unique<Unigram>(std::move(tables)));
}

}  // namespace onpath::text
