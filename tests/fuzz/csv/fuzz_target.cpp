#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "core/event.hpp"
#include "diff/diff.hpp"

// Any bytes, as two versions of a file under options that the first byte picks: nothing may crash, and what
// is accepted must add up. libFuzzer calls this; so does fuzz_smoke_test.cpp in every build.
namespace deltadrop::diff {
namespace {

csv::ReadOptions options_of(std::uint8_t choice) {
  csv::ReadOptions options;
  if ((choice & 1U) != 0) options.key = {"id"};
  if ((choice & 2U) != 0) options.key = {"id", "a"};
  if ((choice & 4U) != 0) options.empty = csv::EmptyPolicy::text;
  if ((choice & 8U) != 0) options.ignore = {"b"};
  if ((choice & 0x30U) == 0x10) options.encoding = csv::Encoding::windows1252;
  if ((choice & 0x30U) == 0x20) options.encoding = csv::Encoding::utf16le;
  if ((choice & 0x40U) != 0) options.delimiter = ';';
  return options;
}

UploadFacts facts_of(const ChangeSet& changes) {
  UploadFacts facts;
  facts.table = {"fuzz", "financials"};
  facts.version = Version(1);
  facts.total = changes.counts.changes();
  facts.file_id = "fuzz_00000000";
  return facts;
}

/// Every event must be one that a consumer can read, and no key may change twice in one way.
void check_events(const csv::File* before, const csv::File& after, const ChangeSet& changes) {
  const UploadFacts facts = facts_of(changes);
  const EventWriter writer(facts);
  std::set<std::string> seen;
  std::string json;
  const auto done =
      for_each_event(before, after, changes, Seq(1), [&](const EventView& view) -> Result<bool> {
        json.clear();
        writer.append(json, view);
        const auto event = parse_event_json(json);
        DD_ASSERT(event.has_value());
        DD_ASSERT(event.value().key_value == view.key_value);
        DD_ASSERT(seen.insert(std::string(to_string(view.type)) + std::string(view.key_value)).second);
        DD_ASSERT(view.type != ChangeType::update || !view.changed_columns->empty());
        return true;
      });
  DD_ASSERT(done.has_value());
}

void check_findings(const csv::Findings& findings, const csv::Limits& limits) {
  DD_ASSERT(findings.first.size() <= limits.findings_max);
  DD_ASSERT(findings.total >= static_cast<std::int64_t>(findings.first.size()));
  for (std::size_t i = 1; i < findings.first.size(); ++i) {
    DD_ASSERT(findings.first[i - 1].line <= findings.first[i].line);
  }
}

/// The file alone; nothing where it is refused.
std::optional<ChangeSet> check_alone(const csv::File& file) {
  auto outcome = diff(nullptr, file);
  DD_ASSERT(outcome.has_value());
  check_findings(outcome.value().findings, file.limits());
  if (!outcome.value().findings.empty()) return std::nullopt;
  check_events(nullptr, file, outcome.value().changes);
  const auto again = diff(&file, file);
  DD_ASSERT(again.has_value() && again.value().findings.empty());
  DD_ASSERT(again.value().changes.counts.changes() == 0 && again.value().changes.schema_changes.empty());
  return std::move(outcome.value().changes);
}

void check_pair(const csv::File& before, const csv::File& after) {
  const auto old_rows = check_alone(before);
  const auto new_rows = check_alone(after);
  const auto outcome = diff(&before, after, {true});
  if (!outcome.has_value()) {
    DD_ASSERT(!old_rows);
    return;
  }
  check_findings(outcome.value().findings, after.limits());
  DD_ASSERT(outcome.value().findings.empty() == new_rows.has_value());
  if (new_rows) check_events(&before, after, outcome.value().changes);
}

}  // namespace
}  // namespace deltadrop::diff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deltadrop;
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t middle = text.size() * data[1] / 255;
  csv::Limits limits;
  limits.columns_max = 16;
  limits.rows_max = 64;
  limits.key_bytes_max = 24;
  limits.findings_max = 5;
  limits.event_bytes_max = 2 * (8192 + 256);
  const csv::ReadOptions options = diff::options_of(data[0]);
  const auto before = csv::File::over(text.substr(0, middle), options, limits);
  const auto after = csv::File::over(text.substr(middle), options, limits);
  if (before.has_value() && after.has_value()) diff::check_pair(before.value(), after.value());
  return 0;
}
