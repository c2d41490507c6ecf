#include "ingest/types_json.hpp"

#include <fmt/format.h>

#include <utility>

#include <boost/json.hpp>

#include "core/json_text.hpp"

namespace deltadrop::ingest {

std::string types_to_json(const TypesByColumn& types) {
  if (types.empty()) return {};
  std::string json = "{";
  for (const auto& [column, type] : types) {
    if (json.size() > 1) json += ',';
    append_json_string(json, column);
    json += ':';
    append_json_string(json, type);
  }
  return json + '}';
}

Result<TypesByColumn> types_from_json(std::string_view json) {
  TypesByColumn types;
  if (json.empty()) return types;
  boost::system::error_code failed;
  const auto value = boost::json::parse({json.data(), json.size()}, failed);
  bool good = !failed && value.is_object();
  if (good) {
    for (const auto& [column, type] : value.get_object()) {
      good = good && type.is_string();
      if (good) types.emplace(std::string(column), std::string(type.get_string()));
    }
  }
  if (!good) {
    return Error{ErrorCode::corrupt, "bad-types-json",
                 fmt::format("types {} are not an object of strings", json),
                 "restore the file that holds them from a backup"};
  }
  return types;
}

Result<TypesByColumn> types_from_text(std::string_view text) {
  DD_TRY(const auto declared, parse_declared_types(text));
  TypesByColumn types;
  for (const auto& [column, type] : declared) types.emplace(column, type.to_string());
  return types;
}

Result<DeclaredTypes> declared_types_from_json(std::string_view json) {
  DD_TRY(const auto types, types_from_json(json));
  DeclaredTypes declared;
  for (const auto& [column, text] : types) {
    auto type = DeclaredType::parse(text);
    if (type.has_value()) declared.emplace(column, std::move(type.value()));
  }
  return declared;
}

}  // namespace deltadrop::ingest
