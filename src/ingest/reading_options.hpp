#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "core/result.hpp"
#include "ingest/upload.hpp"

/// The list of reading options. One row is everything that ingest and the API need for an option. The row
/// parses the upload's field, lets the table remember the option, stores it in the manifest and the catalog,
/// compares it on a retry, and shows it with the upload and the table.
namespace deltadrop::ingest {

struct ReadingOption {
  std::string_view name;  ///< of the upload's field and of the JSON member
  bool empty_is_none;     ///< an empty field means "none"; otherwise it is ignored
  /// If true, the option is always a member of manifests and catalog rows. Otherwise it is in their object
  /// "options" if it is not the default. A program that does not know it then rejects the file instead of
  /// reading it differently.
  bool is_member;
  /// Fails with invalid_input, type "bad-column-list", "bad-delimiter" and so on.
  Result<void> (*parse)(std::string_view text, ReadingOptions& into);
  void (*copy)(const ReadingOptions& from, ReadingOptions& to);
  boost::json::value (*to_json)(const ReadingOptions& reading);
  /// Fails with an error whose message says what was expected.
  Result<void> (*from_json)(const boost::json::value& value, ReadingOptions& into);
};

/// Returns the options in the order in which fields are parsed.
std::span<const ReadingOption> reading_options();

/// Returns one JSON object with all options except types and the rules, which are shown next to them.
std::string options_json(const ReadingOptions& reading);
/// Returns one JSON object with the values that were detected in the file for options that were left open.
std::string dialect_json(const UploadReading& reading);
/// Returns one JSON object that describes the parts of the file that were not read as rows.
std::string skipped_json(const csv::Skipped& skipped);

}  // namespace deltadrop::ingest
