#include "xlsx/workbook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "core/exhausted.hpp"
#include "core/text.hpp"
#include "xlsx/container.hpp"
#include "xlsx/parts.hpp"
#include "xlsx/sheet_reader.hpp"

namespace deltadrop::xlsx {
namespace {

constexpr XmlRoot kWorksheet = {"worksheet", kSpreadsheetNamespaces};
constexpr std::string_view kWorksheetType = "worksheet";
/// The maximum number of names in a message. A workbook may have thousands.
constexpr std::size_t kNamesShown = 50;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

/// Converts one workbook, once.
class Converter {
 public:
  Converter(const Options& options, const Stop& stop)
      : options_(options), limits_(options.limits), stop_(stop) {}

  Result<Conversion> convert(const std::filesystem::path& path, const CsvSink& sink) {
    DD_TRY(check_is_zip(path, stop_));
    DD_TRY(package_, Package::open(path, limits_, stop_));
    DD_TRY(check_kind(*package_));
    DD_TRY(read_workbook());
    DD_TRY(const std::size_t sheet, choose_sheet());
    conversion_.sheet = workbook_.sheets[sheet].name;
    DD_TRY(const auto* worksheet, worksheet_of(sheet));
    SharedStrings strings(limits_.shared_strings_bytes_max);
    if (const auto* part = find_type(relationships_, "sharedStrings")) {
      DD_TRY(read_shared_strings(*package_, part->target, limits_, strings));
    }
    Styles styles;
    if (const auto* part = find_type(relationships_, "styles")) {
      DD_TRY(styles, Styles::read(*package_, part->target, limits_));
    }
    const SheetContext context{conversion_.sheet, strings, styles, workbook_.dates, limits_};
    DD_TRY(read_sheet(worksheet->target, context));
    DD_TRY(conversion_.csv_bytes, output_->give(sink, stop_));
    return std::move(conversion_);
  }

 private:
  Result<void> read_workbook() {
    DD_TRY(const auto package_relationships, read_relationships(*package_, "", limits_));
    const auto* main = find_type(package_relationships, "officeDocument");
    if (main == nullptr) return damaged("_rels/.rels does not name the workbook's main part");
    DD_TRY(workbook_, read_workbook_part(*package_, main->target, limits_));
    DD_TRY(relationships_, read_relationships(*package_, main->target, limits_));
    for (const SheetEntry& sheet : workbook_.sheets) conversion_.sheets.push_back(sheet.name);
    conversion_.dates = workbook_.dates;
    return success();
  }

  [[nodiscard]] const Relationship* relationship_of(std::size_t sheet) const {
    const auto found = relationships_.find(workbook_.sheets[sheet].relationship_id);
    return found == relationships_.end() ? nullptr : &found->second;
  }

  [[nodiscard]] bool is_worksheet(std::size_t sheet) const {
    const auto* relationship = relationship_of(sheet);
    return relationship != nullptr && relationship->type == kWorksheetType;
  }

  Result<std::size_t> choose_sheet() {
    if (options_.sheet.empty()) return first_sheet();
    const auto& sheets = workbook_.sheets;
    for (std::size_t i = 0; i < sheets.size(); ++i) {
      if (equal_ignoring_case(sheets[i].name, options_.sheet)) return i;
    }
    std::size_t number = 0;
    const char* end = options_.sheet.data() + options_.sheet.size();
    const auto [read_to, error] = std::from_chars(options_.sheet.data(), end, number);
    if (error == std::errc() && read_to == end && number >= 1 && number <= sheets.size()) return number - 1;
    return no_such_sheet(fmt::format("the workbook has no sheet {}", quoted_for_message(options_.sheet)));
  }

  Result<std::size_t> first_sheet() {
    std::optional<std::size_t> first_hidden;
    for (std::size_t i = 0; i < workbook_.sheets.size(); ++i) {
      // Do not skip a sheet without a part. It may be the one that the user sees first.
      if (relationship_of(i) != nullptr && !is_worksheet(i)) continue;
      if (!workbook_.sheets[i].is_hidden) return i;
      if (!first_hidden) {
        first_hidden = i;
        warnings_.add("hidden-sheet-passed-over", [&] {
          return fmt::format("sheet {} is hidden and was not read; name it with sheet= to read it",
                             quoted_for_message(workbook_.sheets[i].name));
        });
      }
    }
    return no_such_sheet("the workbook has no visible worksheet");
  }

  [[nodiscard]] Error no_such_sheet(std::string_view what) const {
    std::string names;
    const auto& sheets = workbook_.sheets;
    for (std::size_t i = 0; i < std::min(sheets.size(), kNamesShown); ++i) {
      names += fmt::format("{}{}", i == 0 ? "" : ", ", quoted_for_message(sheets[i].name));
    }
    if (sheets.size() > kNamesShown) names += fmt::format(" and {} more", sheets.size() - kNamesShown);
    return {ErrorCode::invalid_input, "no-such-sheet",
            sheets.empty() ? fmt::format("{}: it has no sheets", what)
                           : fmt::format("{}; its sheets are {}", what, names),
            "give sheet= one of these names, or its number from 1 on"};
  }

  Result<const Relationship*> worksheet_of(std::size_t sheet) {
    const auto* relationship = relationship_of(sheet);
    if (relationship == nullptr) {
      return damaged(fmt::format("sheet {} refers to relationship {}, which does not exist",
                                 quoted_for_message(conversion_.sheet),
                                 quoted_for_message(workbook_.sheets[sheet].relationship_id)));
    }
    if (relationship->type != kWorksheetType) {
      return no_such_sheet(fmt::format("sheet {} is a {} without cells",
                                       quoted_for_message(conversion_.sheet),
                                       quoted_for_message(relationship->type)));
    }
    return relationship;
  }

  Result<void> read_sheet(std::string_view part, const SheetContext& context) {
    const std::uint64_t expanded_before = package_->expanded_bytes();
    WarningLog found;
    DD_TRY(auto merged, read_sheet_once(part, context, nullptr, found));
    if (!merged.empty()) {
      // A sheet lists its merged cells after its values, so it is known only now which values they cover.
      if (const std::size_t dropped = merged.sort(); dropped > 0) {
        warnings_.add("merged-cells-overlap", [&] {
          return fmt::format("sheet {} has {} that overlap others; the CSV treats them as not merged",
                             quoted_for_message(context.sheet), counted(dropped, "merged range"));
        });
      }
      package_->count_again_from(expanded_before);
      found = WarningLog();
      DD_TRY(read_sheet_once(part, context, &merged, found));
    }
    conversion_.rows = output_->rows();
    conversion_.columns = output_->columns();
    conversion_.warnings = warnings_.finish();
    for (Warning& warning : found.finish()) conversion_.warnings.push_back(std::move(warning));
    return success();
  }

  /// Reads the sheet once. Returns its merged ranges, or none if `merged` is given.
  Result<MergedCells> read_sheet_once(std::string_view part, const SheetContext& context, MergedCells* merged,
                                      WarningLog& found) {
    output_.emplace(options_.scratch, limits_);
    SheetReader reader(context, merged, *output_, found);
    XmlReader xml(part, kWorksheet, reader, limits_);
    DD_TRY(package_->read(part, [&](std::string_view block) -> Result<void> {
      DD_TRY(xml.feed(block));
      if (options_.on_progress) options_.on_progress({package_->expanded_bytes(), output_->rows()});
      return success();
    }));
    DD_TRY(xml.finish());
    if (reader.formulas() > 0 && workbook_.recalculates_on_load) {
      found.add("formulas-not-calculated", [&] {
        return fmt::format(
            "sheet {} has {}, and the workbook is to be calculated when it is opened: the results in the "
            "file may be "
            "out of date; open it in a spreadsheet program and save it to be sure",
            quoted_for_message(context.sheet), counted(reader.formulas(), "formula"));
      });
    }
    return reader.take_merged();
  }

  const Options& options_;
  const Limits& limits_;
  const Stop& stop_;
  std::unique_ptr<Package> package_;
  WorkbookPart workbook_;
  Relationships relationships_;
  std::optional<CsvOutput> output_;
  WarningLog warnings_;
  Conversion conversion_;
};

}  // namespace

Result<Conversion> convert_to_csv(const std::filesystem::path& workbook, const Options& options,
                                  const CsvSink& sink, const Stop& stop) {
  try {
    return Converter(options, stop).convert(workbook, sink);
  } catch (const std::exception& thrown) {
    return error_of(thrown);
  }
}

}  // namespace deltadrop::xlsx
