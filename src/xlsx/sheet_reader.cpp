#include "xlsx/sheet_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/text.hpp"

namespace deltadrop::xlsx {
namespace {

constexpr XmlRoot kSharedStrings = {"sst", kSpreadsheetNamespaces};

// The depths of a worksheet's elements.
constexpr int kRoot = 1;
constexpr int kPart = 2;
constexpr int kRow = 3;
constexpr int kCell = 4;
constexpr int kValue = 5;

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class SharedStringReader final : public XmlHandler {
 public:
  SharedStringReader(std::string_view part, const Limits& limits, SharedStrings& strings)
      : part_(part), limits_(limits), strings_(strings), rich_(text_) {}

  bool start(std::string_view name, const Attributes& attributes, int depth) override {
    if (depth == 1) {
      preserves_space_ = attributes.preserves_space().value_or(false);
      return true;
    }
    if (depth == 2) {
      if (name != "si") return false;
      text_.clear();
      rich_.begin(attributes.preserves_space().value_or(preserves_space_));
      return true;
    }
    return rich_.start(name, attributes, depth - 2);
  }

  void end(int depth) override {
    if (depth > 2) return rich_.end(depth - 2);
    if (depth == 2 && !strings_.add(text_)) {
      fail(too_large(fmt::format("after {}, the shared strings in {} need more than {} bytes of memory",
                                 counted(strings_.size(), "string"), part_,
                                 limits_.shared_strings_bytes_max)));
    }
  }

  void text(std::string_view piece) override {
    rich_.text(piece);
    if (text_.size() > limits_.cell_bytes_max) {
      fail(too_large(fmt::format("shared string {} in {} has more than {} bytes", strings_.size(), part_,
                                 limits_.cell_bytes_max)));
    }
  }

 private:
  std::string_view part_;
  const Limits& limits_;
  SharedStrings& strings_;
  bool preserves_space_ = false;
  std::string text_;
  RichText rich_;
};

}  // namespace

bool RichText::start(std::string_view name, const Attributes& attributes, int depth) {
  if (in_text_) return false;
  if (name == "r") return depth == 1;
  if (name != "t") return false;
  in_text_ = true;
  text_begin_ = out_.size();
  text_depth_ = depth;
  preserves_here_ = attributes.preserves_space().value_or(preserves_around_);
  return true;
}

void RichText::end(int depth) {
  if (!in_text_ || depth != text_depth_) return;
  in_text_ = false;
  if (!preserves_here_) {
    const std::string kept(trim_xml_space(std::string_view(out_).substr(text_begin_)));
    out_.replace(text_begin_, std::string::npos, kept);
  }
  decode_escapes(out_, text_begin_);
}

Result<void> read_shared_strings(Package& package, std::string_view part, const Limits& limits,
                                 SharedStrings& strings) {
  SharedStringReader reader(part, limits, strings);
  return read_part(package, part, kSharedStrings, reader, limits, limits.expanded_bytes_max);
}

std::string SheetReader::place() const {
  return fmt::format("cell {} of sheet {}", to_string(at_), quoted_for_message(context_.sheet));
}

bool SheetReader::start(std::string_view name, const Attributes& attributes, int depth) {
  switch (depth) {
    case kRoot:
      preserves_space_ = attributes.preserves_space().value_or(false);
      return true;
    case kPart:
      part_ = name == "sheetData" ? Part::rows : name == "mergeCells" ? Part::merged : Part::none;
      return part_ != Part::none;
    case kRow:
      if (part_ == Part::merged && name == "mergeCell") take_merged_range(attributes);
      if (part_ != Part::rows || name != "row") return false;
      start_row(attributes);
      return true;
    case kCell:
      if (name != "c") return false;
      start_cell(attributes);
      return true;
    case kValue:
      return start_in_cell(name, attributes);
    default:
      return in_rich_ && rich_.start(name, attributes, depth - kValue);
  }
}

void SheetReader::end(int depth) {
  if (depth > kValue) return rich_.end(depth - kValue);
  if (depth == kValue) {
    in_value_ = false;
    in_rich_ = false;
  } else if (depth == kCell) {
    end_cell();
  } else if (depth == kRow) {
    end_row();
  }
}

void SheetReader::text(std::string_view piece) {
  if (in_value_) {
    text_ += piece;
  } else if (in_rich_) {
    rich_.text(piece);
  } else {
    return;
  }
  if (text_.size() > context_.limits.cell_bytes_max) {
    fail(too_large(fmt::format("{} has more than {} bytes", place(), context_.limits.cell_bytes_max)));
  }
}

void SheetReader::start_row(const Attributes& attributes) {
  const std::uint32_t last = at_.row;
  const auto written = attributes.find("r");
  const auto row = written ? parse_number<std::uint32_t>(*written) : last + 1;
  record_.clear();
  fields_ = 0;
  if (!row || *row <= last) {
    return fail(
        damaged(fmt::format("in sheet {}, row {} comes after row {}", quoted_for_message(context_.sheet),
                            quoted_for_message(written.value_or("")), last)));
  }
  if (*row > context_.limits.rows_max) {
    return fail(too_large(fmt::format("sheet {} has a row {}; {} rows are allowed",
                                      quoted_for_message(context_.sheet), *row, context_.limits.rows_max)));
  }
  at_ = {*row, 0};
}

void SheetReader::end_row() {
  if (fields_ == 0) return;
  auto added = output_.add(at_.row, record_, fields_);
  if (!added.has_value()) fail(std::move(added).error());
}

void SheetReader::start_cell(const Attributes& attributes) {
  const CellPlace last = at_;
  const auto reference = attributes.find("r");
  const auto found = reference ? parse_cell_place(*reference) : CellPlace{last.row, last.column + 1};
  if (!found || found->row != last.row || found->column <= last.column) {
    return fail(
        damaged(fmt::format("in sheet {}, cell {} comes after {} in row {}",
                            quoted_for_message(context_.sheet), quoted_for_message(reference.value_or("")),
                            last.column == 0 ? "the start" : to_string(last), last.row)));
  }
  at_ = *found;
  if (at_.column > context_.limits.columns_max) {
    return fail(too_large(
        fmt::format("{} is beyond the {} columns that are allowed", place(), context_.limits.columns_max)));
  }
  constexpr std::pair<std::string_view, Type> kTypes[] = {{"n", Type::number},
                                                          {"s", Type::shared},
                                                          {"str", Type::formula_text},
                                                          {"inlineStr", Type::inline_text},
                                                          {"b", Type::boolean},
                                                          {"e", Type::error},
                                                          {"d", Type::date}};
  type_ = Type::number;
  if (const auto type = attributes.find("t")) {
    type_ = Type::unknown;
    for (const auto& [name, known] : kTypes) {
      if (*type == name) type_ = known;
    }
  }
  const auto style = attributes.find("s");
  style_ = style ? parse_number<std::uint32_t>(*style).value_or(0) : 0;
  has_formula_ = false;
  text_.clear();
}

bool SheetReader::start_in_cell(std::string_view name, const Attributes& attributes) {
  if (name == "v") {
    text_.clear();
    in_value_ = true;
    return true;
  }
  if (name == "is" && type_ == Type::inline_text) {
    text_.clear();
    in_rich_ = true;
    rich_.begin(attributes.preserves_space().value_or(preserves_space_));
    return true;
  }
  has_formula_ = has_formula_ || name == "f";
  return false;
}

void SheetReader::end_cell() {
  if (has_formula_) ++formulas_;
  if (text_.empty()) {
    if (has_formula_ && type_ != Type::formula_text) {
      warnings_.add("formula-without-value", [&] {
        return place() +
               " has a formula whose result the file does not hold; the CSV has an empty field there";
      });
    }
    return;
  }
  if (known_merged_ != nullptr && known_merged_->covers(at_)) {
    warnings_.add("covered-by-merged-cell", [&] {
      return place() + " has a value, but a merged cell covers it; the CSV has an empty field there";
    });
    return;
  }
  switch (type_) {
    case Type::number:
      return put_number(trim_xml_space(text_));
    case Type::shared:
      return put_shared(trim_xml_space(text_));
    case Type::formula_text:
      decode_escapes(text_, 0);
      return put(text_);
    case Type::boolean: {
      const auto value = trim_xml_space(text_);
      return put(value == "1" || value == "true"    ? "TRUE"
                 : value == "0" || value == "false" ? "FALSE"
                                                    : value);
    }
    case Type::date: {
      const auto value = trim_xml_space(text_);
      const NumberFormat* format = context_.styles.format_of(style_);
      return put(format == nullptr ? value : shown_part_of_iso(value, format->section_for(1).shown));
    }
    case Type::inline_text:
    case Type::error:
    case Type::unknown:
      return put(text_);
  }
}

void SheetReader::take_merged_range(const Attributes& attributes) {
  if (known_merged_ != nullptr) return;
  const auto reference = attributes.find("ref").value_or("");
  if (!merged_.add(reference)) {
    return fail(damaged(fmt::format("in sheet {}, {} is not a range of cells to merge",
                                    quoted_for_message(context_.sheet), quoted_for_message(reference))));
  }
  if (merged_.size() > context_.limits.merged_ranges_max) {
    fail(too_large(fmt::format("sheet {} has more than {} merged cells", quoted_for_message(context_.sheet),
                               context_.limits.merged_ranges_max)));
  }
}

void SheetReader::put(std::string_view value) {
  if (value.empty()) return;
  // No comma precedes column 1.
  record_.append(at_.column - std::max<std::uint32_t>(fields_, 1), ',');
  append_csv_field(record_, value);
  fields_ = at_.column;
  if (record_.size() > context_.limits.row_bytes_max) {
    fail(too_large(fmt::format("row {} of sheet {} has more than {} bytes", at_.row,
                               quoted_for_message(context_.sheet), context_.limits.row_bytes_max)));
  }
}

void SheetReader::put_shared(std::string_view index) {
  const auto number = parse_number<std::uint64_t>(index);
  const auto found = number ? context_.strings.at(*number) : std::nullopt;
  if (!found) {
    return fail(damaged(fmt::format("{} refers to shared string {}; the workbook has {}, counted from 0",
                                    place(), quoted_for_message(index), context_.strings.size())));
  }
  put(*found);
}

void SheetReader::put_number(std::string_view stored) {
  const NumberFormat* format = context_.styles.format_of(style_);
  if (format == nullptr) return put(stored);
  put_formatted(stored, *format);
}

void SheetReader::put_formatted(std::string_view stored, const NumberFormat& format) {
  const auto value = parse_number<double>(stored);
  if (!value) return put(stored);
  const Shown shown = format.section_for(*value).shown;
  if (shown == Shown::as_stored) return put(stored);
  if (shown == Shown::code) {
    const auto code = format.show_code(*value);
    return put(code ? std::string_view(*code) : stored);
  }
  const auto iso = serial_to_iso(*value, shown, context_.dates);
  if (iso) return put(*iso);
  warnings_.add("not-a-date", [&] {
    return fmt::format("{} has the style of a date, but no date has its number, {}; the CSV has the number",
                       place(), quoted_for_message(stored));
  });
  put(stored);
}

}  // namespace deltadrop::xlsx
