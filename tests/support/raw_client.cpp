#include "support/raw_client.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/table_ref.hpp"

namespace deltadrop::test {
namespace {

constexpr int kPatienceSeconds = 20;

/// Retries interrupted calls: when a paused process continues, its calls on a socket with a timeout are
/// interrupted, even without a signal handler (signal(7)).
template <class Call>
ssize_t uninterrupted(Call call) {
  ssize_t result = 0;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

/// An interrupted connect continues in the background.
bool connect_to(int socket, const sockaddr_in& server) {
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0) return true;
  if (errno != EINTR) return false;
  pollfd connecting{socket, POLLOUT, 0};
  if (uninterrupted([&] { return ::poll(&connecting, 1, kPatienceSeconds * 1000); }) != 1) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

std::string RawResponse::header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (field == name) return value;
  }
  return "";
}

RawClient::RawClient(const std::string& url, int receive_buffer) {
  constexpr std::string_view kTls = "https://";
  const bool with_tls = url.starts_with(kTls);
  const auto address = with_tls ? url.substr(kTls.size()) : url;
  const auto colon = address.rfind(':');
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &server.sin_addr);
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  // Send each piece at once and separately.
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval patience{kPatienceSeconds, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (!connect_to(socket_, server) || (with_tls && !begin_tls())) {
    ::close(socket_);
    socket_ = -1;
  }
}

RawClient::~RawClient() {
  SSL_free(tls_);
  if (socket_ >= 0) ::close(socket_);
}

bool RawClient::begin_tls() {
  auto* context = SSL_CTX_new(TLS_client_method());
  tls_ = SSL_new(context);
  SSL_CTX_free(context);  // tls_ keeps a reference
  SSL_set_fd(tls_, socket_);
  return uninterrupted([this] { return SSL_connect(tls_); }) == 1;
}

/// Like recv: returns 0 at the end of the connection (with TLS, at close_notify), and a negative value with
/// errno.
long RawClient::receive(void* bytes, std::size_t count) {
  return uninterrupted([&]() -> ssize_t {
    if (tls_ == nullptr) return ::recv(socket_, bytes, count, 0);
    const int got = SSL_read(tls_, bytes, static_cast<int>(count));
    if (got > 0) return got;
    return SSL_get_error(tls_, got) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
  });
}

long RawClient::transmit(std::string_view bytes) {
  return uninterrupted([&]() -> ssize_t {
    if (tls_ == nullptr) return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
  });
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = transmit(bytes);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::end_sending() { ::shutdown(socket_, SHUT_WR); }

bool RawClient::fill() {
  std::array<char, 64 * 1024> bytes;
  const auto count = receive(bytes.data(), bytes.size());
  if (count <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::read_some(std::size_t bytes) {
  if (buffer_.empty()) {
    buffer_.resize(bytes);
    const auto count = receive(buffer_.data(), bytes);
    buffer_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  std::string out = buffer_.substr(0, bytes);
  buffer_.erase(0, out.size());
  return out;
}

bool RawClient::closed_by_server() {
  char byte = 0;
  if (!buffer_.empty()) return false;
  const auto count = receive(&byte, 1);
  return count == 0 || (count < 0 && errno != EAGAIN);
}

bool RawClient::ends_in_peace() {
  std::array<char, 64 * 1024> bytes;
  ssize_t count = 0;
  do {
    count = receive(bytes.data(), bytes.size());
  } while (count > 0);
  return count == 0;
}

std::optional<std::string> RawClient::take_line() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  auto line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

bool RawClient::take(std::size_t bytes, std::string& out) {
  while (buffer_.size() < bytes) {
    if (!fill()) return false;
  }
  out.append(buffer_, 0, bytes);
  buffer_.erase(0, bytes);
  return true;
}

RawResponse RawClient::read_response(bool head) {
  RawResponse response;
  const auto status_line = take_line();
  if (!status_line || status_line->size() < 12) return response;
  response.status = std::stoi(status_line->substr(9, 3));
  while (true) {
    const auto line = take_line();
    if (!line) return response;
    if (line->empty()) break;
    const auto colon = line->find(": ");
    response.headers.emplace_back(ascii_lower(line->substr(0, colon)), line->substr(colon + 2));
  }
  if (head || response.status == 204 || response.status == 304 || response.status == 100) {
    response.whole = true;
    return response;
  }
  if (const auto length = response.header("content-length"); !length.empty()) {
    response.whole = take(std::stoull(length), response.body);
    return response;
  }
  if (response.header("transfer-encoding") != "chunked") {
    while (fill()) {
    }
    response.body = std::exchange(buffer_, "");
    response.whole = true;
    return response;
  }
  while (true) {
    const auto size_line = take_line();
    if (!size_line) return response;
    const auto size = std::stoull(*size_line, nullptr, 16);
    if (!take(size, response.body) || !take_line()) return response;
    if (size == 0) break;
  }
  response.whole = true;
  return response;
}

RawResponse fetch(const std::string& address, std::string_view method, std::string_view target,
                  std::string_view more_headers, std::string_view body) {
  RawClient client(address);
  auto request =
      fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}", method, target, more_headers);
  if (!body.empty()) request += fmt::format("Content-Length: {}\r\n", body.size());
  client.send(request + "\r\n" + std::string(body));
  return client.read_response(method == "HEAD");
}

}  // namespace deltadrop::test
