#include "diff/similar_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/text.hpp"
#include "csv/findings.hpp"
#include "csv/key_form.hpp"
#include "csv/key_reader.hpp"

namespace deltadrop::diff {
namespace {

/// This many keys take a fraction of a second with Unicode's tables. More deletes and inserts suggest other
/// keys.
constexpr std::size_t kKeysMax = 65'536;
constexpr std::size_t kFindingsMax = 20;

struct Deleted {
  std::string form;
  const Change* change;
};

struct Remedy {
  csv::KeyRules rules;
  std::string_view difference;
  std::string_view fix;
};

/// Remedies with fewer options come first.
constexpr std::array<Remedy, 7> kRemedies = {{
    {{true, false, false}, "blanks", "key_trim=true"},
    {{false, true, false}, "case", "key_case=ignore"},
    {{false, false, true}, "Unicode normal form", "key_unicode=nfc"},
    {{true, true, false}, "blanks and case", "key_trim=true and key_case=ignore"},
    {{true, false, true}, "blanks and Unicode normal form", "key_trim=true and key_unicode=nfc"},
    {{false, true, true}, "case and Unicode normal form", "key_case=ignore and key_unicode=nfc"},
    {{true, true, true},
     "blanks, case and Unicode normal form",
     "key_trim=true, key_case=ignore and key_unicode=nfc"},
}};

/// Describes the remaining cases: blanks inside a key.
constexpr Remedy kNoRemedy = {{}, "blanks, case or Unicode normal form", ""};

class Pairs {
 public:
  Pairs(const csv::File& before, const csv::File& after) : before_(before), after_(after) {}

  csv::Finding finding(const Change& deleted, const Change& inserted) const {
    const auto& remedy = remedy_of(deleted, inserted);
    csv::KeyReader old_keys(before_.header());
    csv::KeyReader new_keys(after_.header());
    const std::string old_key(old_keys.read(deleted.before.in(before_.text())));
    const std::string new_key(new_keys.read(inserted.after.in(after_.text())));
    return {"similar-keys",
            inserted.after.line(),
            csv::value_for_finding(after_.header().key_column()),
            csv::value_for_finding(new_key),
            fmt::format("the deleted key {} (line {} of the older version) and the inserted key {} (line {}) "
                        "differ only in {}",
                        quoted_for_message(old_key), deleted.before.line().value, quoted_for_message(new_key),
                        inserted.after.line().value, remedy.difference),
            remedy.fix.empty() ? "correct one of them if they are meant to be one key"
                               : fmt::format("give {} if they are one key", remedy.fix)};
  }

 private:
  const Remedy& remedy_of(const Change& deleted, const Change& inserted) const {
    for (const auto& remedy : kRemedies) {
      csv::KeyReader old_keys(before_.header(), remedy.rules);
      csv::KeyReader new_keys(after_.header(), remedy.rules);
      if (old_keys.read(deleted.before.in(before_.text())) == new_keys.read(inserted.after.in(after_.text())))
        return remedy;
    }
    return kNoRemedy;
  }

  const csv::File& before_;
  const csv::File& after_;
};

std::vector<Deleted> deleted_keys(const csv::File& before, const std::vector<Change>& listed) {
  std::vector<Deleted> deleted;
  csv::KeyReader keys(before.header());
  for (const Change& change : listed) {
    if (change.type() != ChangeType::remove || deleted.size() == kKeysMax) break;
    deleted.push_back({{}, &change});
    csv::write_look_alike_form(deleted.back().form, keys.read(change.before.in(before.text())));
  }
  // The sort is stable, so that warnings name the first of several keys that look alike.
  std::stable_sort(deleted.begin(), deleted.end(),
                   [](const Deleted& a, const Deleted& b) { return a.form < b.form; });
  return deleted;
}

}  // namespace

csv::Findings similar_keys(const csv::File& before, const csv::File& after,
                           const std::vector<Change>& listed) {
  csv::FindingLog log(kFindingsMax);
  const auto first_kept = std::find_if(
      listed.begin(), listed.end(), [](const Change& change) { return change.type() != ChangeType::remove; });
  const auto is_insert = [](const Change& change) { return change.type() == ChangeType::insert; };
  if (first_kept == listed.begin() || std::none_of(first_kept, listed.end(), is_insert))
    return log.findings();
  const auto deleted = deleted_keys(before, listed);
  const Pairs pairs(before, after);
  csv::KeyReader keys(after.header());
  std::string form;
  std::size_t looked_at = 0;
  for (auto change = first_kept; change != listed.end() && looked_at < kKeysMax; ++change) {
    if (!is_insert(*change)) continue;
    ++looked_at;
    csv::write_look_alike_form(form, keys.read(change->after.in(after.text())));
    const auto alike = std::lower_bound(deleted.begin(), deleted.end(), form,
                                        [](const Deleted& a, const std::string& b) { return a.form < b; });
    if (alike == deleted.end() || alike->form != form) continue;
    log.add([&] { return pairs.finding(*alike->change, *change); });
  }
  csv::Findings findings = log.findings();
  const auto shown = static_cast<std::int64_t>(findings.first.size());
  if (findings.total > shown) {
    findings.first.back().message +=
        fmt::format(" (and {})", counted(findings.total - shown, "more such pair"));
  }
  return findings;
}

}  // namespace deltadrop::diff
