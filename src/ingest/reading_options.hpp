#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "core/result.hpp"
#include "ingest/upload.hpp"

/// The list of reading options. A row of it is all that ingest and the API need of an option: it is parsed
/// from the upload's field, remembered for the table, kept in the manifest and the catalog, part of what a
/// retry compares, and shown with the upload and the table.
namespace deltadrop::ingest {

struct ReadingOption {
  std::string_view name;  ///< of the upload's field, and of the member in manifest, catalog row and answers
  bool empty_is_none;     ///< an empty field means "none"; else it says nothing
  /// Manifests and catalog rows always have it, as a member. Else it is in their object "options" where it is
  /// not the default, and a program that does not know it refuses the file instead of reading it in another
  /// way.
  bool is_member;
  /// invalid_input, type "bad-column-list", "bad-delimiter"...
  Result<void> (*parse)(std::string_view text, ReadingOptions& into);
  void (*copy)(const ReadingOptions& from, ReadingOptions& to);
  boost::json::value (*to_json)(const ReadingOptions& reading);
  /// The error's message says what was expected.
  Result<void> (*from_json)(const boost::json::value& value, ReadingOptions& into);
};

/// In the order in which fields are parsed.
std::span<const ReadingOption> reading_options();

/// All of them but types, which are shown beside them, and the rules: one JSON object.
std::string options_json(const ReadingOptions& reading);
/// What was found in the file, where the options leave it open: one JSON object.
std::string dialect_json(const UploadReading& reading);
/// What is in the file and was not read as rows: one JSON object.
std::string skipped_json(const csv::Skipped& skipped);

}  // namespace deltadrop::ingest
