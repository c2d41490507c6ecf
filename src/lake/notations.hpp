#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/declared_type.hpp"
#include "history/history_reader.hpp"
#include "lake/event_values.hpp"

namespace deltadrop::lake {

/// Returns the text of the type that `types=` declares, by column. Fails with corrupt, type "lake-types", if
/// `types=` is not a JSON object of texts.
Result<std::map<std::string, std::string, std::less<>>> declared_texts(const UploadFacts& upload);

/// Returns the declared types that have a notation. Skips types that this version does not know. Returns
/// nothing for types that are not a JSON object; columns_to_begin_with reports those.
DeclaredTypes declared_notations(const UploadFacts& upload);

/// The notations of the values of one upload's events. New values have the notations that their own version
/// declares. Old values have those of the previous version, or of this one for a column that the previous
/// version does not declare.
class Notations {
 public:
  /// Declares nothing.
  Notations() = default;
  /// Errors as history::HistoryReader's.
  static Result<Notations> of(history::HistoryReader& history, const UploadFacts& upload);

  [[nodiscard]] const DeclaredType* find(Side side, std::string_view column) const;
  [[nodiscard]] TypedValue typed(Side side, std::string_view column, std::string_view text) const;

  /// Returns the declared types by index in `columns`; null means the notation of JSON and ISO 8601. Valid
  /// while this object and `columns` exist.
  [[nodiscard]] std::vector<const DeclaredType*> by_column(Side side, const TableColumns& columns) const;

 private:
  std::array<DeclaredTypes, kSides.size()> types_;
};

/// The notations of records. A record has those that the upload that opened it declares.
class RecordNotations {
 public:
  RecordNotations() = default;
  /// `uploads` must contain every upload that may have opened a record.
  static RecordNotations of(std::span<const history::UploadStatus> uploads);

  [[nodiscard]] const DeclaredType* find(const UploadId& upload, std::string_view column) const;

 private:
  /// Uploads with equal declarations share one object.
  std::map<UploadId, std::shared_ptr<const DeclaredTypes>> types_;
};

/// Parses `text` as `declared`, or without a declaration if that is null.
inline TypedValue typed_under(const DeclaredType* declared, std::string_view text) {
  return declared == nullptr ? typed_value(text) : declared->typed(text);
}

}  // namespace deltadrop::lake
