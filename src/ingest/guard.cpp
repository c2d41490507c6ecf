#include "ingest/guard.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace deltadrop::ingest {

std::vector<std::string> hold_reasons(const diff::Counts& counts,
                                      const std::vector<diff::SchemaChange>& schema_changes,
                                      const GuardFlags& flags, const Options& options) {
  std::vector<std::string> reasons;
  if (flags.dry_run) reasons.emplace_back("This is a dry run: nothing is published until it is released.");
  if (flags.force) return reasons;
  if (counts.rows == 0) reasons.emplace_back("The file has a header and no rows.");
  if (flags.rekeyed) {
    reasons.push_back(
        fmt::format("The key changes: {} would go under the old key and {} come under the new one.",
                    counted(counts.deleted, "row"), counts.inserted));
  }
  const bool worth_guarding = counts.rows_before > 0 && counts.rows_before >= options.hold_min_rows;
  const double deletes_max = options.hold_delete_fraction * static_cast<double>(counts.rows_before);
  // A changed key always deletes every row, and has its own sentence above.
  if (worth_guarding && !flags.rekeyed && static_cast<double>(counts.deleted) > deletes_max) {
    reasons.push_back(
        fmt::format("{} of {} would be deleted ({:.0f} %, more than {:.0f} %).", counts.deleted,
                    counted(counts.rows_before, "row"),
                    100.0 * static_cast<double>(counts.deleted) / static_cast<double>(counts.rows_before),
                    100.0 * options.hold_delete_fraction));
  }
  for (const auto& change : schema_changes) {
    if (!worth_guarding || change.added || change.values_lost == 0) continue;
    reasons.push_back(fmt::format("The column {} is gone, which held {}.", quoted_for_message(change.column),
                                  counted(change.values_lost, "value")));
  }
  return reasons;
}

}  // namespace deltadrop::ingest
