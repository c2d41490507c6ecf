#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/checks.hpp"
#include "cli/commands.hpp"
#include "cli/diff_output.hpp"
#include "cli/listing.hpp"
#include "cli/server_requests.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/target.hpp"
#include "io/file.hpp"

namespace deltadrop::cli {
namespace {

constexpr int kHeld = 1;
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::string_view kBoundary = "----deltadrop-upload-5f1c2a9be07d4c33";
/// The comparison of a terabyte takes hours.
constexpr std::int64_t kPatience_s = 24 * 3600;

struct Wanted {
  std::string path;
  Query options;
  bool json = false;
};

/// Returns the form's text before the file. Percent-encodes characters that would end a name, as browsers do.
std::string form_head(const std::string& path) {
  std::string name;
  const bool is_workbook = ascii_lower(std::filesystem::path(path).extension().string()) == ".xlsx";
  for (const char c : std::filesystem::path(path).filename().string()) {
    const bool special = c == '"' || c == '\r' || c == '\n';
    name += special ? http::percent_encode(std::string_view(&c, 1)) : std::string(1, c);
  }
  return fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: "
      "{}\r\n\r\n",
      kBoundary, name,
      is_workbook ? "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" : "text/csv");
}

/// A form with one file, which is read while it is sent.
Result<ClientRequest> upload_request(const Wanted& wanted) {
  DD_TRY(auto opened, io::File::open_to_read(wanted.path));
  DD_TRY(const auto size, opened.size());
  const auto file = std::make_shared<io::File>(std::move(opened));
  const auto head = std::make_shared<std::string>(form_head(wanted.path));
  const auto tail = std::make_shared<std::string>(fmt::format("\r\n--{}--\r\n", kBoundary));
  ClientRequest request;
  request.method = "POST";
  request.target = "/upload";
  char joint = '?';
  for (const auto& [name, value] : wanted.options) {  // an empty value means "none"
    request.target += fmt::format("{}{}={}", std::exchange(joint, '&'), name, http::percent_encode(value));
  }
  request.headers = {{"Content-Type", fmt::format("multipart/form-data; boundary={}", kBoundary)}};
  request.body_bytes = head->size() + size + tail->size();
  request.patience_s = kPatience_s;
  request.next_body = [file, head, tail]() -> Result<std::string> {
    if (!head->empty()) return std::exchange(*head, "");
    std::string piece(kPieceBytes, '\0');
    DD_TRY(const auto count, file->read(std::as_writable_bytes(std::span(piece))));
    piece.resize(count);
    return piece.empty() ? std::exchange(*tail, "") : piece;
  };
  return request;
}

csv::Skipped skipped_of(simdjson::dom::element answer) {
  const auto count = [&](std::string_view name) {
    std::int64_t lines = 0;
    return answer["skipped"][name].get(lines) == simdjson::SUCCESS ? lines : 0;
  };
  return {count("blank"), count("header"), count("lines"), count("footer")};
}

void print_answer(simdjson::dom::element answer) {
  const auto field = [&](std::string_view name) { return terminal_safe(text_of(answer, name)); };
  const auto version = field("version");
  std::int64_t rows = 0;
  if (answer["rows"].get(rows) != simdjson::SUCCESS) rows = 0;
  fmt::print("{}\n  {}/{}{}: {}; {} inserted, {} updated, {} deleted\n  upload {}\n", field("message"),
             field("company_id"), field("table_name"), version.empty() ? "" : " version " + version,
             counted(rows, "row"), field("inserted"), field("updated"), field("deleted"), field("upload_id"));
  if (const auto skipped = skipped_text(skipped_of(answer)); !skipped.empty()) {
    fmt::print("  skipped {}\n", skipped);
  }
  for (const auto* list : {"reasons", "warnings"}) {
    simdjson::dom::array texts;
    if (answer[list].get(texts) != simdjson::SUCCESS) continue;
    for (const auto text : texts) fmt::print("  {}\n", terminal_safe(std::string_view(text)));
  }
}

Result<int> run(const ServerEndpoint& server, const Wanted& wanted) {
  DD_TRY(const auto request, upload_request(wanted));
  DD_TRY(const auto response, send_request(server, request));
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  const bool taken = response.status == 200 || response.status == 202;
  if (!taken || parser.parse(response.body).get(answer) != simdjson::SUCCESS)
    return refused(server, response);
  wanted.json ? fmt::print("{}\n", simdjson::minify(answer)) : print_answer(answer);
  if (text_of(answer, "status") != "held") return 0;
  if (!wanted.json) {
    fmt::print(
        "  see it:     GET  /api/v1/uploads/{0}/changes\n  publish it: POST /api/v1/uploads/{0}/release\n",
        text_of(answer, "upload_id"));
  }
  return kHeld;
}

}  // namespace

void add_upload_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("upload", "send a new version of a table to the running server");
  const auto flags = add_server_options(*command);
  const auto wanted = std::make_shared<Wanted>();
  command->add_option("FILE", wanted->path, "CSV, also packed with gzip or zstd, or an XLSX workbook")
      ->required()
      ->check(regular_file);
  const auto option = [&](const char* flag, const char* name, const char* help) {
    return command->add_option_function<std::string>(
        flag, [wanted, name](const std::string& value) { wanted->options.emplace_back(name, value); }, help);
  };
  const auto yes = [&](const char* flag, const char* name, const char* help) {
    command->add_flag_callback(flag, [wanted, name] { wanted->options.emplace_back(name, "true"); }, help);
  };
  option("--company", "company_id", "the company (the file's name without its ending)")->check(refuse_empty);
  option("--table", "table_name", "the table (financials)")->check(refuse_empty);
  option("--key", "key", "the key's columns, as one CSV record (the first column; remembered)");
  option("--ignore", "ignore", "columns that are not tracked, as one CSV record (remembered)");
  option("--delimiter", "delimiter", ", ; | ~ tab (found from the file)");
  option("--encoding", "encoding", "utf-8, utf-16, latin-1, windows-1252 (found from the file)");
  option("--empty", "empty",
         "empty fields are null, or text; with quoted, \"\" is text and an unquoted one null (null; "
         "remembered)");
  option("--skip-lines", "skip_lines",
         "lines above the header: a number, or auto to find the header (0; remembered)");
  option("--skip-footer", "skip_footer", "lines at the end that are not rows (0; remembered)");
  option("--footer", "footer",
         "the table ends before the first row whose first field begins with one of these texts, as one CSV "
         "record (remembered)");
  option("--header", "header", "none: the file has no header, see --columns (first; remembered)");
  option("--columns", "columns",
         "names of the columns of a file without a header, as one CSV record (remembered)");
  option("--unnamed", "unnamed",
         "columns without a name: number names them column_1 and so on, drop leaves them out (refuse; "
         "remembered)");
  option("--short-rows", "short_rows",
         "rows with too few fields: pad fills them with empty fields (refuse; remembered)");
  command->add_flag_function(
      "--key-trim",
      [wanted](std::int64_t times) {
        wanted->options.emplace_back("key_trim", times > 0 ? "true" : "false");
      },
      "keys are compared without the blanks around them; --key-trim=false: no longer (remembered)");
  option("--key-case", "key_case", "exact, or ignore: keys are compared in upper case (exact; remembered)");
  option("--key-unicode", "key_unicode",
         "exact, or nfc: keys are compared in Unicode's normal form C (exact; remembered)");
  option("--sheet", "sheet", "of a workbook: its name or number (the first visible one; remembered)");
  option("--effective-at", "effective_at",
         "from when the values hold; a date means its start (when it is accepted)");
  option("--types", "types", "column:type,... for the lake (remembered)");
  yes("--dry-run", "dry_run", "hold it, and show what it would change");
  yes("--force", "force", "skip the guard against mass changes");
  yes("--rekey", "rekey", "allow the key to change");
  command
      ->add_option_function<std::string>(
          "--format", [wanted](const std::string& name) { wanted->json = name == "json"; },
          "text or json (text)")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT");
  command->footer(
      "Exits with 0 when it is accepted or the same as the last version, 1 when it is held, 2 when it is "
      "refused.\n"
      "One with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop upload so-financials.csv\n"
      "  deltadrop upload export.csv.gz --company so-financials --effective-at 2025-03-31\n"
      "  deltadrop upload so-financials.xlsx --sheet Figures\n"
      "  deltadrop upload so-financials.csv --dry-run --format json | jq .samples");
  command->callback([flags, wanted, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return run(server, *wanted); });
  });
}

}  // namespace deltadrop::cli
