#include "csv/dialect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "core/text.hpp"
#include "csv/fields.hpp"
#include "csv/findings.hpp"
#include "csv/row_filter.hpp"
#include "csv/scan.hpp"

namespace deltadrop::csv {
namespace {

constexpr std::string_view kCandidates = ",;\t|~";
/// Delimiters that are preferred to a comma, because commas occur inside numbers and names.
constexpr std::string_view kStrongerThanComma = ";\t|";
constexpr std::size_t kRecordsMax = 1000;
constexpr std::size_t kBytesMax = std::size_t{1} << 20;

struct SampleRecord {
  SamplePlace place;
  std::uint64_t fields = 0;
  bool faulty = false;
};

/// Returns true if the footer begins with this record according to the options.
bool begins_footer(std::string_view record, const std::vector<std::string>& footer) {
  if (record.starts_with('"')) record.remove_prefix(1);
  return std::any_of(footer.begin(), footer.end(),
                     [&](const std::string& text) { return record.starts_with(text); });
}

/// Returns the records of the sample, without blank records and without a record that the sample cuts off.
std::vector<SampleRecord> records_of(const Sample& sample, char delimiter, const ReadOptions& options) {
  const std::string_view all = sample.text.substr(sample.offset);
  const std::string_view text = all.substr(0, kBytesMax);
  const RowFilter filter({}, delimiter);
  RowScanner scanner(text, delimiter, 0, sample.line);
  scanner.pass_over_by(&filter);
  std::vector<SampleRecord> records;
  Row row;
  while (records.size() < kRecordsMax && scanner.next(row)) {
    const bool is_cut = text.size() < all.size() && row.offset + row.bytes.size() == text.size();
    if (is_cut || begins_footer(row.bytes, options.footer)) break;
    records.push_back(
        {{sample.offset + row.offset, row.line, row.bytes}, row.fields, row.fault != RowFault::none});
  }
  return records;
}

/// Returns true if the first record has one field.
bool has_one_field(const Sample& sample, char delimiter) {
  const RowFilter filter({}, delimiter);
  RowScanner scanner(sample.text.substr(sample.offset, kBytesMax), delimiter);
  scanner.pass_over_by(&filter);
  Row row;
  return scanner.next(row) && row.fields == 1;
}

/// Describes how well a delimiter fits a sample.
struct Fit {
  char delimiter = ',';
  std::vector<SampleRecord> records;
  std::size_t header = 0;     ///< index of the header in `records`
  std::uint64_t fields = 0;   ///< number of fields of the header
  std::size_t agreeing = 0;   ///< records from the header on with the same number of fields
  bool explains_all = false;  ///< the header has several fields, and all later records fit it
  bool one_column = true;     ///< each record has one field and no fault
};

/// Returns the most frequent number of fields among records with several fields. Ties go to the greater
/// number.
std::uint64_t usual_fields(const std::vector<SampleRecord>& records) {
  std::map<std::uint64_t, std::size_t> counts;
  for (const auto& record : records) {
    if (record.fields > 1 && !record.faulty) ++counts[record.fields];
  }
  std::uint64_t usual = 0;
  std::size_t most = 0;
  for (const auto& [fields, count] : counts) {
    if (count < most) continue;
    usual = fields;
    most = count;
  }
  return usual;
}

bool is_blank(std::string_view text) { return trim_blanks(text).empty(); }

/// Returns true if only the first fields have text, and at most half of all.
bool looks_like_a_title(std::string_view record, char delimiter) {
  RowSplitter splitter(delimiter);
  const auto& values = splitter.split(record);
  const auto with_text =
      static_cast<std::size_t>(std::find_if(values.begin(), values.end(), is_blank) - values.begin());
  return with_text * 2 <= values.size() &&
         std::all_of(values.begin() + static_cast<std::ptrdiff_t>(with_text), values.end(), is_blank);
}

bool looks_like_data(std::string_view record, char delimiter) {
  RowSplitter splitter(delimiter);
  const auto& values = splitter.split(record);
  return std::any_of(values.begin(), values.end(),
                     [](std::string_view value) { return data_kind(value) != DataKind::none; });
}

/// Returns the index of the first record that has the usual number of fields and does not look like a title,
/// or 0 without such a record.
std::size_t header_among(const std::vector<SampleRecord>& records, char delimiter) {
  const std::uint64_t usual = usual_fields(records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const SampleRecord& record = records[i];
    if (record.fields == usual && !record.faulty && !looks_like_a_title(record.place.bytes, delimiter)) {
      return i;
    }
  }
  return 0;
}

Fit fit_of(const Sample& sample, char delimiter, const ReadOptions& options, bool finds_header) {
  Fit fit;
  fit.delimiter = delimiter;
  fit.records = records_of(sample, delimiter, options);
  if (fit.records.empty()) return fit;
  if (finds_header) fit.header = header_among(fit.records, delimiter);
  fit.fields = fit.records[fit.header].fields;
  bool all = true;
  for (std::size_t i = fit.header; i < fit.records.size(); ++i) {
    const SampleRecord& record = fit.records[i];
    const bool short_but_padded = options.short_rows == ShortRows::pad && record.fields < fit.fields;
    const bool same = !record.faulty && record.fields == fit.fields;
    if (same) ++fit.agreeing;
    all = all && !record.faulty && (same || short_but_padded);
    fit.one_column = fit.one_column && !record.faulty && record.fields == 1;
  }
  fit.explains_all = all && fit.fields > 1;
  return fit;
}

std::string option_for(char delimiter) { return fmt::format("delimiter={}", delimiter_word(delimiter)); }

Finding ambiguous(const Fit& one, const Fit& other) {
  return {"ambiguous-delimiter",
          one.records[one.header].place.line,
          std::nullopt,
          value_for_finding(one.records[one.header].place.bytes),
          fmt::format("the delimiter may be {} or {}: {} gives every line {}, {} gives every line {}",
                      quoted_for_message(delimiter_name(one.delimiter)),
                      quoted_for_message(delimiter_name(other.delimiter)),
                      quoted_for_message(delimiter_name(one.delimiter)), counted(one.fields, "field"),
                      quoted_for_message(delimiter_name(other.delimiter)), counted(other.fields, "field")),
          fmt::format("is the delimiter right? give {} or {}", option_for(one.delimiter),
                      option_for(other.delimiter))};
}

/// Returns true if the character may be a delimiter although it is not a candidate. Characters of names,
/// dates and codes are excluded.
bool is_other_punctuation(char c) {
  constexpr std::string_view kInNames = " _-.'\"()\t\n\r,;|~";
  const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return c > '\0' && c <= '~' && !alphanumeric && kInNames.find(c) == std::string_view::npos;
}

/// Returns a finding for a punctuation character that occurs equally often in every line of a one-column
/// file.
std::optional<Finding> find_other_delimiter(const std::vector<SampleRecord>& records) {
  if (records.size() < 2) return std::nullopt;
  const std::string_view first = records.front().place.bytes;
  for (const char c : first) {
    if (!is_other_punctuation(c)) continue;
    const auto times = std::count(first.begin(), first.end(), c);
    const bool everywhere = std::all_of(records.begin(), records.end(), [&](const SampleRecord& record) {
      return std::count(record.place.bytes.begin(), record.place.bytes.end(), c) == times;
    });
    if (!everywhere) continue;
    return Finding{
        "unknown-delimiter",
        records.front().place.line,
        std::nullopt,
        value_for_finding(first),
        fmt::format("the file has one column, but every line has {} {}", quoted_for_message({&c, 1}),
                    times == 1 ? "once" : fmt::format("{} times", times)),
        fmt::format("is the delimiter right? give {}; for a list of one column, give {}", option_for(c),
                    option_for(','))};
  }
  return std::nullopt;
}

/// Returns the fit that explains all records, or null. Sets `doubt` if several do and none is preferred.
const Fit* choose(const std::vector<Fit>& fits, bool finds_header, std::optional<char> remembered,
                  std::optional<Finding>& doubt) {
  std::vector<const Fit*> explaining;
  for (const Fit& fit : fits) {
    if (fit.explains_all) explaining.push_back(&fit);
    if (fit.explains_all && fit.delimiter == remembered) return &fit;
  }
  // Prefer the table with the most rows if tables begin in different lines. Without a search for the header,
  // all begin in the first line.
  std::size_t most = 0;
  for (const Fit* fit : explaining) most = std::max(most, fit->agreeing);
  std::erase_if(explaining, [&](const Fit* fit) { return finds_header && fit->agreeing < most; });
  const bool beats_comma = std::any_of(explaining.begin(), explaining.end(), [](const Fit* fit) {
    return kStrongerThanComma.find(fit->delimiter) != std::string_view::npos;
  });
  if (beats_comma) std::erase_if(explaining, [](const Fit* fit) { return fit->delimiter == ','; });
  if (explaining.empty()) return nullptr;
  if (explaining.size() > 1) doubt = ambiguous(*explaining[0], *explaining[1]);
  return explaining.front();
}

/// Returns the best fit if none explains all records. The file is then rejected with the lines that disagree.
const Fit& best_guess(const std::vector<Fit>& fits, std::optional<char> remembered) {
  const auto rank = [&](const Fit& fit) {
    const bool is_table = fit.fields > 1;
    const bool stronger = kStrongerThanComma.find(fit.delimiter) != std::string_view::npos;
    return std::tuple(is_table && fit.delimiter == remembered, is_table ? fit.agreeing : 0,
                      is_table && stronger);
  };
  return *std::max_element(fits.begin(), fits.end(),
                           [&](const Fit& a, const Fit& b) { return rank(a) < rank(b); });
}

std::optional<SamplePlace> header_below(const Fit& fit) {
  if (fit.header == 0 || fit.header + 1 >= fit.records.size()) return std::nullopt;
  const SampleRecord& header = fit.records[fit.header];
  if (fit.agreeing * 2 < fit.records.size() - fit.header) return std::nullopt;
  if (fit.records.front().fields > header.fields) return std::nullopt;
  if (looks_like_data(header.place.bytes, fit.delimiter)) return std::nullopt;
  // The quote does not open a field, so the record has too many fields.
  if (find_blank_before_quote(header.place.bytes, fit.delimiter) != std::string_view::npos)
    return std::nullopt;
  return header.place;
}

bool is_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const bool digits_only = text.find_first_not_of("0123456789") == std::string_view::npos;
  const bool is_year = digits_only && text.size() == 4 && (text.starts_with("19") || text.starts_with("20"));
  return !is_year && text.find_first_of("0123456789") == 0 &&
         text.find_first_not_of("0123456789.,") == std::string_view::npos;
}

bool is_date(std::string_view text) {
  const std::string_view date = text.substr(0, 10);
  std::string shape;
  for (const char c : date) shape += c >= '0' && c <= '9' ? '9' : c;
  return shape == "9999-99-99" || shape == "99.99.9999" || shape == "99/99/9999" || shape == "9999/99/99";
}

}  // namespace

DataKind data_kind(std::string_view text) {
  constexpr std::ptrdiff_t kDigitsOfACode = 6;
  text = trim_blanks(text);
  if (text.empty()) return DataKind::none;
  if (is_date(text)) return DataKind::date;
  if (is_number(text)) return DataKind::number;
  const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool is_word = text.find_first_of(" _-.") == std::string_view::npos;
  return is_word && digits >= kDigitsOfACode ? DataKind::code : DataKind::none;
}

char sniff_delimiter(std::string_view text) {
  char best = ',';
  std::uint64_t most_fields = 1;
  for (const char candidate : {',', ';', '\t', '|'}) {
    RowScanner scanner(text, candidate);
    Row row;
    if (!scanner.next(row) || row.fault != RowFault::none || row.fields <= most_fields) continue;
    best = candidate;
    most_fields = row.fields;
  }
  return best;
}

Detected detect_dialect(const Sample& sample, const ReadOptions& options, std::optional<char> declared,
                        std::optional<char> remembered) {
  Detected detected;
  const bool finds_header = options.skip_lines.automatic && options.has_header;
  const std::optional<char> known = options.delimiter ? options.delimiter : declared;
  detected.delimiter = known.value_or(remembered.value_or(','));
  detected.header = {sample.offset, sample.line, {}};
  if (known && !finds_header) return detected;
  std::vector<char> candidates(kCandidates.begin(), kCandidates.end());
  if (known) candidates = {*known};
  const bool other = remembered && !known && kCandidates.find(*remembered) == std::string_view::npos;
  if (other) candidates.push_back(*remembered);
  std::vector<Fit> fits;
  if (!finds_header) {
    // Ignore delimiters that are not in the header.
    for (const char candidate : candidates) {
      if (!has_one_field(sample, candidate)) fits.push_back(fit_of(sample, candidate, options, false));
    }
    if (const Fit* found = choose(fits, false, remembered, detected.doubt); found != nullptr) {
      detected.delimiter = found->delimiter;
      return detected;
    }
    fits.clear();
  }
  for (const char candidate : candidates) fits.push_back(fit_of(sample, candidate, options, finds_header));
  const Fit* chosen = choose(fits, finds_header, remembered, detected.doubt);
  const bool one_column =
      std::all_of(fits.begin(), fits.end(), [](const Fit& fit) { return fit.one_column; });
  if (chosen == nullptr && one_column && !known && !remembered) {
    detected.doubt = find_other_delimiter(fits.front().records);
  }
  if (chosen == nullptr && !one_column) chosen = &best_guess(fits, remembered);
  if (chosen == nullptr || chosen->records.empty()) return detected;
  // A guess with one column is not better than the remembered delimiter.
  if (chosen->fields > 1 || known) detected.delimiter = chosen->delimiter;
  if (finds_header) detected.header = chosen->records[chosen->header].place;
  return detected;
}

std::optional<SamplePlace> find_header_below(const Sample& sample, char delimiter,
                                             const ReadOptions& options) {
  return header_below(fit_of(sample, delimiter, options, true));
}

std::optional<SamplePlace> find_header_below(const Sample& sample, const ReadOptions& options) {
  std::vector<Fit> fits;
  for (const char candidate : kCandidates) fits.push_back(fit_of(sample, candidate, options, true));
  std::optional<Finding> doubt;
  const Fit* chosen = choose(fits, true, std::nullopt, doubt);
  return chosen == nullptr || doubt ? std::nullopt : header_below(*chosen);
}

}  // namespace deltadrop::csv
