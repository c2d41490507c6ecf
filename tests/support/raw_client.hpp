#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_st;

namespace deltadrop::test {

struct RawResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;                                          ///< without chunk framing
  bool whole = false;                                        ///< the body came to its end

  [[nodiscard]] std::string header(std::string_view name) const;
};

/// A blocking HTTP client that sends exactly the bytes it is told to. Reads give up after 20 s.
class RawClient {
 public:
  /// `address` as Server::address() gives it: under TLS where that is https://, whatever certificate is
  /// shown. `receive_buffer`: SO_RCVBUF, 0 for the system's.
  explicit RawClient(const std::string& address, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return socket_ >= 0; }
  /// False when the server closed its side.
  bool send(std::string_view bytes);
  void end_sending();
  /// The next response. `head`: it answers a HEAD.
  RawResponse read_response(bool head = false);
  /// Whether the server closes now, with nothing more sent.
  bool closed_by_server();
  /// Reads to the end: whether the server closed the connection, and did not reset it.
  bool ends_in_peace();
  /// Up to `bytes` as they come; "" at the end.
  std::string read_some(std::size_t bytes);

 private:
  bool begin_tls();
  long receive(void* bytes, std::size_t count);
  long transmit(std::string_view bytes);
  bool fill();
  std::optional<std::string> take_line();
  bool take(std::size_t bytes, std::string& out);

  int socket_ = -1;
  ssl_st* tls_ = nullptr;  ///< where it is under TLS
  std::string buffer_;
};

/// Reads until `text` was there.
::testing::AssertionResult says(RawClient& client, const std::string& text);

/// One request on a connection of its own.
RawResponse fetch(const std::string& address, std::string_view method, std::string_view target,
                  std::string_view more_headers = "", std::string_view body = "");

}  // namespace deltadrop::test
