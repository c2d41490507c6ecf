#include "cli/diff_command.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/diff_output.hpp"
#include "cli/option_names.hpp"
#include "cli/standard_output.hpp"
#include "core/text.hpp"
#include "csv/file.hpp"
#include "diff/diff.hpp"
#include "io/file.hpp"
#include "io/mapped_file.hpp"
#include "xlsx/workbook.hpp"

namespace deltadrop::cli {
namespace {

constexpr int kSame = 0;
constexpr int kDifferent = 1;
constexpr int kTrouble = 2;

struct Arguments {
  std::string old_path;
  std::string new_path;
  std::string key;
  std::string ignore;
  std::string delimiter;
  std::string encoding;
  std::string sheet;
  std::string empty = "null";
  std::string skip_lines = "0";
  std::string skip_footer = "0";
  std::string footer;
  std::string header = "first";
  std::string columns;
  std::string unnamed = "refuse";
  std::string short_rows = "refuse";
  std::string types;
  std::string compare = "text";
  std::string tolerance;
  std::string key_case = "exact";
  std::string key_unicode = "exact";
  std::string format = "text";
  bool key_trim = false;
  bool rekey = false;
  bool summary = false;
};

/// A CSV file, or standard input or a pipe read to its end.
struct Input {
  std::string name;
  std::string bytes;  ///< the content of standard input or a pipe
  std::optional<csv::File> file;
};

Result<csv::ReadOptions> read_options(const Arguments& arguments) {
  csv::ReadOptions options;
  DD_TRY(options.key, csv::parse_column_list(arguments.key));
  DD_TRY(options.ignore, csv::parse_column_list(arguments.ignore));
  DD_TRY(options.empty, csv::parse_empty_policy(arguments.empty));
  if (!arguments.delimiter.empty()) {
    DD_TRY(options.delimiter, csv::parse_delimiter(arguments.delimiter));
  }
  if (!arguments.encoding.empty()) {
    DD_TRY(options.encoding, csv::parse_encoding(arguments.encoding));
  }
  DD_TRY(options.skip_lines, csv::parse_skip_lines(arguments.skip_lines));
  DD_TRY(options.skip_footer, csv::parse_skip_footer(arguments.skip_footer));
  DD_TRY(options.footer, csv::parse_column_list(arguments.footer));
  DD_TRY(options.has_header, csv::parse_has_header(arguments.header));
  DD_TRY(options.columns, csv::parse_column_list(arguments.columns));
  DD_TRY(options.unnamed, csv::parse_unnamed(arguments.unnamed));
  DD_TRY(options.short_rows, csv::parse_short_rows(arguments.short_rows));
  DD_TRY(options.types, parse_declared_types(arguments.types));
  DD_TRY(options.compare, csv::parse_compare(arguments.compare));
  if (!arguments.tolerance.empty()) {
    if (!options.compare) {
      return Error{ErrorCode::invalid_input, "bad-tolerance",
                   "a tolerance is given, and values are compared as text", "give compare=numeric, too"};
    }
    DD_TRY(options.compare->tolerance, csv::parse_tolerance(arguments.tolerance));
  }
  options.key_rules.trim = arguments.key_trim;
  DD_TRY(options.key_rules.ignore_case, csv::parse_key_case(arguments.key_case));
  DD_TRY(options.key_rules.nfc, csv::parse_key_unicode(arguments.key_unicode));
  return options;
}

Result<DiffFormat> parse_format(const std::string& name) {
  if (name == "text") return DiffFormat::text;
  if (name == "json") return DiffFormat::json;
  if (name == "csv") return DiffFormat::csv;
  return Error{ErrorCode::invalid_input, "bad-format",
               fmt::format("unknown format {}", quoted_for_message(name)), "use text, json or csv"};
}

Result<std::string> read_to_the_end(std::FILE* stream, const std::string& name) {
  std::string bytes;
  std::array<char, 65536> piece{};
  std::size_t got = 0;
  while ((got = std::fread(piece.data(), 1, piece.size(), stream)) > 0) bytes.append(piece.data(), got);
  if (std::ferror(stream) != 0) {
    return Error{ErrorCode::unavailable, "io-error", name + " cannot be read", "check what feeds it"};
  }
  return bytes;
}

/// Returns whether the path is a stream, which cannot be mapped: `<(git show HEAD:a.csv)` names a pipe.
bool is_stream(const std::string& path) {
  std::error_code unknown;
  const auto status = std::filesystem::status(path, unknown);
  return std::filesystem::is_fifo(status) || std::filesystem::is_character_file(status);
}

Result<std::string> read_stream(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (stream == nullptr) return io::system_error("open", path, errno);
  return read_to_the_end(stream.get(), path);
}

/// Fails for a compressed file with a message that is clearer than an error in its first line.
Result<void> refuse_compressed(const std::string& name, std::string_view bytes) {
  struct Format {
    std::string_view magic;
    std::string_view name;
    std::string_view expand;
  };
  constexpr auto kFormats =
      std::to_array<Format>({{"\x1F\x8B", "gzip", "gzip -dc"}, {"\x28\xB5\x2F\xFD", "zstd", "zstd -dc"}});
  for (const auto& format : kFormats) {
    if (!bytes.starts_with(format.magic)) continue;
    return Error{ErrorCode::invalid_input, "compressed",
                 fmt::format("{} is compressed with {}", name, format.name),
                 fmt::format("expand it first, for example with `{} FILE > FILE.csv`", format.expand)};
  }
  return success();
}

Result<void> refuse_compressed_file(const std::string& path) {
  DD_TRY(const auto mapped, io::MappedFile::open(path));
  return refuse_compressed(path, mapped.bytes().substr(0, 4));
}

Result<bool> is_workbook(const std::string& path) {
  constexpr std::size_t kFirstBytes = 8;
  DD_TRY(const auto mapped, io::MappedFile::open(path));
  return xlsx::may_be_workbook(std::as_bytes(std::span(mapped.bytes().substr(0, kFirstBytes))));
}

/// Converts the workbook to a temporary CSV file, which is deleted once it is open.
Result<csv::File> open_workbook(const std::string& path, const std::string& sheet, csv::ReadOptions options) {
  std::string pattern = std::filesystem::temp_directory_path() / "deltadrop-diff-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return io::system_error("make a folder like", pattern, errno);
  struct Folder {
    std::filesystem::path path;
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  const Folder folder{pattern};
  DD_TRY(auto csv, io::File::create(folder.path / "sheet.csv"));
  xlsx::Options wanted;
  wanted.sheet = sheet;
  wanted.scratch = folder.path;
  const auto write = [&csv](std::string_view text) { return csv.write(std::as_bytes(std::span(text))); };
  auto converted = xlsx::convert_to_csv(path, wanted, write, Stop());
  if (converted.has_error()) {
    Error error = converted.error();
    error.message = fmt::format("{}: {}", path, error.message);
    return error;
  }
  DD_TRY(csv.close());
  for (const auto& warning : converted.value().warnings) {
    fmt::print(stderr, "{}: warning: {}\n", terminal_safe(path), terminal_safe(warning.message));
  }
  options.delimiter = ',';
  options.encoding = csv::Encoding::utf8;
  return csv::File::open(folder.path / "sheet.csv", options, csv::Limits{}, folder.path);
}

/// Opens `input` in place, because its file may refer to its bytes.
Result<void> open_input(Input& input, const std::string& path, const std::string& sheet,
                        const csv::ReadOptions& options, const csv::Remembered& remembered = {}) {
  input.name = path;
  if (path == "-" || is_stream(path)) {
    const std::string name = path == "-" ? "standard input" : path;
    DD_TRY(input.bytes, path == "-" ? read_to_the_end(stdin, name) : read_stream(path));
    DD_TRY(refuse_compressed(name, input.bytes));
    DD_TRY(input.file, csv::File::over(input.bytes, options, csv::Limits{}, remembered));
    return success();
  }
  DD_TRY(refuse_compressed_file(path));
  DD_TRY(const bool workbook, is_workbook(path));
  if (workbook) {
    DD_TRY(input.file, open_workbook(path, sheet, options));
    return success();
  }
  DD_TRY(input.file,
         csv::File::open(path, options, csv::Limits{}, std::filesystem::temp_directory_path(), remembered));
  return success();
}

void print_findings(const std::string& name, const csv::Findings& findings) {
  for (const auto& finding : findings.first) {
    const std::string column = finding.column ? " " + terminal_safe(*finding.column) + ":" : "";
    fmt::print(stderr, "{}:{}:{} {}; {}\n", terminal_safe(name), finding.line.value, column,
               terminal_safe(finding.message), terminal_safe(with_option_names(finding.fix)));
  }
  const auto shown = static_cast<std::int64_t>(findings.first.size());
  if (findings.total > shown) {
    fmt::print(stderr, "{}: and {} more of {}\n", terminal_safe(name), findings.total - shown,
               findings.total);
  }
}

void print_warnings(const std::string& name, const csv::Findings& warnings) {
  for (const auto& warning : warnings.first) {
    fmt::print(stderr, "{}:{}: warning: {}; {}\n", terminal_safe(name), warning.line.value,
               terminal_safe(warning.message), terminal_safe(with_option_names(warning.fix)));
  }
}

/// Prints the parts of a file that were not read as rows, so that no data is skipped silently.
void print_skipped(const std::string& name, const csv::Skipped& skipped) {
  const std::string parts = skipped_text(skipped);
  if (!parts.empty()) fmt::print(stderr, "{}: skipped {}\n", terminal_safe(name), parts);
}

/// Prints the findings of a single file. Returns whether there are any.
Result<bool> has_findings(const Input& input) {
  DD_TRY(const auto alone, diff::diff(nullptr, *input.file));
  print_findings(input.name, alone.findings);
  return !alone.findings.empty();
}

Result<int> compare(const Arguments& arguments) {
  DD_TRY(const auto format, parse_format(arguments.format));
  DD_TRY(auto options, read_options(arguments));
  Input before;
  Input after;
  if (arguments.old_path == "-" && arguments.new_path == "-") {
    return Error{ErrorCode::invalid_input, "bad-arguments", "only one of the two files can be standard input",
                 "name a file for the other"};
  }
  DD_TRY(open_input(before, arguments.old_path, arguments.sheet, options));
  const csv::Header& old_header = before.file->header();
  if (options.key.empty() && !arguments.rekey && !old_header.key.empty())
    options.key.push_back(old_header.key_column());
  // If several delimiters fit the newer file, use that of the older one.
  csv::Remembered remembered;
  if (old_header.columns.size() > 1) remembered.delimiter = old_header.delimiter;
  DD_TRY(open_input(after, arguments.new_path, arguments.sheet, options, remembered));

  const auto outcome = diff::diff(&*before.file, *after.file, diff::Options{arguments.rekey});
  if (outcome.has_error() && outcome.error().code == ErrorCode::corrupt) {
    DD_TRY(const bool bad_before, has_findings(before));
    DD_TRY(const bool bad_after, has_findings(after));
    if (bad_before || bad_after) return kTrouble;
  }
  if (outcome.has_error()) return outcome.error();
  if (!outcome.value().findings.empty()) {
    print_findings(after.name, outcome.value().findings);
    return kTrouble;
  }
  print_warnings(after.name, outcome.value().warnings);
  print_skipped(after.name, outcome.value().skipped);
  const diff::ChangeSet& changes = outcome.value().changes;
  const auto* const equal_numbers = options.compare ? &outcome.value().equal_numbers : nullptr;
  if (arguments.summary) {
    DD_TRY(write_summary(changes, equal_numbers, format));
  } else {
    DD_TRY(write_changes(*before.file, *after.file, changes, equal_numbers, format));
  }
  return changes.counts.changes() == 0 && changes.schema_changes.empty() ? kSame : kDifferent;
}

int run(const Arguments& arguments) {
  const auto code = compare(arguments);
  if (code.has_value()) return code.value();
  auto error = code.error();
  if (need_not_be_reported(error)) return kTrouble;
  error.fix = with_option_names(error.fix);
  fmt::print(stderr, "deltadrop diff: {}\n", terminal_safe(error.text()));
  return kTrouble;
}

void add_layout_options(CLI::App& command, Arguments& arguments) {
  command.add_option("--skip-lines", arguments.skip_lines,
                     "Lines above the header: a number, or auto to find the header (0)");
  command.add_option("--skip-footer", arguments.skip_footer, "Lines at the end that are not rows (0)");
  command.add_option(
      "--footer", arguments.footer,
      "The table ends before the first row whose first field begins with one of these texts, as "
      "a CSV record");
  command.add_option("--header", arguments.header,
                     "none: the file has no header, and --columns names the columns (first)");
  command.add_option("--columns", arguments.columns,
                     "Names of the columns of a file without a header, as a CSV record");
  command.add_option("--unnamed", arguments.unnamed,
                     "Columns without a name: number names them column_1 and so on, drop leaves them out "
                     "(refuse)");
  command.add_option("--short-rows", arguments.short_rows,
                     "Rows with too few fields: pad takes the missing ones for empty (refuse)");
}

}  // namespace

void add_diff_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "diff", "Show which rows of a CSV file or workbook were inserted, updated and deleted");
  command->add_option("OLD", arguments->old_path, "Older version of the file, or - for standard input")
      ->required();
  command->add_option("NEW", arguments->new_path, "Newer version of the file, or - for standard input")
      ->required();
  command->add_option(
      "--key", arguments->key,
      "Column or columns that identify a row, as a CSV record (the older file's first column)");
  command->add_option("--ignore", arguments->ignore, "Columns that do not count, as a CSV record");
  command->add_option("--delimiter", arguments->delimiter,
                      ", ; | ~ tab or another character (found in each file's header and first rows)");
  command->add_option(
      "--encoding", arguments->encoding,
      "utf-8, utf-16, utf-16le, utf-16be, latin-1, windows-1252 (by byte order mark, else utf-8)");
  command->add_option("--sheet", arguments->sheet,
                      "Of XLSX workbooks: the sheet's name or number (the first visible one)");
  command->add_option(
      "--empty", arguments->empty,
      "Empty fields are null, or text; with quoted, \"\" is text and an unquoted one null (null)");
  add_layout_options(*command, *arguments);
  command->add_option("--types", arguments->types,
                      "How values are written: COLUMN:TYPE,..., such as \"amount:decimal(2, ',')\" or "
                      "\"booked:date(DD.MM.YYYY)\"");
  command->add_option("--compare", arguments->compare,
                      "text, numeric or numeric:COLUMN,...: whether 1.10 and 1.1 are equal (text)");
  command->add_option("--tolerance", arguments->tolerance,
                      "With --compare numeric: numbers that differ by no more are equal, such as 0.005");
  command->add_flag("--key-trim", arguments->key_trim, "Keys are compared without the blanks around them");
  command->add_option("--key-case", arguments->key_case,
                      "exact, or ignore: keys are compared in upper case (exact)");
  command->add_option("--key-unicode", arguments->key_unicode,
                      "exact, or nfc: keys are compared in Unicode's normal form C (exact)");
  command->add_option("--format", arguments->format,
                      "text, json (one object a line) or csv (one record a value) (text)");
  command->add_flag("--summary", arguments->summary, "Only how many rows were inserted, updated and deleted");
  command->add_flag(
      "--rekey", arguments->rekey,
      "Each file's first column is its key; where the two differ, delete all rows and insert all rows");
  command->footer(
      "Exits with 0 when the files hold the same rows, 1 when they differ, 2 when one cannot be read.\n"
      "Quoting, line ends, delimiter, encoding, and the order of columns and rows make no difference.\n\n"
      "Examples:\n"
      "  deltadrop diff 2024-q4.csv 2025-q1.csv\n"
      "  deltadrop diff old.csv new.csv --key company,period --ignore exported_at\n"
      "  deltadrop diff 2024-q4.xlsx 2025-q1.xlsx --sheet Figures\n"
      "  deltadrop diff old.csv new.csv --skip-lines auto --footer \"Total,END OF FILE\"\n"
      "  deltadrop diff old.csv new.csv --header none --columns isin,name,price\n"
      "  deltadrop diff old.csv new.csv --unnamed drop --short-rows pad --empty quoted\n"
      "  deltadrop diff old.csv new.csv --compare numeric --tolerance 0.005\n"
      "  deltadrop diff old.csv new.csv --types \"amount:decimal(2, ',')\" --compare numeric:amount\n"
      "  deltadrop diff old.csv new.csv --key isin --key-trim --key-case ignore\n"
      "  deltadrop diff old.csv new.csv --format json | jq -r .key_value\n"
      "  deltadrop diff old.csv new.csv --summary --format json\n"
      "  git show HEAD:data.csv | deltadrop diff - data.csv");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace deltadrop::cli
