#include "csv/record.hpp"

#include "csv/options.hpp"

namespace deltadrop::csv {

void append_record(std::string& out, std::span<const std::string_view> fields) {
  bool first = true;
  for (const auto field : fields) {
    if (!first) out += ',';
    first = false;
    const bool lone_and_empty = field.empty() && fields.size() == 1;
    if (!lone_and_empty && field.find_first_of(",\"\r\n") == std::string_view::npos) {
      out += field;
      continue;
    }
    out += '"';
    for (const char c : field) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
}

std::string format_record(const std::vector<std::string_view>& fields) {
  std::string out;
  append_record(out, fields);
  return out;
}

}  // namespace deltadrop::csv
