#include "http/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "http/access_log.hpp"

namespace deltadrop::http {
namespace {

struct CodeRow {
  ErrorCode code;
  unsigned status;
  std::string_view title;
};

constexpr auto kCodes = std::to_array<CodeRow>({
    {ErrorCode::invalid_input, 422, "The request cannot be processed"},
    {ErrorCode::not_found, 404, "Not found"},
    {ErrorCode::conflict, 409, "The state does not allow it"},
    {ErrorCode::unavailable, 503, "A required resource is unavailable"},
    {ErrorCode::timed_out, 504, "Not finished in time"},
    {ErrorCode::in_doubt, 503, "The outcome is unknown"},
    {ErrorCode::corrupt, 500, "Stored data is damaged"},
    {ErrorCode::shutting_down, 503, "The server is stopping"},
    {ErrorCode::internal, 500, "Internal error"},
});

struct TypeRow {
  std::string_view type;
  unsigned status;
  std::string_view title;
};

constexpr auto kTypes = std::to_array<TypeRow>({
    {"bad-request", 400, "Malformed request"},
    {"bad-multipart", 400, "Malformed multipart/form-data body"},
    {"bad-idempotency-key", 400, "Invalid idempotency key"},
    {"truncated-body", 400, "The body ended too early"},
    {"no-such-path", 404, "There is nothing at this path"},
    {"no-such-dead-letter", 404, "There is no such dead letter"},
    {"method-not-allowed", 405, "This path does not have this method"},
    {"not-acceptable", 406, "No acceptable representation"},
    {"body-too-slow", 408, "The body arrives too slowly"},
    {"table-moved-on", 409, "The table has a newer version"},
    {"table-owned-by-another-archive", 409, "The table belongs to another archive"},
    {"other-version-then", 409, "Another version was in effect at that time"},
    {"not-held", 409, "The upload is not held"},
    {"not-applied-yet", 409, "The version is accepted but not applied"},
    {"still-refused", 409, "The dead letter was rejected again"},
    // The server's own files. A resource that a client names has other types.
    {"no-such-file", 503, "A required resource is unavailable"},
    {"upload-discarded", 404, "The upload was discarded"},
    {"precondition-failed", 412, "A precondition of the request failed"},
    {"too-large", 413, "Too large"},
    {"not-raw", 415, "The body is not the file itself"},
    {"not-multipart", 415, "Not multipart/form-data"},
    {"unknown-encoding", 415, "The body's Content-Encoding is not supported"},
    {"encoded-form", 415, "A form itself must not be compressed"},
    {"key-needed", 401, "An API key is required"},
    {"not-allowed", 403, "This key does not allow the request"},
    {"cross-site", 403, "Cross-site request"},
    {"wrong-host", 421, "This server does not serve that host"},
    {"wrong-scheme", 421, "This connection does not use that scheme"},
    {"too-busy", 503, "Too many requests of this kind"},
    {"too-many-uploads", 503, "Too many uploads at once"},
    {"no-such-range", 416, "The file has no such range"},
    {"bad-expectation", 417, "Only the expectation 100-continue is supported"},
    {"idempotency-key-reused", 422, "The idempotency key was used for another request"},
    {"bad-parameter", 422, "A parameter has an invalid value"},
    {"no-such-column", 422, "The table has no such column"},
    {"bad-cursor", 404, "The list has no such page"},
    {"still-no-event", 422, "The dead letter is not an event"},
    {"header-too-large", 431, "The request's header is too large"},
    {"too-many-connections", 503, "Too many connections"},
    {"disk-full", 507, "The disk is full"},
    {"file-size-limit", 507, "A file has reached its size limit"},
    {"out-of-memory", 503, "Out of memory"},
    {"no-thread", 503, "Out of threads"},
    {"too-many-files", 503, "Too many files are open"},
    {"clock-implausible", 503, "The server's clock is implausible"},
    {"bad-file", 422, "The file was rejected"},
    {"not-xlsx", 422, "The file is neither CSV nor an XLSX workbook"},
    {"workbook-encrypted", 422, "The workbook needs a password"},
    {"workbook-damaged", 422, "The workbook is damaged"},
    {"workbook-too-large", 413, "The workbook exceeds a limit"},
    {"no-such-sheet", 422, "The workbook has no such sheet"},
    {"not-a-workbook", 404, "The version was not sent as a workbook"},
    {"client-gone", 499, "The client closed the connection"},
    {"compare-timed-out", 504, "The file was not compared in time"},
});

const CodeRow& row_of(ErrorCode code) {
  const auto found =
      std::find_if(kCodes.begin(), kCodes.end(), [&](const CodeRow& row) { return row.code == code; });
  return found == kCodes.end() ? kCodes.back() : *found;
}

const TypeRow* row_of(std::string_view type) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeRow& row) { return row.type == type; });
  return found == kTypes.end() ? nullptr : &*found;
}

JsonObject problem_body(const Error& error) {
  const auto* by_type = row_of(error.type);
  JsonObject body;
  body.text("type", error.type.empty() ? std::string("about:blank") : "/problems/" + error.type);
  body.text("title", by_type != nullptr ? by_type->title : row_of(error.code).title);
  body.number("status", status_of(error));
  body.text("detail", error.message);
  if (!error.fix.empty()) body.text("fix", error.fix);
  return body;
}

Response problem_response(unsigned status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = kProblemType;
  response.body = std::move(body);
  if (status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace

unsigned status_of(const Error& error) {
  const auto* by_type = row_of(error.type);
  return by_type != nullptr ? by_type->status : row_of(error.code).status;
}

Response problem(const Error& error) {
  auto response = problem_response(status_of(error), problem_body(error).take());
  // Name the accepted encodings (RFC 9110 section 15.5.16).
  if (error.type == "unknown-encoding") response.headers.emplace_back("Accept-Encoding", "gzip, zstd");
  if (error.type == "encoded-form") response.headers.emplace_back("Accept-Encoding", "identity");
  return response;
}

Response problem_with(const Error& error, std::initializer_list<ProblemMember> members) {
  auto body = problem_body(error);
  for (const auto& member : members) body.raw(member.name, member.json);
  return problem_response(status_of(error), body.take());
}

void set_problem_instance(Response& response, std::string_view request_id) {
  if (response.content_type != kProblemType || response.body.size() < 2) return;
  const auto instance = JsonObject().text("instance", request_id).take();
  response.body.back() = ',';
  response.body.append(instance, 1);
  if (response.status >= 500) log_failure(request_id, response.body);
}

Error bad_request(std::string message, std::string fix) {
  return Error{ErrorCode::invalid_input, "bad-request", std::move(message), std::move(fix)};
}

Error bad_parameter(std::string_view name, std::string_view value, std::string_view accepted) {
  return Error{ErrorCode::invalid_input, "bad-parameter",
               fmt::format("{} cannot be {}", name, quoted_for_message(value)),
               fmt::format("set {} to {}", name, accepted)};
}

Response answer_of(Result<Response> result) {
  return result.has_value() ? std::move(result).value() : problem(result.error());
}

}  // namespace deltadrop::http
