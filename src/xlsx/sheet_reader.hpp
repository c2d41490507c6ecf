#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "xlsx/cell_text.hpp"
#include "xlsx/csv_output.hpp"
#include "xlsx/expat_reader.hpp"
#include "xlsx/merged_cells.hpp"
#include "xlsx/parts.hpp"
#include "xlsx/shared_strings.hpp"
#include "xlsx/warnings.hpp"

namespace deltadrop::xlsx {

/// Collects the text of an <si> or <is> element: its <t> and those of its runs <r>, without the phonetic runs
/// <rPh>. Depths are relative to the element, which has depth 0.
class RichText {
 public:
  explicit RichText(std::string& out) : out_(out) {}

  /// `preserves_space` is the xml:space setting of the enclosing elements.
  void begin(bool preserves_space) { preserves_around_ = preserves_space; }
  bool start(std::string_view name, const Attributes& attributes, int depth);
  void end(int depth);
  void text(std::string_view piece) {
    if (in_text_) out_ += piece;
  }

 private:
  std::string& out_;
  std::size_t text_begin_ = 0;
  int text_depth_ = 0;
  bool in_text_ = false;
  bool preserves_around_ = false;
  bool preserves_here_ = false;
};

/// Reads xl/sharedStrings.xml.
Result<void> read_shared_strings(Package& package, std::string_view part, const Limits& limits,
                                 SharedStrings& strings);

/// The parts of the workbook that a sheet needs. All must outlive the reader.
struct SheetContext {
  const std::string& sheet;
  const SharedStrings& strings;
  const Styles& styles;
  DateSystem dates;
  const Limits& limits;
};

/// Converts a worksheet's cells to records.
class SheetReader final : public XmlHandler {
 public:
  /// `merged` is the sheet's merged ranges, or null to collect them.
  SheetReader(const SheetContext& context, MergedCells* merged, CsvOutput& output, WarningLog& warnings)
      : context_(context), known_merged_(merged), output_(output), warnings_(warnings), rich_(text_) {}

  bool start(std::string_view name, const Attributes& attributes, int depth) override;
  void end(int depth) override;
  void text(std::string_view piece) override;

  /// Returns the merged ranges that were read. In a sheet they come after the cells.
  MergedCells take_merged() { return std::move(merged_); }
  [[nodiscard]] std::uint64_t formulas() const { return formulas_; }

 private:
  enum class Type : std::uint8_t { number, shared, formula_text, inline_text, boolean, error, date, unknown };
  enum class Part : std::uint8_t { none, rows, merged };

  void start_row(const Attributes& attributes);
  void end_row();
  void start_cell(const Attributes& attributes);
  bool start_in_cell(std::string_view name, const Attributes& attributes);
  void end_cell();
  void take_merged_range(const Attributes& attributes);

  void put(std::string_view value);
  void put_number(std::string_view stored);
  void put_shared(std::string_view index);
  void put_formatted(std::string_view stored, const NumberFormat& format);
  [[nodiscard]] std::string place() const;

  const SheetContext& context_;
  MergedCells* known_merged_;
  CsvOutput& output_;
  WarningLog& warnings_;
  MergedCells merged_;
  std::uint64_t formulas_ = 0;

  Part part_ = Part::none;
  bool preserves_space_ = false;
  CellPlace at_;        ///< the current or last cell
  std::string record_;  ///< the row up to its last value
  std::uint32_t fields_ = 0;

  // The current cell.
  Type type_ = Type::number;
  std::uint32_t style_ = 0;
  bool in_value_ = false;
  bool in_rich_ = false;
  bool has_formula_ = false;
  std::string text_;
  RichText rich_;
};

}  // namespace deltadrop::xlsx
