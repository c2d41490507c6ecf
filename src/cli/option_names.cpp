#include "cli/option_names.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace deltadrop::cli {
namespace {

constexpr auto kFields = std::to_array<std::string_view>(
    {"columns",     "compare",    "delimiter",   "dry_run", "effective_at", "empty",
     "encoding",    "footer",     "force",       "header",  "ignore",       "key",
     "key_case",    "key_trim",   "key_unicode", "rekey",   "sheet",        "short_rows",
     "skip_footer", "skip_lines", "tolerance",   "types",   "unnamed"});

/// Returns the field at the start of `text` if "=" follows it, otherwise "".
std::string_view field_at(std::string_view text) {
  for (const auto field : kFields) {
    if (text.starts_with(field) && text.substr(field.size()).starts_with('=')) return field;
  }
  return "";
}

bool begins_word(std::string_view fix, std::size_t at) {
  return at == 0 || fix[at - 1] == ' ' || fix[at - 1] == '(';
}

}  // namespace

std::string with_option_names(std::string_view fix) {
  std::string out;
  bool quoted = false;
  for (std::size_t at = 0; at < fix.size();) {
    const auto field = quoted || !begins_word(fix, at) ? "" : field_at(fix.substr(at));
    if (field.empty()) {
      if (fix[at] == '"') quoted = !quoted;
      out += fix[at++];
      continue;
    }
    out += "--";
    std::replace_copy(field.begin(), field.end(), std::back_inserter(out), '_', '-');
    at += field.size() + 1;
    constexpr std::string_view kTrue = "true";
    const bool is_flag = fix.substr(at).starts_with(kTrue);
    if (is_flag) at += kTrue.size();
    const bool has_value = !is_flag && at < fix.size() && fix[at] != ' ' && fix[at] != ',' && fix[at] != ';';
    if (has_value) out += ' ';
  }
  return out;
}

}  // namespace deltadrop::cli
