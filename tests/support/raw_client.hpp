#pragma once

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
  bool whole = false;                                        ///< the body is complete

  [[nodiscard]] std::string header(std::string_view name) const;
};

/// A blocking HTTP client that sends exactly the given bytes. Reads time out after 20 s.
class RawClient {
 public:
  /// `address` is the result of Server::address(). With https://, uses TLS and accepts any certificate.
  /// `receive_buffer` is SO_RCVBUF; 0 means the system's default.
  explicit RawClient(const std::string& address, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return socket_ >= 0; }
  /// Returns false if the server has closed its side.
  bool send(std::string_view bytes);
  void end_sending();
  /// Returns the next response. `head` means that it answers a HEAD request.
  RawResponse read_response(bool head = false);
  /// Returns whether the server closes the connection without sending more.
  bool closed_by_server();
  /// Reads to the end. Returns whether the server closed the connection without a reset.
  bool ends_in_peace();
  /// Returns up to `bytes` bytes as they arrive, or "" at the end.
  std::string read_some(std::size_t bytes);

 private:
  bool begin_tls();
  long receive(void* bytes, std::size_t count);
  long transmit(std::string_view bytes);
  bool fill();
  std::optional<std::string> take_line();
  bool take(std::size_t bytes, std::string& out);

  int socket_ = -1;
  ssl_st* tls_ = nullptr;  ///< only with TLS
  std::string buffer_;
};

/// Sends one request on its own connection.
RawResponse fetch(const std::string& address, std::string_view method, std::string_view target,
                  std::string_view more_headers = "", std::string_view body = "");

}  // namespace deltadrop::test
