#include "diff/before_check.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/exhausted.hpp"
#include "diff/key_order.hpp"
#include "diff/row_reader.hpp"
#include "diff/whole_file.hpp"

namespace deltadrop::diff {
namespace {

bool has_other_than_rows(const csv::Skipped& skipped) { return skipped.blank + skipped.header > 0; }

/// Reads the whole version. Returns true if it has lines that are not rows.
Result<bool> check_whole(const csv::File& before, const Stop& stop) {
  DD_TRY(const auto whole, read_whole(before, csv::CheckScope::shape, 1, stop));
  if (!whole.findings.empty()) return corrupt_version(whole.findings);
  return has_other_than_rows(whole.skipped);
}

}  // namespace

Error corrupt_version(const csv::Findings& findings) {
  const csv::Finding& first = findings.first.front();
  return Error{ErrorCode::corrupt, "corrupt-version",
               fmt::format("the older version cannot be read: {}", first.message),
               "it was readable when it was accepted: restore the file from a backup; " + first.fix};
}

BeforeCheck::BeforeCheck(const csv::File& before, Stop stop)
    : before_(before), stop_(std::move(stop)), checked_(run_apart(true, [this] { return run(); })) {}

BeforeCheck::~BeforeCheck() {
  end_ = 0;
  if (checked_.valid()) checked_.wait();
}

Result<BeforeCheck::Checked> BeforeCheck::run() {
  if (keys_increase()) return Checked::in_part;
  DD_TRY(stop_.check());
  DD_TRY(found_other_than_rows_, check_whole(before_, stop_));
  return Checked::whole;
}

/// Returns false if the keys do not increase, or if a row cannot be used.
bool BeforeCheck::keys_increase() {
  csv::FindingLog findings(0);
  RowReader rows(before_, csv::CheckScope::shape, csv::TextCheck::by_stretch, findings, stop_);
  KeyOrder order(before_.text());
  while (rows.next()) {
    if (!rows.accept() || !order.take(rows.key())) return false;
    // Stop only after this row, which the rest contains too, so that both orders combine into one.
    if (rows.row().offset >= end_.load(std::memory_order_relaxed)) break;
  }
  found_other_than_rows_ = has_other_than_rows(rows.skipped());
  return true;
}

Result<void> BeforeCheck::finish(bool rest_increases) {
  DD_TRY(const auto checked, checked_.get());
  if (checked == Checked::whole || rest_increases) return success();
  DD_TRY(check_whole(before_, stop_));
  return success();
}

}  // namespace deltadrop::diff
