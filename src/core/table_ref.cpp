#include "core/table_ref.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/text.hpp"

namespace deltadrop {
namespace {

constexpr std::size_t kNameLengthMax = 128;

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameLengthMax && is_alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Error bad_name(std::string_view field, std::string_view value) {
  return Error{
      ErrorCode::invalid_input, "bad-name",
      fmt::format("{} {} is not a valid name", field, quoted_for_message(value)),
      fmt::format("set {} to 1 to 128 characters of A-Z a-z 0-9 . _ -, starting with a letter or digit",
                  field)};
}

}  // namespace

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

TableRef TableRef::folded() const { return {ascii_lower(company_id), ascii_lower(table_name)}; }

Result<TableRef> TableRef::make(std::string_view company_id, std::string_view table_name) {
  if (!valid_name(company_id)) return bad_name("company_id", company_id);
  if (!valid_name(table_name)) return bad_name("table_name", table_name);
  return TableRef{std::string(company_id), std::string(table_name)};
}

std::string company_of_file_name(std::string_view file_name) {
  const std::string lower = ascii_lower(file_name);
  constexpr auto kSuffixes = std::to_array<std::string_view>({".csv", ".csv.gz", ".csv.zst", ".xlsx"});
  for (const auto suffix : kSuffixes) {
    if (lower.ends_with(suffix)) {
      file_name.remove_suffix(suffix.size());
      break;
    }
  }
  std::string stem(file_name);
  std::replace(stem.begin(), stem.end(), ' ', '_');
  return stem;
}

}  // namespace deltadrop
