#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "xlsx/expat_reader.hpp"
#include "xlsx/minizip_package.hpp"
#include "xlsx/number_format.hpp"
#include "xlsx/serial_date.hpp"

namespace deltadrop::xlsx {

/// Parses a part with `handler`. `bytes_max` limits its expanded size.
Result<void> read_part(Package& package, std::string_view part, const XmlRoot& root, XmlHandler& handler,
                       const Limits& limits, std::uint64_t bytes_max);

struct Relationship {
  std::string type;    ///< the last segment of its URI: "worksheet"
  std::string target;  ///< the name of a part
};

/// Relationships by their ids.
using Relationships = std::map<std::string, Relationship, std::less<>>;

/// Reads the relationships of `part`, or of the package if `part` is empty. Returns none if the package has
/// no such part. Omits targets outside of the package.
Result<Relationships> read_relationships(Package& package, std::string_view part, const Limits& limits);

/// Returns the first relationship of this type, or null.
const Relationship* find_type(const Relationships& relationships, std::string_view type);

struct SheetEntry {
  std::string name;
  std::string relationship_id;
  bool is_hidden = false;
};

/// The contents of the main part.
struct WorkbookPart {
  std::vector<SheetEntry> sheets;  ///< in the order of the tabs
  DateSystem dates = DateSystem::from_1900;
  bool recalculates_on_load = false;
};

/// Reads the main part.
Result<WorkbookPart> read_workbook_part(Package& package, std::string_view part, const Limits& limits);

/// The number formats of the cells' styles.
class Styles {
 public:
  /// Returns the format of style `index`, or null if it shows numbers as stored.
  [[nodiscard]] const NumberFormat* format_of(std::uint32_t index) const {
    if (index >= formats_of_styles_.size() || formats_of_styles_[index] == kNone) return nullptr;
    return &formats_[formats_of_styles_[index]];
  }

  /// Reads the styles part.
  static Result<Styles> read(Package& package, std::string_view part, const Limits& limits);

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::vector<NumberFormat> formats_;             ///< without those that show numbers as stored
  std::vector<std::uint32_t> formats_of_styles_;  ///< for each style, an index of formats_ or kNone
};

}  // namespace deltadrop::xlsx
