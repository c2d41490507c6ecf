#include "http/connection_body.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/ascii.hpp"
#include "http/connection_names.hpp"
#include "http/problem.hpp"

namespace deltadrop::http {
namespace {

namespace protocol = boost::beast::http;

constexpr std::size_t kChunkBytes = std::size_t{128} << 10;  ///< the most that a sink receives per call

bool is_protocol_error(const error_code& error) {
  static const auto& category = protocol::make_error_code(protocol::error::bad_method).category();
  return error.category() == category;
}

/// Converts the end of an asynchronous read to the parser's errors.
error_code as_parser_error(const error_code& error, RequestParser& parser) {
  if (error != asio::error::eof) return error;
  error_code ended;
  parser.put_eof(ended);
  if (!ended) ended = protocol::make_error_code(protocol::error::partial_message);
  return ended;
}

}  // namespace

ConnectionBody::ConnectionBody(ConnectionStream& stream, boost::beast::flat_buffer& buffer,
                               RequestParser& parser, const ServerOptions& options)
    : stream_(stream),
      buffer_(buffer),
      parser_(parser),
      options_(options),
      credit_(options.body_rate_window) {
  if (parser_.is_done()) return;
  buffer_.reserve(kBodyReadBytes);
  chunk_.resize(kChunkBytes);
  on_chunk_header_ = [](std::uint64_t, boost::beast::string_view extensions, error_code& error) {
    // RFC 9110 section 5.6.4: what a quoted string must not contain.
    const bool control =
        std::any_of(extensions.begin(), extensions.end(), [](char c) { return is_control(c) && c != '\t'; });
    if (control) error = protocol::make_error_code(protocol::error::bad_chunk_extension);
  };
  parser_.on_chunk_header(on_chunk_header_);
}

/// Enforces the minimum rate with a credit of time: reading spends it, bytes earn it, and it is at most the
/// window.
void ConnectionBody::account(Clock::duration spent, std::size_t bytes) {
  const auto rate = std::max<std::uint64_t>(1, options_.body_rate_min);
  const auto earned = std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(rate));
  const std::chrono::duration<double> window = options_.body_rate_window;
  const std::chrono::duration<double> left = credit_ - spent + earned;
  credit_ = std::chrono::duration_cast<Clock::duration>(std::min(window, left));
}

asio::awaitable<error_code> ConnectionBody::read_chunk() {
  auto& body = parser_.get().body();
  filled_ = 0;
  body.data = chunk_.data();
  body.size = chunk_.size();
  body.more = true;
  while (!parser_.is_done() && body.size > 0) {
    error_code parsed;
    const auto used = parse(&parsed);
    if (parsed) co_return parsed;
    if (used > 0) continue;
    if (buffer_.size() > options_.header_bytes_max) {
      co_return protocol::make_error_code(protocol::error::header_limit);
    }
    const auto before = Clock::now();
    const auto buffered = buffer_.size();
    const auto error = co_await stream_.read_into_until(buffer_, kBodyReadBytes, before + credit_);
    account(Clock::now() - before, buffer_.size() - buffered);
    if (error) co_return as_parser_error(error, parser_);
  }
  filled_ = chunk_.size() - body.size;
  co_return error_code{};
}

/// Parses as much of buffer_ as possible. Returns the bytes used; 0 means that more must be read first.
std::size_t ConnectionBody::parse(error_code* error) {
  if (buffer_.size() == 0) return 0;
  const auto used = parser_.put(buffer_.cdata(), *error);
  buffer_.consume(used);
  if (*error == protocol::error::need_buffer || *error == protocol::error::need_more) error->clear();
  return used;
}

std::optional<Response> ConnectionBody::refusal(const error_code& error) const {
  if (error == asio::error::timed_out) {
    const std::chrono::duration<double> window = options_.body_rate_window;
    return problem({ErrorCode::timed_out, "body-too-slow",
                    fmt::format("the body arrived at less than {} bytes a second over {} s",
                                options_.body_rate_min, window.count()),
                    "send the body without pauses, or lower MIN_BODY_RATE"});
  }
  if (error == protocol::error::partial_message || error == protocol::error::end_of_stream) {
    return problem({ErrorCode::invalid_input, "truncated-body", "the connection ended before the body did",
                    "send the whole body again"});
  }
  if (!is_protocol_error(error)) return std::nullopt;
  return problem(bad_request(fmt::format("cannot parse the body's framing: {}", error.message()),
                             "send a Content-Length, or valid chunks"));
}

}  // namespace deltadrop::http
