#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "http/connection_stream.hpp"
#include "http/message.hpp"
#include "http/server.hpp"

namespace deltadrop::http {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

/// The most that one read of a body adds to the buffer.
inline constexpr std::size_t kBodyReadBytes = std::size_t{64} << 10;

/// Reads a request's body from the connection in chunks, without its framing, and enforces a minimum rate.
/// Belongs to the network thread. The constructor's arguments must outlive it.
class ConnectionBody {
 public:
  /// `buffer` contains the bytes received after the head, which `parser` has parsed.
  ConnectionBody(ConnectionStream& stream, boost::beast::flat_buffer& buffer, RequestParser& parser,
                 const ServerOptions& options);

  [[nodiscard]] bool is_whole() const { return parser_.is_done(); }
  /// Reads until a chunk is full or the body ends. The framing between and after the chunks may be as large
  /// as a head.
  boost::asio::awaitable<boost::system::error_code> read_chunk();
  /// The bytes that read_chunk read; valid until its next call.
  [[nodiscard]] std::span<const char> chunk() const { return std::span(chunk_).first(filled_); }

  /// Returns the response to a failed read_chunk, if the client can still receive one.
  [[nodiscard]] std::optional<Response> refusal(const boost::system::error_code& error) const;

 private:
  using Clock = std::chrono::steady_clock;

  void account(Clock::duration spent, std::size_t bytes);
  std::size_t parse(boost::system::error_code* error);

  ConnectionStream& stream_;
  boost::beast::flat_buffer& buffer_;
  RequestParser& parser_;
  const ServerOptions& options_;
  /// Rejects control characters in chunk extensions: a recipient that accepts a bare LF as a line end would
  /// see different framing. The parser keeps a reference to this function.
  std::function<void(std::uint64_t, boost::beast::string_view, boost::system::error_code&)> on_chunk_header_;
  std::vector<char> chunk_;
  std::size_t filled_ = 0;
  Clock::duration credit_;
};

}  // namespace deltadrop::http
