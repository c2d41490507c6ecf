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

/// What is read of a body at a time, behind what the buffer still holds.
inline constexpr std::size_t kBodyReadBytes = std::size_t{64} << 10;

/// A request's body on its way from the connection, chunk by chunk, with its framing undone, and held to a
/// least rate. Belongs to the network thread; what it is made of outlives it.
class ConnectionBody {
 public:
  /// `buffer` has what was received behind the head, `parser` has read the head.
  ConnectionBody(ConnectionStream& stream, boost::beast::flat_buffer& buffer, RequestParser& parser,
                 const ServerOptions& options);

  [[nodiscard]] bool is_whole() const { return parser_.is_done(); }
  /// Reads until a chunk is full or the body ends. What is between the chunks of its framing, and behind
  /// them, is held to the limit of a head.
  boost::asio::awaitable<boost::system::error_code> read_chunk();
  /// What read_chunk took, until the next one.
  [[nodiscard]] std::span<const char> chunk() const { return std::span(chunk_).first(filled_); }

  /// The answer where read_chunk failed, if the client may still read one.
  [[nodiscard]] std::optional<Response> refusal(const boost::system::error_code& error) const;

 private:
  using Clock = std::chrono::steady_clock;

  void account(Clock::duration spent, std::size_t bytes);
  std::size_t parse(boost::system::error_code* error);

  ConnectionStream& stream_;
  boost::beast::flat_buffer& buffer_;
  RequestParser& parser_;
  const ServerOptions& options_;
  /// Refuses control characters in extensions: a recipient that ends a line at a bare LF would read another
  /// framing. The parser keeps a reference to it.
  std::function<void(std::uint64_t, boost::beast::string_view, boost::system::error_code&)> on_chunk_header_;
  std::vector<char> chunk_;
  std::size_t filled_ = 0;
  Clock::duration credit_;
};

}  // namespace deltadrop::http
