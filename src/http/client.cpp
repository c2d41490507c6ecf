#include "http/client.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace deltadrop::http {
namespace {

constexpr timeval kPatience{60, 0};

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Error no_answer(const std::string& address, std::string_view reason) {
  return {ErrorCode::unavailable, "no-answer",
          fmt::format("the server at {} does not answer: {}", address, reason),
          "look whether it still runs, then try again"};
}

int connect_to(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return -1;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found) != 0) return -1;
  const int descriptor = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor >= 0) {
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  }
  const bool connected = descriptor >= 0 && ::connect(descriptor, found->ai_addr, found->ai_addrlen) == 0;
  ::freeaddrinfo(found);
  if (connected) return descriptor;
  if (descriptor >= 0) ::close(descriptor);
  return -1;
}

bool send_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Until the server closes, as it was asked to.
std::string receive_all(int descriptor) {
  std::string received;
  std::array<char, 16 << 10> piece;
  while (true) {
    const auto count = ::recv(descriptor, piece.data(), piece.size(), 0);
    if (count <= 0) return received;
    received.append(piece.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

Result<ClientResponse> ask(const std::string& address, std::string_view method, const std::string& target) {
  const Socket socket(connect_to(address));
  if (socket.get() < 0) return no_answer(address, std::strerror(errno));
  const auto request =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", method,
                  target, address);
  if (!send_all(socket.get(), request)) return no_answer(address, std::strerror(errno));
  const std::string received = receive_all(socket.get());
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const auto head_end = received.find("\r\n\r\n");
  ClientResponse response;
  if (!received.starts_with(kVersion) || head_end == std::string::npos) {
    return no_answer(address, "it closed the connection without a reply");
  }
  const char* const status = received.data() + kVersion.size();
  std::from_chars(status, received.data() + head_end, response.status);
  response.body = received.substr(head_end + 4);
  return response;
}

}  // namespace deltadrop::http
