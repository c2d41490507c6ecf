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

/// By column, the text of the type that `types=` declares. Fails with corrupt, type "lake-types", where that
/// is not a JSON object of texts.
Result<std::map<std::string, std::string, std::less<>>> declared_texts(const UploadFacts& upload);

/// Those that declare how values are written. What this version does not know declares nothing; nor do types
/// that are not a JSON object, which columns_to_begin_with reports.
DeclaredTypes declared_notations(const UploadFacts& upload);

/// How the values of one upload's events are read: new values under what their own version declares. Old
/// values come from the version before, and are read under what that declares; a column that it declares
/// nothing of is read as in this version.
class Notations {
 public:
  /// Nothing is declared.
  Notations() = default;
  /// Errors as history::HistoryReader's.
  static Result<Notations> of(history::HistoryReader& history, const UploadFacts& upload);

  [[nodiscard]] const DeclaredType* find(Side side, std::string_view column) const;
  [[nodiscard]] TypedValue typed(Side side, std::string_view column, std::string_view text) const;

  /// By place in `columns`; null: as JSON and ISO 8601 write values. Valid while this and `columns` are.
  [[nodiscard]] std::vector<const DeclaredType*> by_column(Side side, const TableColumns& columns) const;

 private:
  std::array<DeclaredTypes, kSides.size()> types_;
};

/// How records are read: each under what the upload that opened it declares.
class RecordNotations {
 public:
  RecordNotations() = default;
  /// `uploads`: all that a record may be of.
  static RecordNotations of(std::span<const history::UploadStatus> uploads);

  [[nodiscard]] const DeclaredType* find(const UploadId& upload, std::string_view column) const;

 private:
  /// Uploads that declare the same share it.
  std::map<UploadId, std::shared_ptr<const DeclaredTypes>> types_;
};

/// The value of `text` under what is declared, if anything.
inline TypedValue typed_under(const DeclaredType* declared, std::string_view text) {
  return declared == nullptr ? typed_value(text) : declared->typed(text);
}

}  // namespace deltadrop::lake
