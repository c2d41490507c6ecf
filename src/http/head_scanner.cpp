#include "http/head_scanner.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "core/ascii.hpp"
#include "http/problem.hpp"

namespace deltadrop::http {
namespace {

constexpr std::string_view kNameMarks = "!#$%&'*+-.^_`|~";

/// RFC 9110 section 5.6.2, tchar.
bool name_character(char c) { return is_alphanumeric(c) || kNameMarks.find(c) != std::string_view::npos; }

Error bad_head(std::string what) {
  return bad_request(std::move(what),
                     "end each line with CRLF, and send each field as `name: value` on one line");
}

Error too_large(std::string what) {
  return {ErrorCode::invalid_input, "header-too-large", std::move(what),
          "send a shorter path and fewer header fields"};
}

}  // namespace

Result<std::optional<std::size_t>> HeadScanner::feed(std::string_view received) {
  while (at_ < received.size()) {
    DD_TRY(take(received[at_]));
    ++at_;
    if (at_ - skipped_ > limits_.bytes_max) {
      return too_large(fmt::format("the request's header is over {} bytes", limits_.bytes_max));
    }
    if (done_) return std::optional(at_ - skipped_);
  }
  return std::optional<std::size_t>();
}

Result<void> HeadScanner::take(char byte) {
  if (after_cr_) {
    after_cr_ = false;
    if (byte != '\n') return bad_head("the request's head has a CR without an LF after it");
    return take_line_end();
  }
  if (byte == '\r') {
    after_cr_ = true;
    return success();
  }
  if (byte == '\n') return bad_head("the request's head has an LF without a CR before it");
  if (is_control(byte) && (byte != '\t' || part_ == Part::before || part_ == Part::request_line)) {
    return bad_head(fmt::format("the request's head has the control character 0x{:02x}",
                                static_cast<unsigned>(static_cast<unsigned char>(byte))));
  }
  switch (part_) {
    case Part::before:
      if (byte == ' ') return bad_head("the request starts with a space");
      part_ = Part::request_line;
      return success();
    case Part::line_start:
      return take_line_start(byte);
    case Part::name:
      if (byte == ':') {
        part_ = Part::value;
        return success();
      }
      if (byte == ' ' || byte == '\t') return bad_head("a header field has a blank before its colon");
      if (!name_character(byte)) return bad_head("a header field's name has an invalid character");
      return success();
    case Part::request_line:
    case Part::value:
      return success();
  }
  return success();
}

Result<void> HeadScanner::take_line_start(char byte) {
  if (byte == ' ' || byte == '\t') return bad_head("a header field is folded over two lines");
  if (byte == ':') return bad_head("a header field has no name");
  if (!name_character(byte)) return bad_head("a header field's name has an invalid character");
  if (++fields_ > limits_.fields_max) {
    return too_large(fmt::format("the request has over {} header fields", limits_.fields_max));
  }
  part_ = Part::name;
  return success();
}

Result<void> HeadScanner::take_line_end() {
  switch (part_) {
    case Part::before:
      if (skipped_ > 0) return bad_head("the request starts with more than one empty line");
      skipped_ = at_ + 1;
      return success();
    case Part::line_start:
      done_ = true;
      return success();
    case Part::name:
      return bad_head("a header field has no colon");
    case Part::request_line:
    case Part::value:
      part_ = Part::line_start;
      return success();
  }
  return success();
}

}  // namespace deltadrop::http
