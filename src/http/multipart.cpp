#include "http/multipart.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/head.hpp"
#include "http/target.hpp"

namespace deltadrop::http {
namespace {

constexpr std::size_t kHeaderBytesMax = std::size_t{16} << 10;
constexpr std::size_t kFieldBytesMax = std::size_t{64} << 10;
constexpr std::size_t kBoundaryMax = 70;
constexpr std::size_t kPaddingMax = 256;
constexpr std::string_view kFilePart = "file";
constexpr std::string_view kWorkingCommand = "curl -F file=@so-financials.csv http://127.0.0.1:8000/upload";
constexpr std::string_view kBlank = " \t";

Error refused(std::string_view type, std::string message) {
  return Error{ErrorCode::invalid_input, std::string(type), std::move(message),
               fmt::format("send the body as curl does: {}", kWorkingCommand)};
}

Error malformed(std::string message) { return refused("bad-multipart", std::move(message)); }

/// Removes a quoted string, including its closing quote, and returns its text. `text` starts after the
/// opening quote. `\"` and `\\` are escapes; any other backslash is literal, since old browsers send whole
/// Windows paths. Browsers encode a quote as %22.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string out;
  while (!text.empty() && text.front() != '"') {
    if (text.size() > 1 && text[0] == '\\' && (text[1] == '"' || text[1] == '\\')) text.remove_prefix(1);
    if (text.starts_with("%22")) {
      out += '"';
      text.remove_prefix(3);
      continue;
    }
    out += text.front();
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return out;
}

using Parameters = std::map<std::string, std::string>;

/// Parses `; name=value; name="value"`. Returns names in lower case.
std::optional<Parameters> parse_parameters(std::string_view text) {
  Parameters parameters;
  for (text = trim_blanks(text); !text.empty(); text = trim_blanks(text)) {
    if (text.front() != ';') return std::nullopt;
    text = trim_blanks(text.substr(1));
    if (text.empty()) break;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = ascii_lower(trim_blanks(text.substr(0, equals)));
    text = trim_blanks(text.substr(equals + 1));
    std::optional<std::string> value;
    if (text.starts_with('"')) {
      text.remove_prefix(1);
      value = take_quoted(text);
    } else {
      const auto end = std::min(text.find(';'), text.size());
      value = std::string(trim_blanks(text.substr(0, end)));
      text.remove_prefix(end);
    }
    if (!value || !parameters.emplace(name, *value).second) return std::nullopt;
  }
  return parameters;
}

/// Decodes an extended value (RFC 5987) such as UTF-8'en'na%C3%AFve.csv.
Result<std::string> decode_extended(const std::string& value) {
  const auto first = value.find('\'');
  const auto second = first == std::string::npos ? first : value.find('\'', first + 1);
  if (second == std::string::npos || ascii_lower(value.substr(0, first)) != "utf-8") {
    return malformed(fmt::format("filename* {} is not UTF-8''name", quoted_for_message(value)));
  }
  return percent_decode(value.substr(second + 1), false, "filename*");
}

struct PartHead {
  std::string name;
  std::string file_name;
};

Result<PartHead> parse_disposition(std::string_view value) {
  const auto type = ascii_lower(trim_blanks(value.substr(0, value.find(';'))));
  const auto parameters = parse_parameters(value.substr(std::min(value.find(';'), value.size())));
  if (type != "form-data" || !parameters || !parameters->contains("name")) {
    return malformed(
        fmt::format("Content-Disposition {} is not form-data with a name", quoted_for_message(value)));
  }
  PartHead head{parameters->at("name"), ""};
  if (const auto plain = parameters->find("filename"); plain != parameters->end())
    head.file_name = plain->second;
  if (const auto extended = parameters->find("filename*"); extended != parameters->end()) {
    DD_TRY(head.file_name, decode_extended(extended->second));
  }
  return head;
}

Result<void> check_transfer_encoding(std::string_view value) {
  const auto encoding = ascii_lower(value);
  if (encoding == "binary" || encoding == "8bit" || encoding == "7bit") return success();
  return malformed(fmt::format("Content-Transfer-Encoding {} is not supported", quoted_for_message(value)));
}

Result<PartHead> parse_part_headers(std::string_view text) {
  std::optional<PartHead> head;
  while (!text.empty()) {
    const auto end = std::min(text.find("\r\n"), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      return malformed(fmt::format("{} is not a header of a part", quoted_for_message(line)));
    }
    const auto name = ascii_lower(line.substr(0, colon));
    const auto value = trim_blanks(line.substr(colon + 1));
    if (name == "content-transfer-encoding") {
      DD_TRY(check_transfer_encoding(value));
    } else if (name == "content-disposition") {
      if (head) return malformed("a part has two Content-Disposition headers");
      DD_TRY(head, parse_disposition(value));
    }
  }
  if (!head) return malformed("a part has no Content-Disposition header");
  return *head;
}

bool usable_boundary(std::string_view boundary) {
  return !boundary.empty() && boundary.size() <= kBoundaryMax && boundary.back() != ' ' &&
         boundary.find_first_of("\r\n") == std::string_view::npos;
}

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type) {
  const auto semicolon = std::min(content_type.find(';'), content_type.size());
  const auto type = ascii_lower(trim_blanks(content_type.substr(0, semicolon)));
  if (type != "multipart/form-data") {
    return refused("not-multipart", type.empty() ? std::string("the request has no Content-Type")
                                                 : fmt::format("the body is {}, not multipart/form-data",
                                                               quoted_for_message(type)));
  }
  const auto parameters = parse_parameters(content_type.substr(semicolon));
  if (!parameters)
    return malformed(fmt::format("cannot parse Content-Type {}", quoted_for_message(content_type)));
  const auto boundary = parameters->find("boundary");
  if (boundary == parameters->end()) return malformed("Content-Type has no boundary");
  if (!usable_boundary(boundary->second)) {
    return malformed(fmt::format("the boundary {} is not 1 to {} valid characters",
                                 quoted_for_message(boundary->second), kBoundaryMax));
  }
  return boundary->second;
}

// The buffer starts with a line end, so that the first boundary is found like all others.
MultipartParser::MultipartParser(std::string_view boundary, MultipartVisitor& visitor, std::size_t parts_max)
    : visitor_(visitor),
      delimiter_(fmt::format("\r\n--{}", boundary)),
      buffer_("\r\n"),
      parts_max_(parts_max) {}

Result<void> MultipartParser::feed(std::span<const std::byte> bytes) {
  buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (bool more = true; more;) {
    DD_TRY(more, step());
  }
  buffer_.erase(0, start_);
  start_ = 0;
  return success();
}

Result<void> MultipartParser::finish() {
  if (state_ == State::preamble) return malformed("the body does not contain its boundary");
  if (state_ != State::epilogue)
    return refused("truncated-body", "the body ends before its closing boundary");
  if (!has_file_) return malformed("the body has no part named \"file\"");
  return success();
}

Result<bool> MultipartParser::step() {
  switch (state_) {
    case State::preamble:
      return find_first_delimiter();
    case State::after_delimiter:
      return read_after_delimiter();
    case State::headers:
      return read_headers();
    case State::field:
    case State::file:
      return read_content();
    case State::epilogue:
      consume(pending().size());
      return false;
  }
  return false;
}

Result<bool> MultipartParser::find_first_delimiter() {
  const auto found = pending().find(delimiter_);
  if (found == std::string_view::npos) {
    const auto keep = delimiter_.size() - 1;
    if (pending().size() > keep) consume(pending().size() - keep);
    return false;
  }
  consume(found + delimiter_.size());
  state_ = State::after_delimiter;
  return true;
}

Result<bool> MultipartParser::read_after_delimiter() {
  if (pending().starts_with("--")) {
    state_ = State::epilogue;
    return true;
  }
  const auto padding = std::min(pending().find_first_not_of(kBlank), pending().size());
  if (padding > kPaddingMax) return malformed("a boundary is followed by too many blanks");
  const auto rest = pending().substr(padding);
  const bool may_become_line_end = rest.empty() || rest == "\r" || (padding == 0 && rest == "-");
  if (may_become_line_end) return false;
  if (!rest.starts_with("\r\n")) return malformed("a boundary is not followed by a line end");
  // Keep the line end. Together with it, the headers end with an empty line even if the part has no headers.
  consume(padding);
  state_ = State::headers;
  return true;
}

Result<bool> MultipartParser::read_headers() {
  const auto end = pending().find("\r\n\r\n");
  if (end == std::string_view::npos ? pending().size() > kHeaderBytesMax : end > kHeaderBytesMax) {
    return refused("too-large", fmt::format("the headers of a part are over {} bytes", kHeaderBytesMax));
  }
  if (end == std::string_view::npos) return false;
  const auto headers = pending().substr(0, end);
  DD_TRY(begin_part(headers.empty() ? headers : headers.substr(2)));
  consume(end + 4);
  return true;
}

Result<void> MultipartParser::begin_part(std::string_view headers) {
  if (++parts_ > parts_max_)
    return refused("too-large", fmt::format("the body has over {} parts", parts_max_));
  DD_TRY(auto head, parse_part_headers(headers));
  if (head.name != kFilePart) {
    state_ = State::field;
    field_name_ = std::move(head.name);
    field_value_.clear();
    return success();
  }
  if (has_file_) return malformed("the body has a second part named \"file\"");
  has_file_ = true;
  state_ = State::file;
  return visitor_.file_begins(head.file_name);
}

Result<bool> MultipartParser::read_content() {
  const auto found = pending().find(delimiter_);
  if (found != std::string_view::npos) {
    DD_TRY(take_content(pending().substr(0, found)));
    consume(found + delimiter_.size());
    DD_TRY(end_part());
    state_ = State::after_delimiter;
    return true;
  }
  const auto keep = delimiter_.size() - 1;
  if (pending().size() > keep) {
    const auto ready = pending().size() - keep;
    DD_TRY(take_content(pending().substr(0, ready)));
    consume(ready);
  }
  return false;
}

Result<void> MultipartParser::take_content(std::string_view bytes) {
  if (bytes.empty()) return success();
  if (state_ == State::file) return visitor_.file_bytes(std::as_bytes(std::span(bytes)));
  if (field_value_.size() + bytes.size() > kFieldBytesMax) {
    return refused("too-large",
                   fmt::format("field {} is over {} bytes", quoted_for_message(field_name_), kFieldBytesMax));
  }
  field_value_ += bytes;
  return success();
}

Result<void> MultipartParser::end_part() {
  return state_ == State::field ? visitor_.field(field_name_, field_value_) : Result<void>(success());
}

}  // namespace deltadrop::http
