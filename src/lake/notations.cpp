#include "lake/notations.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"

namespace deltadrop::lake {
namespace {

namespace json = simdjson::ondemand;

const DeclaredType* find_in(const DeclaredTypes& types, std::string_view column) {
  const auto found = types.find(column);
  return found == types.end() ? nullptr : &found->second;
}

/// Returns the declarations that this version knows.
DeclaredTypes known_types(const UploadFacts& upload) {
  DeclaredTypes types;
  const auto texts = declared_texts(upload);
  if (!texts.has_value()) return types;
  for (const auto& [column, text] : texts.value()) {
    auto type = DeclaredType::parse(text);
    if (type.has_value()) types.emplace(column, std::move(type.value()));
  }
  return types;
}

bool has_notation(const DeclaredTypes::value_type& each) { return each.second.has_notation(); }

}  // namespace

Result<std::map<std::string, std::string, std::less<>>> declared_texts(const UploadFacts& upload) {
  std::map<std::string, std::string, std::less<>> types;
  if (!upload.types_json) return types;
  json::parser parser;
  const simdjson::padded_string padded(*upload.types_json);
  json::document document;
  json::object object;
  bool good = parser.iterate(padded).get(document) == simdjson::SUCCESS &&
              document.get_object().get(object) == simdjson::SUCCESS;
  if (good) {
    for (auto field : object) {
      std::string_view column;
      std::string_view type;
      good = good && field.unescaped_key().get(column) == simdjson::SUCCESS &&
             field.value().get_string().get(type) == simdjson::SUCCESS;
      if (good) types.emplace(column, type);
    }
  }
  if (good) return types;
  return Error{ErrorCode::corrupt, "lake-types",
               fmt::format("types {} of upload {} of {} are not a JSON object of texts",
                           quoted_for_message(*upload.types_json), upload.upload_id.to_string(),
                           upload.table.to_string()),
               "restore the history from a backup; or keep it as it is, and fill another, empty one with "
               "`deltadrop republish`"};
}

DeclaredTypes declared_notations(const UploadFacts& upload) {
  auto types = known_types(upload);
  std::erase_if(types, [](const auto& each) { return !has_notation(each); });
  return types;
}

Result<Notations> Notations::of(history::HistoryReader& history, const UploadFacts& upload) {
  Notations notations;
  auto declared = known_types(upload);
  auto& old_types = notations.types_[static_cast<std::size_t>(Side::old_values)];
  if (upload.previous_upload_id) {
    DD_TRY(const auto previous, history.upload(*upload.previous_upload_id));
    if (previous) old_types = known_types(previous->facts);
  }
  old_types.insert(declared.begin(), declared.end());
  notations.types_[static_cast<std::size_t>(Side::new_values)] = std::move(declared);
  for (auto& types : notations.types_) {
    std::erase_if(types, [](const auto& each) { return !has_notation(each); });
  }
  return notations;
}

const DeclaredType* Notations::find(Side side, std::string_view column) const {
  return find_in(types_[static_cast<std::size_t>(side)], column);
}

TypedValue Notations::typed(Side side, std::string_view column, std::string_view text) const {
  return typed_under(find(side, column), text);
}

std::vector<const DeclaredType*> Notations::by_column(Side side, const TableColumns& columns) const {
  std::vector<const DeclaredType*> types;
  types.reserve(columns.all().size());
  for (const auto& column : columns.all()) types.push_back(find(side, column.name));
  return types;
}

RecordNotations RecordNotations::of(std::span<const history::UploadStatus> uploads) {
  RecordNotations notations;
  std::map<std::string, std::shared_ptr<const DeclaredTypes>, std::less<>> by_json;
  for (const auto& upload : uploads) {
    if (!upload.facts.types_json) continue;
    auto& types = by_json[*upload.facts.types_json];
    if (types == nullptr) types = std::make_shared<const DeclaredTypes>(declared_notations(upload.facts));
    if (!types->empty()) notations.types_.emplace(upload.facts.upload_id, types);
  }
  return notations;
}

const DeclaredType* RecordNotations::find(const UploadId& upload, std::string_view column) const {
  const auto found = types_.find(upload);
  return found == types_.end() ? nullptr : find_in(*found->second, column);
}

}  // namespace deltadrop::lake
